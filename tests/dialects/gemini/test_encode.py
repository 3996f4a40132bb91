"""What goes out to Gemini: contents, settings, and what is refused or named when it cannot be said."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.base import Encoded, Target, Traits
from tramite.dialects.gemini import GEMINI
from tramite.messages import (
    Audio,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    assistant,
    system,
    tool_result,
    user,
)

CHAT = GEMINI.operations["chat"]
OLD = Target("gemini", "gemini-2.5-flash")
NEW = Target("gemini", "gemini-3.8-flash")
PNG = b"\x89PNG\r\n\x1a\nrest"
ROME = ToolCall("call_1", "weather", '{"city": "Roma"}')


def encoded(*messages: Message, target: Target = OLD, stream: bool = False, **settings: Any) -> Encoded:
    return CHAT.encode(ChatCall(messages=messages or (user("ciao"),), **settings), target, stream)


def body(*messages: Message, target: Target = OLD, **settings: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(encoded(*messages, target=target, **settings).body)
    return sent


def config(target: Target = OLD, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = body(target=target, **settings)["generationConfig"]
    return found


def test_the_path_names_the_model_and_says_how_it_is_to_answer() -> None:
    assert encoded().path == "/models/gemini-2.5-flash:generateContent"
    assert encoded(stream=True).path == "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert encoded(target=Target("gemini", "tunedModels/mine")).path == "/tunedModels/mine:generateContent"
    assert encoded(target=Target("gemini", "models/x")).path == "/models/x:generateContent"


@pytest.mark.parametrize("model", ["..", "a/../b", "", "/x", "a//b"])
def test_a_name_that_leads_elsewhere_is_no_model(model: str) -> None:
    with pytest.raises(er.InvalidCall, match="not a model's name"):
        encoded(target=Target("gemini", model))


def test_a_name_cannot_add_to_the_address() -> None:
    assert encoded(target=Target("gemini", "x?key=1#à")).path == "/models/x%3Fkey=1%23%C3%A0:generateContent"


def test_system_messages_have_a_place_of_their_own() -> None:
    sent = encoded(system("Sei un copywriter."), Message("developer", "Breve."), user("Firenze"))
    assert json.loads(sent.body) == {
        "contents": [{"role": "user", "parts": [{"text": "Firenze"}]}],
        "systemInstruction": {"parts": [{"text": "Sei un copywriter."}, {"text": "Breve."}]},
    }
    assert sent.notices == ()


def test_a_late_system_message_is_moved_and_named() -> None:
    sent = encoded(user("uno"), assistant("due"), system("tre"), user("quattro"))
    assert json.loads(sent.body)["systemInstruction"] == {"parts": [{"text": "tre"}]}
    assert "moved" in sent.notices[0]


def test_the_names_of_speakers_are_left_out_and_named() -> None:
    sent = encoded(Message("user", "ciao", name="anna"), Message("user", "ciao", name="ugo"))
    assert len(sent.notices) == 1
    assert "names" in sent.notices[0]


def test_images_and_sound_go_along_as_bytes_or_as_addresses() -> None:
    picture = Image(url="https://example.org/a.png", media_type="image/png")
    parts = body(user("vedi?", Image(data=PNG), picture, Image(url="https://example.org/b"), Audio(b"abc", "mp3")))
    assert parts["contents"][0]["parts"] == [
        {"text": "vedi?"},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"fileData": {"fileUri": "https://example.org/a.png", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://example.org/b"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "YWJj"}},
    ]


def test_an_images_detail_is_named_once() -> None:
    sent = encoded(user(Image(data=PNG, detail="high"), Image(data=PNG, detail="low")))
    assert len(sent.notices) == 1
    assert "detail" in sent.notices[0]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", (Reasoning("hmm"),)),
        Message("user", (ROME,)),
        Message("system", (Text("a"), Image(data=PNG))),
        Message("assistant", (Audio(b"abc"),)),
    ],
)
def test_parts_in_the_wrong_message_are_refused(message: Message) -> None:
    with pytest.raises(er.Unsupported):
        encoded(message, user("ciao"))


def test_a_target_without_images_refuses_them() -> None:
    with pytest.raises(er.Unsupported, match="images"):
        encoded(user(Image(data=PNG)), target=Target("gemini", "m", Traits(unsupported=("images",))))


def test_the_answers_to_calls_made_together_come_together() -> None:
    second = ToolCall("call_2", "search", "{}")
    sent = body(
        user("?"),
        Message("assistant", (Text("Vediamo."), ROME, second)),
        tool_result("call_1", '{"t": 21}'),
        tool_result(second, "niente"),
        user("e ora?"),
    )
    assert sent["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Vediamo."},
                {"functionCall": {"name": "weather", "args": {"city": "Roma"}, "id": "call_1"}},
                {"functionCall": {"name": "search", "args": {}, "id": "call_2"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "call_1", "name": "weather", "response": {"t": 21}}},
                {"functionResponse": {"id": "call_2", "name": "search", "response": {"output": "niente"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "e ora?"}]},
    ]


@pytest.mark.parametrize(
    "text", ["", "21", "[1]", '{"output": "x"}', "{broken}", '{"a": "\ud800"}', "{" * 10_000 + "}"]
)
def test_a_result_that_is_no_object_is_sent_as_text(text: str) -> None:
    call = ChatCall(messages=(user("?"), Message("assistant", (ROME,)), tool_result(ROME, text)))
    if "\ud800" in text:
        with pytest.raises(er.InvalidCall, match="broken Unicode"):
            CHAT.encode(call, OLD, False)
        return
    sent = json.loads(CHAT.encode(call, OLD, False).body)
    assert sent["contents"][-1]["parts"][0]["functionResponse"]["response"] == {"output": text}


def test_a_tools_image_goes_beside_its_result() -> None:
    shot = Message("tool", (Text("ecco"), Image(data=PNG)), tool_call_id="call_1")
    response = body(user("?"), Message("assistant", (ROME,)), shot)["contents"][-1]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "ecco"}
    assert response["parts"][0]["inlineData"]["mimeType"] == "image/png"


def test_arguments_that_are_no_object_are_refused() -> None:
    for raw in ("[1]", "{broken", '{"a": "\ud800"}'):
        with pytest.raises(er.InvalidCall, match="JSON objects only"):
            encoded(user("?"), Message("assistant", (ToolCall("1", "f", raw),)), tool_result("1", "x"))


def test_thoughts_stay_here_unless_the_row_asks_for_them() -> None:
    said = Message("assistant", (Reasoning("hmm"), Text("sì")))
    assert body(user("?"), said, user("!"))["contents"][1]["parts"] == [{"text": "sì"}]
    asking = Target("gemini", "gemini-2.5-flash", Traits(echoes=("thought",)))
    sent = body(user("?"), said, user("!"), target=asking)
    assert sent["contents"][1]["parts"] == [{"text": "hmm", "thought": True}, {"text": "sì"}]
    only = Message("assistant", (Reasoning("hmm"),))
    assert body(user("?"), only, user("!"))["contents"][1]["parts"] == [{"text": ""}]


def test_a_refusal_is_sent_as_text_and_named() -> None:
    sent = encoded(user("?"), Message("assistant", (Refusal("No."),)), user("!"))
    assert json.loads(sent.body)["contents"][1]["parts"] == [{"text": "No."}]
    assert "refusal" in sent.notices[0]


def test_state_of_another_dialect_is_left_out_and_named() -> None:
    sent = encoded(user("?"), Message("assistant", (Opaque("openai", "{}"), Text("sì"))), user("!"))
    assert json.loads(sent.body)["contents"][1]["parts"] == [{"text": "sì"}]
    assert "openai" in sent.notices[0]


def test_settings_have_googles_names() -> None:
    assert config(
        temperature=0.7,
        top_p=0.9,
        max_tokens=60,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        n=2,
        stop=["\n"],
        seed=7,
        logprobs=3,
    ) == {
        "temperature": 0.7,
        "topP": 0.9,
        "maxOutputTokens": 60,
        "presencePenalty": 0.5,
        "frequencyPenalty": -0.5,
        "candidateCount": 2,
        "stopSequences": ["\n"],
        "seed": 7,
        "responseLogprobs": True,
        "logprobs": 3,
    }
    assert config(logprobs=0) == {"responseLogprobs": True}


def test_a_sixth_stop_sequence_is_refused() -> None:
    assert len(config(stop=list("abcde"))["stopSequences"]) == 5
    with pytest.raises(er.Unsupported, match="at most 5"):
        encoded(stop=list("abcdef"))


def test_a_seed_of_more_than_32_bits_is_left_out_and_named() -> None:
    sent = encoded(seed=2**40)
    assert "generationConfig" not in json.loads(sent.body)
    assert "seed" in sent.notices[0]
    assert config(seed=-1) == {"seed": -1}


def test_json_of_a_schema() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert config(response_format=ResponseFormat("json_object")) == {"responseMimeType": "application/json"}
    assert config(response_format=ResponseFormat("json_schema", "answer", schema, True)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    titled = config(response_format=ResponseFormat("json_schema", "city", schema))["responseJsonSchema"]
    assert titled == {"title": "city", **schema}
    own = {"title": "Own", **schema}
    assert config(response_format=ResponseFormat("json_schema", "city", own))["responseJsonSchema"] == own
    assert "generationConfig" not in body(response_format=ResponseFormat("text"))


TOOL = Tool("weather", "Il tempo", {"type": "object"})
STRICT = Tool("weather", "Il tempo", {"type": "object"}, strict=True)


@pytest.mark.parametrize(
    ("tool", "choice", "expected"),
    [
        (TOOL, None, None),
        (TOOL, "auto", {"mode": "AUTO"}),
        (TOOL, "none", {"mode": "NONE"}),
        (TOOL, "required", {"mode": "ANY"}),
        (TOOL, "weather", {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        (STRICT, None, {"mode": "VALIDATED"}),
        (STRICT, "auto", {"mode": "VALIDATED"}),
        (STRICT, "required", {"mode": "ANY"}),
    ],
)
def test_tools_and_which_of_them(tool: Tool, choice: str | None, expected: dict[str, Any] | None) -> None:
    sent = body(tools=(tool, Tool("search")), tool_choice=choice)
    assert sent["tools"] == [
        {
            "functionDeclarations": [
                {"name": "weather", "description": "Il tempo", "parametersJsonSchema": {"type": "object"}},
                {"name": "search", "description": ""},
            ]
        }
    ]
    assert sent.get("toolConfig") == (None if expected is None else {"functionCallingConfig": expected})


@pytest.mark.parametrize(
    ("model", "effort", "expected", "notice"),
    [
        ("gemini-3.8-flash", "low", {"thinkingLevel": "low"}, ""),
        ("gemini-3.8-flash", "high", {"thinkingLevel": "high"}, ""),
        ("gemini-3.8-flash", "xhigh", {"thinkingLevel": "high"}, "xhigh"),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low"}, "minimal"),
        ("gemini-3.1-flash-lite", "minimal", {"thinkingLevel": "minimal"}, ""),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal"}, "none"),
        ("gemini-4-argon", "xhigh", {"thinkingLevel": "xhigh"}, ""),
        ("gemini-flash-latest", "medium", {"thinkingLevel": "medium"}, ""),
        ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1024}, ""),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192}, ""),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, ""),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}, "always thinks"),
        ("gemini-2.0-flash", "high", None, "does not think"),
    ],
)
def test_an_effort_becomes_what_the_model_takes(
    model: str, effort: Any, expected: dict[str, Any] | None, notice: str
) -> None:
    sent = encoded(target=Target("gemini", model), reasoning_effort=effort)
    assert bool(sent.notices) == bool(notice)
    assert notice in "".join(sent.notices)
    shown = {} if effort == "none" else {"includeThoughts": True}
    found = json.loads(sent.body).get("generationConfig")
    assert found == (None if expected is None else {"thinkingConfig": {**expected, **shown}})


def test_extra_is_merged_from_the_top() -> None:
    extra: dict[str, Any] = {
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "generationConfig": {"topK": 40, "thinkingConfig": {"includeThoughts": False}},
        "tools": [{"googleSearch": {}}],
        "stream_options": {"include_usage": True},
    }
    before = json.dumps(extra)
    sent = body(temperature=0.5, tools=(Tool("search"),), reasoning_effort="low", extra=extra)
    assert sent["generationConfig"] == {
        "temperature": 0.5,
        "topK": 40,
        "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": False},
    }
    assert sent["tools"][1] == {"googleSearch": {}}
    assert sent["safetySettings"] == extra["safetySettings"]
    assert "stream_options" not in sent
    assert json.dumps(extra) == before


@pytest.mark.parametrize(
    "extra",
    [
        {"contents": []},
        {"systemInstruction": {}},
        {"generationConfig": {"temperature": 1}},
        {"toolConfig": {"functionCallingConfig": {}}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1}}},
        {"generationConfig": 1},
    ],
)
def test_extra_cannot_contradict_a_setting(extra: dict[str, Any]) -> None:
    with pytest.raises(er.InvalidCall, match="extra holds"):
        encoded(temperature=0.5, reasoning_effort="low", extra=extra)


def test_what_a_row_says_is_not_supported_is_named_or_refused() -> None:
    target = Target("gemini", "gemini-2.5-flash", Traits(unsupported=("temperature", "stop", "n", "tools")))
    sent = encoded(target=target, temperature=0, stop=["x"], n=1)
    assert json.loads(sent.body) == {"contents": [{"role": "user", "parts": [{"text": "ciao"}]}]}
    assert [notice.split()[4] for notice in sent.notices] == ["temperature:", "stop:"]
    for settings in ({"n": 2}, {"tools": (TOOL,)}):
        with pytest.raises(er.Unsupported):
            encoded(target=target, **settings)


def test_a_call_of_another_models_making_is_marked_where_signatures_are_checked() -> None:
    said = Message("assistant", (ROME, ToolCall("call_2", "search")))
    history = (user("?"), said, tool_result("call_1", "sole"), tool_result("call_2", "niente"))
    sent = encoded(*history, target=NEW)
    parts = json.loads(sent.body)["contents"][1]["parts"]
    assert base64.b64decode(parts[0]["thoughtSignature"]) == b"skip_thought_signature_validator"
    assert "thoughtSignature" not in parts[1]
    assert len(sent.notices) == 1
    assert encoded(*history, target=OLD).notices == ()
