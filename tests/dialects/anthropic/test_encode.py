"""What goes out to a server of the Messages API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite.calls import ChatCall, ModelsCall, ResponseFormat, Tool
from tramite.dialects.anthropic import ANTHROPIC
from tramite.dialects.base import Encoded, Target, Traits
from tramite.errors import InvalidCall, Unsupported
from tramite.messages import Audio, Image, Message, Text, ToolCall, assistant, system, tool_result, user

PNG = b"\x89PNG\r\n\x1a\n"
HAIKU = "claude-haiku-4-5"


def _encode(call: ChatCall, model: str = HAIKU, stream: bool = False, **traits: Any) -> Encoded:
    return ANTHROPIC.operations["chat"].encode(call, Target("anthropic", model, Traits(**traits)), stream)


def _body(call: ChatCall, model: str = HAIKU, stream: bool = False, **traits: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(_encode(call, model, stream, **traits).body)
    return body


def _chat(*messages: Message, **settings: Any) -> ChatCall:
    return ChatCall(messages=messages or (user("ciao"),), **{"max_tokens": 100, **settings})


def test_a_setting_that_was_not_made_is_not_sent() -> None:
    encoded = _encode(_chat())
    assert encoded.path == "/messages"
    assert encoded.headers == {"anthropic-version": "2023-06-01"}
    assert encoded.notices == ()
    assert encoded.body == b'{"model":"%b","max_tokens":100,"messages":[{"role":"user","content":"ciao"}]}' % (
        HAIKU.encode()
    )


def test_the_api_demands_a_length_so_one_is_sent_and_named() -> None:
    encoded = _encode(_chat(max_tokens=None))
    assert json.loads(encoded.body)["max_tokens"] == 4096
    assert encoded.notices == (f"anthropic/{HAIKU} demands max_tokens: 4096 was sent",)


def test_settings_have_their_own_names() -> None:
    body = _body(_chat(temperature=0, stop=("\n",)), stream=True)
    assert body["temperature"] == 0
    assert body["stop_sequences"] == ["\n"]
    assert body["stream"] is True


def test_system_messages_stand_above_one_as_text_and_several_as_blocks() -> None:
    assert _body(_chat(system("Sii breve."), user("ciao")))["system"] == "Sii breve."
    both = _body(_chat(system("Sii breve."), Message("developer", "In italiano."), user("ciao")))
    assert both["system"] == [{"type": "text", "text": "Sii breve."}, {"type": "text", "text": "In italiano."}]
    assert both["messages"] == [{"role": "user", "content": "ciao"}]


TURNS = (user("ciao"), assistant("salve"), user("Che ora è?"), system("Rispondi in latino."))


def test_a_later_system_message_stays_in_place_where_the_model_takes_it() -> None:
    encoded = _encode(_chat(*TURNS, system("Una frase.")), "claude-opus-4-8")
    assert encoded.notices == ()
    *_, last = json.loads(encoded.body)["messages"]
    assert last["role"] == "system"
    assert [block["text"] for block in last["content"]] == ["Rispondi in latino.", "Una frase."]


@pytest.mark.parametrize(
    ("model", "messages"),
    [(HAIKU, TURNS), ("qwen3-8b", TURNS), ("claude-opus-4-8", (user("a"), assistant("b"), system("c"), user("d")))],
)
def test_elsewhere_a_later_system_message_is_moved_to_the_top_and_named(model: str, messages: tuple[Message]) -> None:
    encoded = _encode(_chat(*messages), model)
    body = json.loads(encoded.body)
    assert body["system"] in ("Rispondi in latino.", "c")
    assert all(turn["role"] != "system" for turn in body["messages"])
    assert encoded.notices == (f"anthropic/{model}: a system message in mid-conversation was moved to the top",)


def test_what_follows_in_the_same_role_is_one_turn() -> None:
    turns = _body(_chat(user("a"), user("b", Image(data=PNG)), assistant("c"), assistant("d"), user("e")))["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["type"] for block in turns[0]["content"]] == ["text", "text", "image"]
    assert [block["text"] for block in turns[1]["content"]] == ["c", "d"]


def test_an_empty_answer_in_the_history_is_left_out_since_it_would_be_refused() -> None:
    turns = _body(_chat(user("a"), assistant(""), user("b")))["messages"]
    assert turns == [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]


def test_tool_results_open_the_users_turn_together() -> None:
    asked = Message("assistant", (Text("Vedo."), ToolCall("t1", "weather", '{"città":"Roma"}'), ToolCall("t2", "now")))
    picture = Message("tool", (Text("ecco"), Image(data=PNG)), tool_call_id="t2")
    turns = _body(_chat(user("meteo?"), asked, tool_result("t1", "sole"), user("allora?"), picture))["messages"]
    assert turns[1]["content"] == [
        {"type": "text", "text": "Vedo."},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"città": "Roma"}},
        {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
    ]
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert turns[2]["content"][0] == {"type": "tool_result", "tool_use_id": "t1", "content": "sole"}
    assert [block["type"] for block in turns[2]["content"][1]["content"]] == ["text", "image"]


def test_images_go_as_bytes_or_as_addresses() -> None:
    encoded = _encode(_chat(user("guarda", Image(data=PNG), Image(url="https://e.org/a.png", detail="low"))))
    _, data, url = json.loads(encoded.body)["messages"][0]["content"]
    assert data["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert url["source"] == {"type": "url", "url": "https://e.org/a.png"}
    assert "detail" in encoded.notices[0]


@pytest.mark.parametrize(
    ("part", "traits", "word"),
    [
        (Audio(b"RIFF"), {}, "audio"),
        (Image(data=PNG), {"unsupported": ("images",)}, "image"),
        (Image(data=b"BM", media_type="image/bmp"), {}, "image/bmp"),
        (ToolCall("t", "x"), {}, "toolcall"),
    ],
)
def test_a_part_that_cannot_be_sent_is_refused(part: Any, traits: dict[str, Any], word: str) -> None:
    with pytest.raises(Unsupported, match=word):
        _encode(_chat(Message("user", (part,))), **traits)


def test_a_name_of_a_speaker_is_left_out_and_named() -> None:
    assert "'Ada'" in _encode(_chat(Message("user", "ciao", name="Ada"))).notices[0]


def test_a_trailing_answer_is_sent_to_be_continued() -> None:
    assert _body(_chat(user("ciao"), assistant("Sal")))["messages"][-1] == {"role": "assistant", "content": "Sal"}


@pytest.mark.parametrize(
    "settings",
    [{"seed": 0}, {"presence_penalty": 0.5}, {"frequency_penalty": 0}, {"logprobs": 0}],
)
def test_sampling_that_no_model_of_theirs_has_is_left_out_and_named(settings: dict[str, Any]) -> None:
    encoded = _encode(_chat(**settings))
    (name,) = settings
    assert encoded.notices == (f"anthropic/{HAIKU} does not support {name}: it was left out",)
    assert set(json.loads(encoded.body)) == {"model", "max_tokens", "messages"}


def test_several_choices_are_refused_and_one_is_what_comes_anyway() -> None:
    assert "n" not in _body(_chat(n=1), unsupported=("n",))
    with pytest.raises(Unsupported) as caught:
        _encode(_chat(n=2))
    assert caught.value.field == "n"


def test_what_a_target_refuses_is_named_or_refused() -> None:
    encoded = _encode(_chat(stop=("x",), temperature=0), unsupported=("stop", "temperature"))
    assert [notice.rpartition(":")[0] for notice in encoded.notices] == [
        f"anthropic/{HAIKU} does not support stop",
        f"anthropic/{HAIKU} does not support temperature",
    ]
    assert set(json.loads(encoded.body)) == {"model", "max_tokens", "messages"}
    with pytest.raises(Unsupported, match="tools"):
        _encode(_chat(tools=(Tool("now"),)), unsupported=("tools",))


def test_a_temperature_above_one_is_refused_with_the_range() -> None:
    with pytest.raises(Unsupported, match=r"from 0 to 1, got 1\.5") as caught:
        _encode(_chat(temperature=1.5))
    assert caught.value.field == "temperature"


@pytest.mark.parametrize(
    ("model", "sent", "noticed"),
    [
        ("claude-3-haiku-20240307", {"temperature", "top_p"}, ()),
        ("claude-sonnet-4-5-20250929", {"temperature"}, ("top_p",)),
        ("claude-opus-4-8", set(), ("temperature", "top_p")),
        ("claude-haiku-5-5", set(), ("temperature", "top_p")),
        ("qwen3-8b", {"temperature", "top_p"}, ()),
    ],
)
def test_each_model_gets_the_sampling_that_it_takes(model: str, sent: set[str], noticed: tuple[str, ...]) -> None:
    encoded = _encode(_chat(temperature=0.5, top_p=0.9), model)
    assert {"temperature", "top_p"} & set(json.loads(encoded.body)) == sent
    assert len(encoded.notices) == len(noticed)
    assert all(name in notice for name, notice in zip(noticed, encoded.notices, strict=True))


THOUGHT: dict[tuple[str, str], tuple[Any, Any]] = {
    (HAIKU, "low"): ({"type": "enabled", "budget_tokens": 2000}, None),
    (HAIKU, "high"): ({"type": "enabled", "budget_tokens": 8000}, None),
    (HAIKU, "minimal"): ({"type": "enabled", "budget_tokens": 1024}, None),
    (HAIKU, "none"): ({"type": "disabled"}, None),
    ("claude-opus-4-6", "medium"): ({"type": "adaptive"}, "medium"),
    ("claude-opus-4-7", "xhigh"): ({"type": "adaptive"}, "xhigh"),
    ("claude-opus-4-8", "none"): ({"type": "disabled"}, None),
    ("claude-sonnet-5-5", "none"): ({"type": "between_tools"}, None),
    ("claude-haiku-5-5", "low"): ({"type": "adaptive"}, "low"),
    ("qwen3-8b", "medium"): ({"type": "enabled", "budget_tokens": 5000}, None),
}


@pytest.mark.parametrize(("model", "effort"), THOUGHT)
def test_an_effort_is_a_budget_or_a_word_as_the_model_has_it(model: str, effort: Any) -> None:
    encoded = _encode(_chat(reasoning_effort=effort, max_tokens=10_000), model)
    body = json.loads(encoded.body)
    thinking, word = THOUGHT[model, effort]
    assert body["thinking"] == thinking
    assert body.get("output_config") == (None if word is None else {"effort": word})
    assert encoded.notices == ()


@pytest.mark.parametrize(
    ("model", "effort", "most", "said"),
    [
        ("claude-3-5-haiku-20241022", "high", 9000, "does not think"),
        (HAIKU, "high", 1024, "max_tokens above 1024"),
        ("claude-opus-4-6", "xhigh", 9000, "'high' was sent"),
        ("claude-opus-5", "minimal", 9000, "'low' was sent"),
        ("claude-fable-5", "none", 9000, "always thinks"),
    ],
)
def test_an_effort_that_the_model_has_not_is_named(model: str, effort: Any, most: int, said: str) -> None:
    (notice,) = _encode(_chat(reasoning_effort=effort, max_tokens=most), model).notices
    assert said in notice


def test_a_model_that_thinks_takes_no_temperature_meanwhile() -> None:
    encoded = _encode(_chat(reasoning_effort="low", temperature=0, max_tokens=4000))
    assert "temperature" not in json.loads(encoded.body)
    assert "while it thinks" in encoded.notices[0]
    assert "temperature" in _body(_chat(reasoning_effort="low", temperature=0, max_tokens=4000), "qwen3-8b")


def test_tools_and_their_choice() -> None:
    tools = (Tool("weather", "Il tempo", {"type": "object", "properties": {}}), Tool("now"))
    body = _body(_chat(tools=tools, tool_choice="required"))
    assert body["tools"] == [
        {"name": "weather", "description": "Il tempo", "input_schema": {"type": "object", "properties": {}}},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "any"}
    assert _body(_chat(tools=tools, tool_choice="now"))["tool_choice"] == {"type": "tool", "name": "now"}
    assert _body(_chat(tools=tools, tool_choice="none"))["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in _body(_chat(tools=tools))


def test_one_tool_at_a_time_is_said_in_their_words() -> None:
    alone = {"parallel_tool_calls": False}
    assert _body(_chat(tools=(Tool("now"),), extra=alone))["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert "tool_choice" not in _body(_chat(extra=alone))
    assert "tool_choice" not in _body(_chat(tools=(Tool("now"),), extra={"parallel_tool_calls": True}))


def test_the_providers_own_tools_come_through_extra() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    body = _body(_chat(tools=(Tool("now"),), extra={"tools": [search]}))
    assert [tool["name"] for tool in body["tools"]] == ["now", "web_search"]
    with pytest.raises(InvalidCall, match="list"):
        _encode(_chat(extra={"tools": search}))


SCHEMA = {
    "type": "object",
    "properties": {
        "età": {"type": "integer", "minimum": 0, "description": "in anni"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 1, "maxItems": 3},
        "luogo": {"oneOf": [{"$ref": "#/$defs/Luogo"}, {"type": "null"}]},
    },
    "required": ["età"],
    "$defs": {"Luogo": {"type": "object", "properties": {"nome": {"type": "string"}}}},
}


def test_a_schema_is_closed_and_its_bounds_are_told_as_text() -> None:
    encoded = _encode(_chat(response_format=ResponseFormat("json_schema", "persona", SCHEMA)))
    form = json.loads(encoded.body)["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"] == {
        "title": "persona",
        "type": "object",
        "properties": {
            "età": {"type": "integer", "description": "in anni (minimum: 0)"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "(maxLength: 9)"},
                "minItems": 1,
                "description": "(maxItems: 3)",
            },
            "luogo": {"anyOf": [{"$ref": "#/$defs/Luogo"}, {"type": "null"}]},
        },
        "required": ["età"],
        "$defs": {
            "Luogo": {
                "type": "object",
                "properties": {"nome": {"type": "string"}},
                "additionalProperties": False,
            }
        },
        "additionalProperties": False,
    }
    (notice,) = encoded.notices
    assert "maxItems, maxLength, minimum" in notice
    assert "additionalProperties" not in SCHEMA


def test_a_format_and_an_effort_stand_beside_each_other() -> None:
    form = ResponseFormat("json_schema", schema={"type": "object", "additionalProperties": False})
    config = _body(_chat(response_format=form, reasoning_effort="low"), "claude-opus-4-8")["output_config"]
    assert config == {"effort": "low", "format": {"type": "json_schema", "schema": form.schema}}


def test_json_without_a_schema_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unsupported, match="give a JSON schema") as caught:
        _encode(_chat(response_format=ResponseFormat("json_object")))
    assert caught.value.field == "response_format"
    assert "output_config" not in _body(_chat(response_format=ResponseFormat("text")))


def test_a_loose_format_is_named_since_there_is_none() -> None:
    form = ResponseFormat("json_schema", schema={"type": "object"}, strict=False)
    assert "strict=False" in _encode(_chat(response_format=form)).notices[0]


def test_a_strict_tool_has_a_closed_schema() -> None:
    (tool,) = _body(_chat(tools=(Tool("now", parameters={"type": "object"}, strict=True),)))["tools"]
    assert tool == {
        "name": "now",
        "strict": True,
        "input_schema": {"type": "object", "additionalProperties": False},
    }


def test_extra_goes_as_it_is_and_outranks_what_was_made_of_the_effort() -> None:
    extra = {
        "top_k": 5,
        "thinking": {"type": "enabled", "budget_tokens": 3000},
        "output_config": {"task_budget": {"type": "tokens", "total": 9}},
        "user": "u-1",
        "metadata": {"x": 1},
        "stream_options": {"include_usage": True},
    }
    body = _body(_chat(reasoning_effort="high", extra=extra), "claude-opus-4-8")
    assert body["top_k"] == 5
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 3000}
    assert body["output_config"] == {"effort": "high", "task_budget": {"type": "tokens", "total": 9}}
    assert body["metadata"] == {"user_id": "u-1", "x": 1}
    assert "stream_options" not in body


@pytest.mark.parametrize("name", ["system", "max_tokens", "stop_sequences", "seed", "tool_choice"])
def test_extra_must_not_hold_what_has_a_setting(name: str) -> None:
    with pytest.raises(InvalidCall, match="setting of its own"):
        _encode(_chat(extra={name: 1}))


def test_half_of_a_pair_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(InvalidCall, match="surrogate"):
        _encode(_chat(user("ciao \ud83d")))
    call = ToolCall("t1", "now", '{"a":"\ud83d"}')
    with pytest.raises(InvalidCall, match="surrogate"):
        _encode(_chat(user("?"), assistant(call), tool_result(call, "x")))


def test_the_models_are_asked_for_in_one_page() -> None:
    encoded = ANTHROPIC.operations["models"].encode(ModelsCall(), Target("anthropic", ""), False)
    assert (encoded.method, encoded.path, encoded.body) == ("GET", "/models?limit=1000", b"")
    assert encoded.headers["anthropic-version"]
    with pytest.raises(Unsupported):
        ANTHROPIC.operations["models"].encode(ModelsCall(), Target("anthropic", ""), True)
