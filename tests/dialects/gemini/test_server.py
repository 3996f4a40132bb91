"""The server's side: what clients of Google's send is understood or refused by name."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tramite import errors as er
from tramite import events as ev
from tramite.calls import ChatCall, EmbeddingCall, ResponseFormat, Tool
from tramite.dialects.base import Target
from tramite.dialects.gemini import GEMINI
from tramite.messages import Audio, Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall, user
from tramite.replies import Choice, EmbeddingReply, Reply, TokenLogprob, Usage

CHAT = GEMINI.operations["chat"]
EMBEDDING = GEMINI.operations["embedding"]
PATH = "/v1beta/models/fast:generateContent"
ASKED = [{"role": "user", "parts": [{"text": "ciao"}]}]
PNG = b"\x89PNG\r\n\x1a\n\xfb\xff"


def read(body: dict[str, Any], path: str = PATH) -> ChatCall:
    call: ChatCall = CHAT.decode_call(json.dumps({"contents": ASKED, **body}).encode(), path)[0]
    return call


def messages(*contents: dict[str, Any]) -> tuple[Message, ...]:
    return read({"contents": list(contents)}).messages


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/v1beta/models/gemini-x:generateContent", "gemini-x", False),
        ("/v1/models/sim/cut@40:streamGenerateContent?alt=sse", "sim/cut@40", True),
        ("/v1beta/models/429:retry-after=2:streamGenerateContent", "429:retry-after=2", True),
        ("/v1beta/tunedModels/mine:generateContent?key=x", "tunedModels/mine", False),
        ("/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent", "gemini-x", False),
        ("/v1beta/models/a%20b%C3%A0:generateContent", "a bà", False),
        ("/elsewhere", None, False),
    ],
)
def test_the_path_names_model_and_method(path: str, model: str | None, stream: bool) -> None:
    call, streamed = CHAT.decode_call(json.dumps({"contents": ASKED}).encode(), path)
    assert (call.model, streamed) == (model, stream)


def test_a_stream_that_is_no_event_stream_is_refused() -> None:
    with pytest.raises(er.InvalidCall, match="alt=sse"):
        read({}, "/v1beta/models/x:streamGenerateContent?key=1")


def test_both_spellings_are_one() -> None:
    camel = {
        "systemInstruction": {"parts": [{"text": "Sei."}]},
        "generationConfig": {"maxOutputTokens": 5, "stopSequences": ["x"], "thinkingConfig": {"thinkingLevel": "LOW"}},
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
    }
    snake = {
        "system_instruction": {"parts": {"text": "Sei."}},
        "generation_config": {
            "max_output_tokens": "5",
            "stop_sequences": ["x"],
            "thinking_config": {"thinking_level": "low"},
        },
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "tools": {"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]},
    }
    assert read(camel) == read(snake)
    assert read(camel).max_tokens == 5
    assert read(camel).tool_choice == "f"
    assert read(camel).reasoning_effort == "low"
    assert read(camel).messages[0] == Message("system", "Sei.")


def test_parts_of_a_user() -> None:
    data = base64.urlsafe_b64encode(PNG).decode().rstrip("=")
    parts = [
        {"text": "vedi?"},
        {"inlineData": {"mimeType": "image/png", "data": data}},
        {"fileData": {"fileUri": "https://example.org/a.jpg", "mimeType": "image/jpeg"}},
        {"inline_data": {"mime_type": "audio/mpeg", "data": "YWJj"}},
    ]
    assert messages({"parts": parts})[0].content == (
        Text("vedi?"),
        Image(data=PNG, media_type="image/png"),
        Image(url="https://example.org/a.jpg", media_type="image/jpeg"),
        Audio(b"abc", "mp3"),
    )


def test_calls_and_results_find_each_other_without_ids() -> None:
    history = [
        {"role": "user", "parts": [{"text": "?"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Vedo."},
                {"functionCall": {"name": "f", "args": {"x": 1.50}}},
                {"functionCall": {"name": "f"}},
                {"functionCall": {"name": "g", "id": "mine"}},
            ],
        },
        {
            "role": "function",
            "parts": [
                {"functionResponse": {"name": "g", "response": {"output": "tre"}}},
                {"functionResponse": {"name": "f", "response": {"t": 1}}},
                {"functionResponse": {"name": "f", "response": {}}},
                {"text": "e poi?"},
            ],
        },
    ]
    found = messages(*history)
    assert found == messages(*history)
    assert found[1].tool_calls == [
        ToolCall("call_1_0", "f", '{"x": 1.5}'),
        ToolCall("call_1_1", "f"),
        ToolCall("mine", "g"),
    ]
    assert [(message.role, message.text, message.tool_call_id) for message in found[2:]] == [
        ("tool", "tre", "mine"),
        ("tool", '{"t": 1}', "call_1_0"),
        ("tool", "{}", "call_1_1"),
        ("user", "e poi?", None),
    ]


def test_a_models_turn_keeps_its_thoughts_signatures_and_images() -> None:
    parts = [
        {"text": "hmm", "thought": True},
        {"functionCall": {"name": "f", "id": "i"}, "thoughtSignature": "c2ln"},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
    ]
    result = {"functionResponse": {"name": "f", "response": {"output": "x"}}}
    said = messages({"parts": [{"text": "?"}]}, {"role": "model", "parts": parts}, {"parts": [result]})[1]
    assert said.content == (
        Opaque("gemini", '{"parts":[{"call":"i","thoughtSignature":"c2ln"}]}'),
        Reasoning("hmm"),
        ToolCall("i", "f"),
        Image(data=PNG, media_type="image/png"),
    )
    call = ChatCall(messages=(user("?"), said, Message("tool", "x", tool_call_id="i")))
    sent = json.loads(CHAT.encode(call, Target("gemini", "gemini-3.8-flash"), False).body)
    assert sent["contents"][1]["parts"] == [
        {**parts[1], "functionCall": {"name": "f", "args": {}, "id": "i"}},
        parts[2],
    ]


def test_googles_older_schemas_become_json_schemas() -> None:
    older = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True, "enum": ["a"]},
            "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1"},
            "one": {"anyOf": [{"type": "NUMBER"}, {"type": "TYPE_UNSPECIFIED"}]},
        },
        "required": ["type"],
        "propertyOrdering": ["type"],
    }
    newer = {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a"]},
            "list": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "one": {"anyOf": [{"type": "number"}, {}]},
        },
        "required": ["type"],
    }
    call = read(
        {
            "tools": [{"functionDeclarations": [{"name": "f", "description": "d", "parameters": older}]}],
            "generationConfig": {"responseMimeType": "application/json", "responseSchema": older},
        }
    )
    assert call.tools == (Tool("f", "d", newer),)
    assert call.response_format == ResponseFormat("json_schema", "answer", newer)


def test_a_schemas_title_is_its_name_if_it_can_be_one() -> None:
    def form(title: str) -> ResponseFormat | None:
        config = {"responseMimeType": "application/json", "responseJsonSchema": {"title": title, "type": "object"}}
        return read({"generationConfig": config}).response_format

    assert form("City") == ResponseFormat("json_schema", "City", {"type": "object"})
    assert form("My city") == ResponseFormat("json_schema", "answer", {"title": "My city", "type": "object"})


def test_what_has_no_word_stays_in_extra_and_is_sent_on() -> None:
    extra = {
        "safetySettings": [{"category": "x", "threshold": "BLOCK_NONE"}],
        "generationConfig": {"topK": 15, "thinkingConfig": {"thinkingBudget": 512}},
        "tools": [{"googleSearch": {}}],
        "toolConfig": {"includeServerSideToolInvocations": True},
        "cachedContent": "cachedContents/1",
    }
    call = read(extra)
    assert call.extra == extra
    sent = json.loads(CHAT.encode(call, Target("gemini", "gemini-x"), False).body)
    assert sent == {"contents": ASKED, **extra}


@pytest.mark.parametrize(
    ("thinking", "effort", "extra"),
    [
        ({"thinkingBudget": 0}, "none", {}),
        ({"thinkingBudget": 8192, "includeThoughts": True}, "medium", {}),
        ({"thinkingLevel": "HIGH"}, "high", {"includeThoughts": False}),
        ({"thinkingBudget": -1}, None, {"thinkingBudget": -1}),
        ({"includeThoughts": True}, None, {"includeThoughts": True}),
    ],
)
def test_how_hard_to_think(thinking: dict[str, Any], effort: str | None, extra: dict[str, Any]) -> None:
    call = read({"generationConfig": {"thinkingConfig": thinking}})
    assert call.reasoning_effort == effort
    assert call.extra == ({"generationConfig": {"thinkingConfig": extra}} if extra else {})


def test_functions_that_are_not_allowed_are_not_declared() -> None:
    tools = [{"functionDeclarations": [{"name": name} for name in "abc"]}]

    def chosen(mode: str, *allowed: str) -> tuple[list[str], str | None, list[bool | None]]:
        config = {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": list(allowed)}}
        call = read({"tools": tools, "toolConfig": config})
        return [tool.name for tool in call.tools], call.tool_choice, [tool.strict for tool in call.tools]

    assert chosen("ANY", "a", "b") == (["a", "b"], "required", [None, None])
    assert chosen("ANY", "a") == (["a", "b", "c"], "a", [None] * 3)
    assert chosen("VALIDATED", "c") == (["c"], None, [True])
    assert chosen("NONE", "c") == (["a", "b", "c"], "none", [None] * 3)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"contents": None}, "contents is missing"),
        ({"contents": "x"}, "contents must be a list"),
        ({"contents": [{"role": "system", "parts": []}]}, "user or model"),
        ({"contents": [{"parts": [{"what": 1}]}]}, r"contents\[0\].parts\[0\] must have text"),
        ({"contents": [{"parts": [{"text": 1}]}]}, r"contents\[0\].parts\[0\].text"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "video/mp4", "data": ""}}]}]}, "mimeType must be"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "!"}}]}]}, "base64"),
        ({"contents": [{"parts": [{"inlineData": {"data": ""}}]}]}, "needs mimeType"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://x"}}]}]}, "http"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://x", "mimeType": "video/mp4"}}]}]}, "image's"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://x"}, "new": 1}]}]}, "new is not known"),
        ({"contents": [{"role": "model", "parts": [{"functionCall": {}}]}]}, "needs a name"),
        (
            {"contents": [{"role": "model", "parts": [{"inlineData": {"mimeType": "audio/wav", "data": ""}}]}]},
            "no sound",
        ),
        ({"contents": [{"parts": [{"functionResponse": {"name": "f"}}]}]}, "no earlier content called"),
        ({"systemInstruction": {"parts": [{"inlineData": {}}]}}, "must have a text"),
        ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"generationConfig": {"temperature": 3}}, "temperature must be"),
        ({"generationConfig": {"logprobs": 3}}, "responseLogprobs"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
        ({"generationConfig": {"responseJsonSchema": {}}}, "responseMimeType: application/json"),
        ({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": 1}}, "must be an object"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "needs a name"),
        ({"tools": [{"functionDeclarations": [{"name": "f", "parameters": 1}]}]}, "parameters must be an object"),
        ({"tools": 1}, "tools must be a list"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "mode must be one of"),
    ],
)
def test_what_is_not_understood_is_named(body: dict[str, Any], words: str) -> None:
    with pytest.raises(er.InvalidCall, match=words):
        read(body)


def test_a_batch_of_embeddings_and_a_single_one() -> None:
    request = {"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "taskType": "X", "outputDimensionality": 8}
    batch, stream = EMBEDDING.decode_call(
        json.dumps({"requests": [request, request]}).encode(), "/v1beta/models/e:batchEmbedContents"
    )
    assert batch == EmbeddingCall(inputs=("ab", "ab"), model="e", dimensions=8, extra={"taskType": "X"})
    assert not stream
    single, _ = EMBEDDING.decode_call(json.dumps(request).encode(), "/v1beta/models/e:embedContent")
    reply = EmbeddingReply(vectors=[[1.0]], usage=Usage(input_tokens=2))
    assert json.loads(EMBEDDING.encode_reply(reply, single)) == {
        "embedding": {"values": [1.0]},
        "usageMetadata": {"promptTokenCount": 2},
    }
    assert json.loads(EMBEDDING.encode_reply(reply, batch))["embeddings"] == [{"values": [1.0]}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": [{"content": {"parts": [{"inlineData": {}}]}}]},
        {"requests": [{"content": {"parts": []}}]},
        {"requests": [{}]},
        {"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "a"}]}, "title": "t"}]},
    ],
)
def test_a_batch_that_cannot_be_embedded_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(er.InvalidCall):
        EMBEDDING.decode_call(json.dumps(body).encode(), "/v1beta/models/e:batchEmbedContents")


def test_a_whole_reply_in_googles_words() -> None:
    said = Message("assistant", (Reasoning("hmm"), Refusal("No."), ToolCall("i", "f", '{"x":1}')))
    first = Choice(said, "tool_calls", (TokenLogprob("No", -1.0, (("Sì", -2.0),)),))
    reply = Reply(
        choices=(first, Choice(Message("assistant", "b"), "unknown")),
        usage=Usage(input_tokens=3, output_tokens=5, reasoning_tokens=2, cached_tokens=1),
        request_id="r1",
    )
    assert json.loads(CHAT.encode_reply(reply, read({}))) == {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "hmm", "thought": True},
                        {"text": "No."},
                        {"functionCall": {"name": "f", "args": {"x": 1}, "id": "i"}},
                    ],
                },
                "finishReason": "STOP",
                "index": 0,
                "logprobsResult": {
                    "chosenCandidates": [{"token": "No", "logProbability": -1.0}],
                    "topCandidates": [{"candidates": [{"token": "Sì", "logProbability": -2.0}]}],
                },
            },
            {"content": {"role": "model", "parts": [{"text": "b"}]}, "finishReason": "OTHER", "index": 1},
        ],
        "modelVersion": "fast",
        "responseId": "r1",
        "usageMetadata": {
            "promptTokenCount": 3,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
            "cachedContentTokenCount": 1,
            "totalTokenCount": 8,
        },
    }


def test_a_streams_calls_wait_until_they_are_whole_and_keep_their_signatures() -> None:
    writer = CHAT.writer(read({}))
    state = Opaque("gemini", '{"parts":[{"call":"i","thoughtSignature":"c2ln"}]}')
    assert writer.write(ev.ToolCallDelta(0, "i", "f", '{"x"')) == []
    assert writer.write(ev.ToolCallDelta(0, "", "", ":1}")) == []
    assert writer.write(ev.OpaqueDelta(state)) == []
    assert writer.write(ev.OpaqueDelta(Opaque("openai", "{}"))) == []
    assert writer.write(ev.Noticed("?")) == []
    (frame,) = writer.write(ev.Finished("tool_calls"))
    assert json.loads(frame.data)["candidates"] == [
        {
            "index": 0,
            "finishReason": "STOP",
            "content": {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "f", "args": {"x": 1}, "id": "i"}, "thoughtSignature": "c2ln"}
                ],
            },
        }
    ]  # fmt: skip


def test_a_stream_without_a_finish_gets_one_at_its_end_alone() -> None:
    writer = CHAT.writer(read({}))
    assert b"finishReason" not in writer.write(ev.TextDelta("a"))[0].data
    assert [b"finishReason" in frame.data for frame in writer.end()] == [True]
    assert [b"STOP" in frame.data for frame in CHAT.writer(read({})).end()] == [True]
