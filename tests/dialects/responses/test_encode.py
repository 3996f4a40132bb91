"""What goes out: the conversation as input items, settings in the API's own words, nothing stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.responses.wire import CHAT, TARGET, encode, sent
from tramite import errors as er
from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.base import Target, Traits
from tramite.messages import Audio, Image, Message, Opaque, Refusal, Text, ToolCall, assistant, system, user

PNG = b"\x89PNG\r\n\x1a\n"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_nothing_is_stored_and_the_state_of_thinking_is_asked_for() -> None:
    assert sent(user("Ciao")) == {
        "model": "gpt-5-mini",
        "input": [{"role": "user", "content": "Ciao"}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert encode().path == "/responses"
    assert sent(user("Ciao"), stream=True)["stream"] is True


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("gpt-5-mini", True),
        ("o4-mini", True),
        ("grok-4.3", True),
        ("my-deployment", True),
        ("gpt-4o-mini", False),
        ("openai/gpt-4.1", False),
        ("ft:gpt-4o-2024-08-06:me", False),
        ("gpt-5-chat-latest", False),
        ("gpt-35-turbo", False),
    ],
)
def test_models_that_do_not_think_are_not_asked_for_it(model: str, asked: bool) -> None:
    """They refuse the question: "Encrypted content is not supported with this model"."""
    body = CHAT.encode(ChatCall(messages=(user("?"),)), Target("openai-responses", model), False).body
    assert (b"encrypted_content" in body) == asked


def test_a_deployment_can_say_that_it_does_not_think() -> None:
    traits = Traits(unsupported=("reasoning_effort",))
    encoded = encode(traits=traits, reasoning_effort="low")
    assert b"include" not in encoded.body
    assert b"effort" not in encoded.body
    assert encoded.notices == ("openai-responses/gpt-5-mini does not support reasoning_effort: it was left out",)


def test_system_and_developer_messages_stay_where_they_are() -> None:
    body = sent(system("a"), user("b"), Message("developer", "c"), Message("system", (Text("d"), Text("e"))), user("f"))
    assert [(item["role"], item["content"]) for item in body["input"]] == [
        ("system", "a"),
        ("user", "b"),
        ("developer", "c"),
        ("system", [{"type": "input_text", "text": "d"}, {"type": "input_text", "text": "e"}]),
        ("user", "f"),
    ]
    assert "instructions" not in body


def test_images() -> None:
    pieces = user("Che cos'è?", Image(data=PNG, detail="low"), Image(url="https://e.org/a.png"))
    assert sent(pieces)["input"][0]["content"] == [
        {"type": "input_text", "text": "Che cos'è?"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
        {"type": "input_image", "image_url": "https://e.org/a.png"},
    ]


@pytest.mark.parametrize(
    ("message", "traits", "field"),
    [
        (user("a", Audio(b"x")), Traits(), "audio"),
        (user("a", Image(data=PNG)), Traits(unsupported=("images",)), "images"),
        (user("a", Opaque("gemini", "{}")), Traits(), "opaque"),
        (assistant("a", Image(data=PNG)), Traits(), "image"),
    ],
)
def test_what_cannot_be_put_in_is_refused(message: Message, traits: Traits, field: str) -> None:
    with pytest.raises(er.Unsupported) as caught:
        encode(user("?"), message, traits=traits)
    assert caught.value.field == field


def test_tools_are_flat_and_no_stricter_than_was_said() -> None:
    tools = (Tool("weather", "Il tempo", CITY, True), Tool("search"), Tool("find", parameters=CITY, strict=False))
    body = sent(user("?"), tools=tools, tool_choice="weather")
    assert body["tools"] == [
        {"type": "function", "name": "weather", "description": "Il tempo", "parameters": CITY, "strict": True},
        {
            "type": "function",
            "name": "search",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
            "strict": False,
        },
        {"type": "function", "name": "find", "parameters": CITY, "strict": False},
    ]
    assert body["tool_choice"] == {"type": "function", "name": "weather"}


def test_calls_and_their_results_are_items() -> None:
    asked = assistant("Vedo.", ToolCall("call_1", "weather", "{}"))
    picture = Message("tool", (Text("a"), Image(data=PNG)), tool_call_id="call_1")
    body = sent(user("?"), asked, Message("tool", "sole", tool_call_id="call_1"), picture)
    assert body["input"][1:] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Vedo."}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sole"},
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="},
            ],
        },
    ]


def test_the_models_own_refusals_and_empty_answers() -> None:
    body = sent(user("a"), assistant(Text("Sì, ma"), Refusal("no.")), user("b"), assistant(""), user("c"))
    assert [item.get("content") for item in body["input"]] == [
        "a",
        [{"type": "output_text", "text": "Sì, ma"}, {"type": "refusal", "refusal": "no."}],
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (
            {"max_tokens": 50, "temperature": 0.5, "top_p": 0.9},
            {"max_output_tokens": 50, "temperature": 0.5, "top_p": 0.9},
        ),
        (
            {"logprobs": 0},
            {"top_logprobs": 0, "include": ["reasoning.encrypted_content", "message.output_text.logprobs"]},
        ),
        ({"reasoning_effort": "minimal"}, {"reasoning": {"effort": "minimal"}}),
        ({"response_format": ResponseFormat("json_object")}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"response_format": ResponseFormat("json_schema", "place", CITY, True)},
            {"text": {"format": {"type": "json_schema", "name": "place", "schema": CITY, "strict": True}}},
        ),
        ({"n": 1}, {}),
    ],
)
def test_settings_in_the_apis_words(settings: dict[str, Any], fields: dict[str, Any]) -> None:
    assert sent(**settings) == {**sent(), **fields}
    assert encode(**settings).notices == ()


@pytest.mark.parametrize("name", ["seed", "stop", "presence_penalty", "frequency_penalty"])
def test_settings_that_the_api_lacks_are_named(name: str) -> None:
    settings: dict[str, Any] = {name: ("x",) if name == "stop" else 1}
    encoded = encode(**settings)
    assert encoded.body == encode().body
    assert encoded.notices == (f"{TARGET} does not support {name}: it was left out",)


@pytest.mark.parametrize(
    ("settings", "traits", "field"),
    [
        ({"n": 2}, None, "n"),
        ({"tools": (Tool("f"),)}, Traits(unsupported=("tools",)), "tools"),
        ({"extra": {"max_output_tokens": 5}}, None, "max_output_tokens"),
        ({"extra": {"seed": 5}}, None, "seed"),
        ({"extra": {"include": "all"}}, None, "include"),
        ({"extra": {"tools": {}}}, None, "tools"),
        ({"extra": {"reasoning": "much"}}, None, "reasoning"),
        ({"extra": {"background": True}}, None, "background"),
    ],
)
def test_settings_that_make_another_answer_are_refused(
    settings: dict[str, Any], traits: Traits | None, field: str
) -> None:
    with pytest.raises(er.InvalidCall) as caught:
        encode(traits=traits, **settings)
    assert caught.value.field == field


def test_a_targets_own_lacks_are_named() -> None:
    encoded = encode(traits=Traits(unsupported=("temperature", "logprobs")), temperature=0.5, logprobs=2)
    assert encoded.body == encode().body
    assert len(encoded.notices) == 2


def test_names_of_speakers_are_left_out_with_a_notice() -> None:
    encoded = encode(Message("user", "Ciao", name="ada"))
    assert b"ada" not in encoded.body
    assert encoded.notices == (f"{TARGET}: messages carry no name there: 'ada' was left out",)


def test_what_only_this_api_has_goes_beside_what_is_ours() -> None:
    search = {"type": "web_search"}
    extra = {
        "reasoning": {"summary": "auto"},
        "verbosity": "low",
        "include": ["web_search_call.action.sources", "reasoning.encrypted_content"],
        "tools": [search],
        "tool_choice": search,
        "parallel_tool_calls": False,
        "service_tier": "flex",
        "store": True,
    }
    form = ResponseFormat("json_object")
    body = sent(user("?"), reasoning_effort="low", response_format=form, tools=(Tool("f"),), extra=extra)
    assert body["reasoning"] == {"summary": "auto", "effort": "low"}
    assert body["text"] == {"verbosity": "low", "format": {"type": "json_object"}}
    assert body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    assert [tool.get("name") for tool in body["tools"]] == ["f", None]
    assert (body["tool_choice"], body["parallel_tool_calls"], body["service_tier"]) == (search, False, "flex")
    assert body["store"] is True


def test_a_chat_clients_question_for_usage_is_answered_anyway() -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    assert sent(stream=True, extra={"stream_options": options})["stream_options"] == {"include_obfuscation": False}
    assert "stream_options" not in sent(stream=True, extra={"stream_options": {"include_usage": True}})
    assert "stream_options" not in sent(extra={"stream_options": options})


def test_an_answer_in_the_background_may_be_watched() -> None:
    assert sent(stream=True, extra={"background": True})["background"] is True


def test_broken_unicode_is_an_invalid_call() -> None:
    with pytest.raises(er.InvalidCall, match="surrogate"):
        encode(user("a\ud83d"))
