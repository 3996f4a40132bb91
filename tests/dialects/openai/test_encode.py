"""What goes out to an OpenAI-compatible server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, ModelsCall, Tool
from tramite.dialects.base import Encoded, Target, Traits
from tramite.dialects.openai import OPENAI
from tramite.errors import InvalidCall, Unsupported
from tramite.messages import Audio, Image, Message, Opaque, Reasoning, Text, ToolCall, system, user

PNG = b"\x89PNG\r\n\x1a\n"
DETAILS = Opaque("openai", '{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}')


def _encode(call: Any, stream: bool = False, **traits: Any) -> Encoded:
    kind = {ChatCall: "chat", CompletionCall: "completion", EmbeddingCall: "embedding"}[type(call)]
    return OPENAI.operations[kind].encode(call, Target("acme", "m-1", Traits(**traits)), stream)  # type: ignore[index]  # a Kind


def _body(call: Any, stream: bool = False, **traits: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(_encode(call, stream, **traits).body)
    return body


def _chat(*messages: Message, **settings: Any) -> ChatCall:
    return ChatCall(messages=messages or (user("ciao"),), **settings)


def test_the_model_comes_first_so_that_a_router_can_route_by_the_first_bytes() -> None:
    assert _encode(_chat()).body.startswith(b'{"model":"m-1",')


def test_a_setting_that_was_not_made_is_not_sent() -> None:
    assert _body(_chat()) == {"model": "m-1", "messages": [{"role": "user", "content": "ciao"}]}


def test_a_setting_of_zero_is_sent() -> None:
    assert (
        _body(_chat(temperature=0, seed=0, logprobs=0)).items()
        >= {
            "temperature": 0,
            "seed": 0,
            "logprobs": True,
            "top_logprobs": 0,
        }.items()
    )


def test_the_target_names_the_field_for_the_largest_output_of_chats_alone() -> None:
    assert _body(_chat(max_tokens=5), max_tokens_field="max_completion_tokens")["max_completion_tokens"] == 5
    completion = CompletionCall(prompt="x", max_tokens=5)
    assert _body(completion, max_tokens_field="max_completion_tokens")["max_tokens"] == 5


def test_a_stream_asks_for_its_usage_where_the_target_takes_the_question() -> None:
    assert _body(_chat(), stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in _body(_chat(), stream=True, include_usage=False)
    assert "stream" not in _body(_chat())


def test_what_a_client_asked_of_its_stream_is_merged() -> None:
    extra = {"stream_options": {"include_usage": False, "include_obfuscation": False}}
    assert _body(_chat(extra=extra), stream=True)["stream_options"] == {
        "include_usage": True,
        "include_obfuscation": False,
    }
    assert "stream_options" not in _body(_chat(extra=extra))


def test_text_alone_is_a_string_and_images_make_a_list() -> None:
    both = user("guarda", Image(data=PNG, detail="low"), Image(url="https://e.org/a.png"), Audio(b"RIFF", "wav"))
    parts = _body(_chat(user("a", "b"), both))["messages"]
    assert parts[0]["content"] == "ab"
    assert [part["type"] for part in parts[1]["content"]] == ["text", "image_url", "image_url", "input_audio"]
    assert parts[1]["content"][1]["image_url"] == {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}
    assert parts[1]["content"][3]["input_audio"] == {"data": "UklGRg==", "format": "wav"}


@pytest.mark.parametrize(("known", "role"), [(True, "developer"), (False, "system")])
def test_developer_is_system_where_the_word_is_unknown(known: bool, role: str) -> None:
    call = _chat(Message("developer", "Sii breve."), user("ciao"))
    encoded = _encode(call, developer_role=known)
    assert json.loads(encoded.body)["messages"][0] == {"role": role, "content": "Sii breve."}
    assert encoded.notices == ()


def test_an_answer_with_tool_calls_and_their_results_goes_back() -> None:
    asked = Message("assistant", (ToolCall("c1", "weather", '{"city":"Roma"}'),))
    messages = _body(_chat(user("?"), asked, Message("tool", "sole", tool_call_id="c1")))["messages"]
    assert messages[1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Roma"}'}}
        ],
    }
    assert messages[2] == {"role": "tool", "content": "sole", "tool_call_id": "c1"}


def test_shown_thinking_is_not_sent_back_unless_the_target_wants_it() -> None:
    call = _chat(user("?"), Message("assistant", (Reasoning("hmm"), Text("sì"))), user("e poi?"))
    encoded = _encode(call)
    assert json.loads(encoded.body)["messages"][1] == {"role": "assistant", "content": "sì"}
    assert encoded.notices == ()
    assert _body(call, echoes=("reasoning_content",))["messages"][1]["reasoning_content"] == "hmm"


def test_state_goes_back_to_a_target_that_echoes_it_and_is_noticed_elsewhere() -> None:
    call = _chat(user("?"), Message("assistant", (DETAILS, Text("sì"))), user("e poi?"))
    sent = _body(call, echoes=("reasoning_details",))["messages"][1]
    assert sent["reasoning_details"] == [{"type": "reasoning.encrypted", "data": "x"}]
    encoded = _encode(call)
    assert "reasoning_details" not in json.loads(encoded.body)["messages"][1]
    assert "reasoning_details" in encoded.notices[0]


def test_state_of_another_dialect_is_left_out_with_a_notice() -> None:
    call = _chat(user("?"), Message("assistant", (Opaque("anthropic", "{}"), Text("sì"))), user("e poi?"))
    assert "anthropic" in _encode(call).notices[0]


def test_state_of_a_tool_call_goes_back_to_the_call_it_came_with() -> None:
    state = Opaque("openai", '{"tool_calls.extra_content":{"c1":{"google":{"thought_signature":"s"}}}}')
    asked = Message("assistant", (state, ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}")))
    results = (Message("tool", "1", tool_call_id="c1"), Message("tool", "2", tool_call_id="c2"))
    message = _body(_chat(user("?"), asked, *results), echoes=("tool_calls.extra_content",))["messages"][1]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    assert "extra_content" not in message["tool_calls"][1]


def test_a_tool_is_chosen_by_its_name() -> None:
    body = _body(_chat(tools=(Tool("weather", "Il tempo"),), tool_choice="weather"))
    assert body["tools"] == [{"type": "function", "function": {"name": "weather", "description": "Il tempo"}}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("field", "value", "wire"),
    [
        ("temperature", 0.5, ["temperature"]),
        ("max_tokens", 5, ["max_tokens"]),
        ("stop", ("x",), ["stop"]),
        ("logprobs", 2, ["logprobs", "top_logprobs"]),
        ("reasoning_effort", "low", ["reasoning_effort"]),
    ],
)
def test_sampling_that_a_target_refuses_is_left_out_and_named(field: str, value: Any, wire: list[str]) -> None:
    encoded = _encode(_chat(**{field: value}), unsupported=(field, "seed"))
    assert not set(wire) & set(json.loads(encoded.body))
    assert encoded.notices == (f"acme/m-1 does not support {field}: it was left out",)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("tools", _chat(tools=(Tool("f"),))),
        ("images", _chat(user(Image(data=PNG)))),
        ("audio", _chat(user(Audio(b"")))),
        ("n", _chat(n=2)),
        ("suffix", CompletionCall(prompt="a", suffix="b")),
        ("dimensions", EmbeddingCall(inputs=("a",), dimensions=3)),
    ],
)
def test_what_the_answer_depends_on_is_an_error_where_a_target_lacks_it(name: str, call: Any) -> None:
    with pytest.raises(Unsupported, match=f"acme/m-1.*{name}"):
        _encode(call, unsupported=(name,))


def test_one_choice_is_what_a_target_gives_that_cannot_give_several() -> None:
    encoded = _encode(_chat(n=1), unsupported=("n",))
    assert b'"n"' not in encoded.body
    assert encoded.notices == ()


def test_extra_settings_go_into_the_body_as_they_are() -> None:
    assert (
        _body(_chat(extra={"logit_bias": {"50256": -100}, "service_tier": "flex"})).items()
        >= {
            "service_tier": "flex",
            "logit_bias": {"50256": -100},
        }.items()
    )


@pytest.mark.parametrize("name", ["temperature", "messages", "model", "max_completion_tokens", "stream"])
def test_extra_may_not_hide_a_setting_of_ours(name: str) -> None:
    with pytest.raises(InvalidCall, match=name) as caught:
        _encode(_chat(extra={name: 1}))
    assert caught.value.field == name


@pytest.mark.parametrize("extra", [{"user": object()}, {"user": "\ud83d"}])
def test_what_json_cannot_hold_is_an_invalid_call(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidCall):
        _encode(_chat(extra=extra))


def test_a_part_that_its_role_cannot_carry_is_refused() -> None:
    with pytest.raises(Unsupported, match="assistant"):
        _encode(_chat(user("?"), Message("assistant", (Image(data=PNG),)), user("!")))
    with pytest.raises(Unsupported, match="user message cannot carry Reasoning"):
        _encode(_chat(user(Reasoning("hmm"))))


def test_a_completion_has_its_own_fields() -> None:
    call = CompletionCall(prompt="def f(", suffix="return", echo=True, logprobs=2, stop=("\n",), extra={"best_of": 3})
    encoded = _encode(call, stream=True)
    assert encoded.path == "/completions"
    assert json.loads(encoded.body) == {
        "model": "m-1",
        "prompt": "def f(",
        "stop": ["\n"],
        "suffix": "return",
        "echo": True,
        "logprobs": 2,
        "stream": True,
        "stream_options": {"include_usage": True},
        "best_of": 3,
    }


def test_embeddings_travel_as_base64_where_the_target_can() -> None:
    call = EmbeddingCall(inputs=("a", "b"), dimensions=256)
    assert _body(call) == {"model": "m-1", "input": ["a", "b"], "dimensions": 256}
    assert _body(call, base64_embeddings=True)["encoding_format"] == "base64"
    asked = EmbeddingCall(inputs=("a",), extra={"encoding_format": "float"})
    assert _body(asked, base64_embeddings=True)["encoding_format"] == "float"


def test_a_form_of_vectors_that_cannot_be_read_is_not_asked_for() -> None:
    with pytest.raises(Unsupported, match="base64_int8"):
        _encode(EmbeddingCall(inputs=("a",), extra={"encoding_format": "base64_binary"}))


def test_models_are_asked_for_without_a_body() -> None:
    encoded = OPENAI.operations["models"].encode(ModelsCall(), Target("acme", ""), False)
    assert (encoded.method, encoded.path, encoded.body) == ("GET", "/models", b"")


@pytest.mark.parametrize(("kind", "call"), [("embedding", EmbeddingCall(inputs=("a",))), ("models", ModelsCall())])
def test_what_has_no_stream_says_so(kind: Any, call: Any) -> None:
    operation = OPENAI.operations[kind]
    for act in (
        lambda: operation.encode(call, Target("acme", "m"), True),
        lambda: operation.reader(call),
        lambda: operation.writer(call),
        lambda: operation.watcher(1),
    ):
        with pytest.raises(Unsupported, match="does not stream"):
            act()


def test_the_system_message_is_first_as_given() -> None:
    assert [message["role"] for message in _body(_chat(system("Sei un copywriter."), user("ciao")))["messages"]] == [
        "system",
        "user",
    ]
