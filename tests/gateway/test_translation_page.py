"""Each cell of the tables in docs/translation.md is so, for every pair of a client's and a target's dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.dialects.support import MATRIX
from tests.gateway.pairs import INBOUND, PATHS, STATES, TARGETS, asked, state_of
from tramite import errors as er
from tramite.calls import ChatCall
from tramite.dialects import registry
from tramite.gateway.translation import Translation
from tramite.messages import Message, Opaque, Reasoning, Refusal, Text, ToolCall
from tramite.replies import Choice, Reply, TokenLogprob, Usage
from tramite.wire.frames import Frame

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
PNG = "iVBORw0KGgo="
SCHEMA: Any = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
ADDRESS = "https://example.org/a.png"


def table(title: str) -> dict[str, dict[str, str]]:
    """The first table below this title: its rows by their first cell, each by its column."""
    lines = PAGE.read_text().split(f"## {title}")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    ends = next((n for n, row in enumerate(rows) if n > 1 and len(row) != len(rows[0])), len(rows))
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:ends]}


def _user(inbound: str, part: Any) -> dict[str, Any]:
    """A request with this part in a user's message."""
    if inbound == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": "x"}, part]}]}
    field = "input" if inbound == "openai-responses" else "messages"
    return {field: [{"role": "user", "content": [part]}]}


def _tools(inbound: str) -> dict[str, Any]:
    match inbound:
        case "openai":
            return {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]}
        case "openai-responses":
            return {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]}
        case "anthropic":
            return {"tools": [{"name": "f", "input_schema": SCHEMA}]}
    return {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]}


def _config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def _history(inbound: str) -> dict[str, Any]:
    call = {"name": "f", "arguments": "{}"}
    match inbound:
        case "openai":
            said: Any = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": call}]}
            turns = [{"role": "user", "content": "x"}, said, {"role": "tool", "tool_call_id": "c1", "content": "r-77"}]
            return {"messages": turns, **_tools(inbound)}
        case "openai-responses":
            said = {"type": "function_call", "call_id": "c1", **call}
            turns = [{"role": "user", "content": "x"}, said]
            return {"input": [*turns, {"type": "function_call_output", "call_id": "c1", "output": "r-77"}]}
        case "anthropic":
            said = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]}
            result = {"type": "tool_result", "tool_use_id": "c1", "content": "r-77"}
            turns = [{"role": "user", "content": "x"}, said, {"role": "user", "content": [result]}]
            return {"messages": turns, **_tools(inbound)}
    said = {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {}}}]}
    result = {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "r-77"}}}
    turns = [{"role": "user", "parts": [{"text": "x"}]}, said, {"role": "user", "parts": [result]}]
    return {"contents": turns, **_tools(inbound)}


REQUESTS: dict[str, dict[str, dict[str, Any]]] = {
    "text, system, history": {
        "openai": {"messages": [{"role": "system", "content": "s-77"}, {"role": "user", "content": "x"}]},
        "openai-responses": {"instructions": "s-77"},
        "anthropic": {"system": "s-77"},
        "gemini": {"systemInstruction": {"parts": [{"text": "s-77"}]}},
    },
    "images, as bytes": {
        "openai": _user("openai", {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}),
        "openai-responses": _user(
            "openai-responses", {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
        ),
        "anthropic": _user(
            "anthropic", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        ),
        "gemini": _user("gemini", {"inlineData": {"mimeType": "image/png", "data": PNG}}),
    },
    "images, as an address": {
        "openai": _user("openai", {"type": "image_url", "image_url": {"url": ADDRESS}}),
        "openai-responses": _user("openai-responses", {"type": "input_image", "image_url": ADDRESS}),
        "anthropic": _user("anthropic", {"type": "image", "source": {"type": "url", "url": ADDRESS}}),
        "gemini": _user("gemini", {"fileData": {"mimeType": "image/png", "fileUri": ADDRESS}}),
    },
    "sound": {
        "openai": _user("openai", {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        "gemini": _user("gemini", {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
    },
    "documents, stored files": {
        "openai-responses": _user("openai-responses", {"type": "input_file", "file_id": "file-1"}),
        "anthropic": _user("anthropic", {"type": "document", "source": {"type": "file", "file_id": "file-1"}}),
    },
    "tools, and their results": {inbound: _history(inbound) for inbound in INBOUND},
    "a choice of tool": {
        "openai": {**_tools("openai"), "tool_choice": {"type": "function", "function": {"name": "f"}}},
        "openai-responses": {**_tools("openai-responses"), "tool_choice": {"type": "function", "name": "f"}},
        "anthropic": {**_tools("anthropic"), "tool_choice": {"type": "tool", "name": "f"}},
        "gemini": {
            **_tools("gemini"),
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        },
    },
    "one tool at a time": {
        "openai": {**_tools("openai"), "parallel_tool_calls": False},
        "openai-responses": {**_tools("openai-responses"), "parallel_tool_calls": False},
        "anthropic": {**_tools("anthropic"), "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    },
    "the provider's own tools": {
        "openai-responses": {"tools": [{"type": "web_search"}]},
        "anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "gemini": {"tools": [{"googleSearch": {}}]},
    },
    "JSON of a schema": {
        "openai": {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        "openai-responses": {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}},
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "gemini": _config(responseMimeType="application/json", responseJsonSchema=SCHEMA),
    },
    "JSON of any form": {
        "openai": {"response_format": {"type": "json_object"}},
        "openai-responses": {"text": {"format": {"type": "json_object"}}},
        "gemini": _config(responseMimeType="application/json"),
    },
    "reasoning effort": {
        "openai": {"reasoning_effort": "low"},
        "openai-responses": {"reasoning": {"effort": "low"}},
        "anthropic": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        "gemini": _config(thinkingConfig={"thinkingLevel": "low", "includeThoughts": True}),
    },
    "log probabilities": {
        "openai": {"logprobs": True},
        "openai-responses": {"include": ["message.output_text.logprobs"]},
        "gemini": _config(responseLogprobs=True),
    },
    "several answers (n)": {"openai": {"n": 2}, "gemini": _config(candidateCount=2)},
    "temperature above 1": {
        "openai": {"temperature": 1.5},
        "openai-responses": {"temperature": 1.5},
        "gemini": _config(temperature=1.5),
    },
    "stop sequences": {
        "openai": {"stop": "s-77"},
        "anthropic": {"stop_sequences": ["s-77"]},
        "gemini": _config(stopSequences=["s-77"]),
    },
    "seed": {"openai": {"seed": 77}, "gemini": _config(seed=77)},
    "penalties": {"openai": {"presence_penalty": 0.77}, "gemini": _config(presencePenalty=0.77)},
    "logit_bias": {"openai": {"logit_bias": {"77": -5}}},
    "top_k": {"anthropic": {"top_k": 77}, "gemini": _config(topK=77)},
    "verbosity": {"openai": {"verbosity": "low"}, "openai-responses": {"text": {"verbosity": "low"}}},
    "user": {
        "openai": {"user": "u-77"},
        "openai-responses": {"user": "u-77"},
        "anthropic": {"metadata": {"user_id": "u-77"}},
    },
    "metadata": {"openai": {"metadata": {"a": "m-77"}}, "openai-responses": {"metadata": {"a": "m-77"}}},
    "prompt_cache_key": {"openai": {"prompt_cache_key": "k-77"}, "openai-responses": {"prompt_cache_key": "k-77"}},
    "cache_control": {"anthropic": {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}},
    "service tier": {
        "openai": {"service_tier": "flex"},
        "openai-responses": {"service_tier": "flex"},
    },
    "safety settings": {"gemini": {"safetySettings": [{"category": "x", "threshold": "y"}]}},
    "store: true, stored answers": {"openai": {"store": True}, "openai-responses": {"previous_response_id": "resp_1"}},
    "a field that nobody knows": {
        "openai": {"frobnicate": 1},
        "openai-responses": {"frobnicate": 1},
        "anthropic": {"frobnicate": 1},
        "gemini": _config(frobnicate=1),
    },
}
SEEN = {
    "text, system, history": b"s-77",
    "images, as bytes": PNG.encode(),
    "images, as an address": ADDRESS.encode(),
    "tools, and their results": b"r-77",
    "stop sequences": b"s-77",
    "seed": b"77",
    "penalties": b"0.77",
    "top_k": b"77",
    "verbosity": b'"verbosity":"low"',
    "user": b"u-77",
    "metadata": b"m-77",
    "prompt_cache_key": b"k-77",
    "temperature above 1": b"1.5",
    "service tier": b"service_tier",
}
"""What is in the target's body where it is asked; the rest is held by the contract of the pairs."""

ASKED = table("What a request may ask")
CAME = table("What comes back")


def _body(inbound: str, fields: dict[str, Any]) -> bytes:
    base: dict[str, Any] = {"messages": [{"role": "user", "content": "Ciao"}], "max_tokens": 9_000}
    if inbound == "openai-responses":
        base = {"input": "Ciao", "max_output_tokens": 9_000}
    elif inbound == "gemini":
        base = {"contents": [{"parts": [{"text": "Ciao"}]}], "generationConfig": {"maxOutputTokens": 9_000}}
        if "generationConfig" in fields:
            fields = {"generationConfig": {**base["generationConfig"], **fields["generationConfig"]}}
    return msgspec.json.encode({**base, **fields})


def _outcome(inbound: str, outbound: str, fields: dict[str, Any], seen: bytes) -> str:
    translated = Translation(registry.get(inbound), "chat", _body(inbound, fields), PATHS.get(inbound, "/v1"))
    try:
        encoded = translated.encode(registry.get(outbound), TARGETS[outbound])
    except er.InvalidCall as error:
        return "400" if error.field else f"400, and nothing says why: {error}"
    assert (seen in encoded.body) == (not encoded.notices) or not seen
    return "notice" if encoded.notices else "yes"


def test_every_row_is_asked_for_by_whom_the_page_says() -> None:
    assert list(REQUESTS) == list(ASKED)
    for what, row in ASKED.items():
        named = list(INBOUND) if row["asked by"] == "all" else row["asked by"].split(", ")
        assert sorted(REQUESTS[what]) == sorted(named), what


@pytest.mark.parametrize("what", REQUESTS)
def test_what_a_request_may_ask(what: str) -> None:
    for inbound, fields in REQUESTS[what].items():
        for outbound in registry.NAMES:
            if state_of(outbound) != inbound:
                found = _outcome(inbound, outbound, fields, SEEN.get(what, b""))
                assert (inbound, outbound, found) == (inbound, outbound, ASKED[what][outbound])


def test_targets_row_outranks_the_dialect() -> None:
    strict = msgspec.structs.replace(
        TARGETS["openai"], traits=msgspec.structs.replace(TARGETS["openai"].traits, unsupported=("user",))
    )
    encoded = asked(
        "anthropic", ChatCall(messages=(Message("user", "x"),), max_tokens=9, extra={"user": "u-77"})
    ).encode(registry.get("openai"), strict)
    assert b"u-77" not in encoded.body
    assert "user" in encoded.notices[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"store": False},
        {"parallel_tool_calls": True},
        {"modalities": ["text"]},
        {"service_tier": "auto"},
        {"metadata": {}},
        {"stream_options": {"include_usage": True}},
        {"user": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("outbound", ["anthropic", "gemini"])
def test_what_is_so_anyway_is_not_worth_a_word(outbound: str, fields: dict[str, Any]) -> None:
    assert _outcome("openai", outbound, fields, b"") == "yes"


@pytest.mark.parametrize(
    ("tier", "sent"), [("auto", b'"service_tier":"auto"'), ("standard_only", b'"service_tier":"default"')]
)
def test_a_tier_of_anthropics_has_openais_name_there(tier: str, sent: bytes) -> None:
    assert _outcome("anthropic", "openai", {"service_tier": tier}, sent) == "yes"


LOGPROBS = (TokenLogprob("Ecco", -0.5, (("Ecco", -0.5),)),)
USAGE = Usage(input_tokens=100, output_tokens=50, cached_tokens=30, cache_write_tokens=20, reasoning_tokens=10)
CALL = ToolCall("call_1", "f", '{"a":1}')


def _back(inbound: str, outbound: str, *parts: Any, usage: Usage | None = None, **facts: Any) -> Reply:
    """What a client gets of an answer of these parts."""
    choice = Choice(Message("assistant", parts), **{"finish": "stop", **facts})
    target = registry.get(outbound).operations["chat"]
    translated = asked(inbound)
    sent = Reply(choices=(choice, choice)[: MATRIX[outbound, "chat"].choices], usage=usage or USAGE)
    body, _ = translated.whole(target, target.encode_reply(sent, translated.call))
    reply: Reply = registry.get(inbound).operations["chat"].decode(body)
    return reply


def _came(what: str, inbound: str, outbound: str) -> str:
    said = Text("Ecco.")
    match what:
        case "text":
            return _yes(_back(inbound, outbound, said).text == "Ecco.")
        case "thinking that is shown":
            return _yes(_back(inbound, outbound, Reasoning("hmm"), said).reasoning == "hmm")
        case "tool calls":
            return _yes(_back(inbound, outbound, CALL, finish="tool_calls").tool_calls == [CALL])
        case "several answers":
            return "yes" if len(_back(inbound, outbound, said).choices) == 2 else "the first"
        case "log probabilities":
            return _yes(_back(inbound, outbound, said, logprobs=LOGPROBS).logprobs == LOGPROBS)
        case "a refusal":
            reply = _back(inbound, outbound, Refusal("No."))
            if reply.refusal == "No.":
                return "as the reason to stop" if reply.finish == "content_filter" else "yes"
            return "as text" if reply.text == "No." else "no"
        case "why it ended":
            ends = [
                _back(inbound, outbound, said, finish=finish).finish == finish
                for finish in ("stop", "length", "content_filter")
            ]
            return _yes(all(ends))
        case "input and output tokens" | "cached tokens" | "reasoning tokens" | "tokens written to the cache":
            usage = _back(inbound, outbound, said).usage
            name = {"cached tokens": "cached_tokens", "reasoning tokens": "reasoning_tokens"}.get(what, "")
            assert (usage.input_tokens, usage.output_tokens) == (100, 50)
            if what == "tokens written to the cache":
                return "yes" if usage.cache_write_tokens == 20 else "within the input"
            return _yes(not name or getattr(usage, name) == getattr(USAGE, name))
        case "state for the next turn":
            state = Opaque(state_of(outbound), STATES[outbound])
            return _yes(
                any(isinstance(part, Opaque) for part in _back(inbound, outbound, state, said, CALL).message.parts)
            )
        case "an error":
            failure = registry.get(outbound).decode_error(*_error(outbound, er.ContextTooLong("too much")))
            status, body = registry.get(inbound).encode_error(failure)
            return _yes(isinstance(registry.get(inbound).decode_error(status, {}, body), er.ContextTooLong))
        case _:
            return _yes(_broken(inbound, outbound))


def _yes(so: bool) -> str:
    return "yes" if so else "no"


def _error(outbound: str, error: Exception) -> tuple[int, dict[str, str], bytes]:
    status, body = registry.get(outbound).encode_error(error)
    return status, {}, body


def _broken(inbound: str, outbound: str) -> bool:
    frames: list[Frame] = registry.get(outbound).encode_stream_error(er.Overloaded("too busy"))
    watcher = registry.get(outbound).operations["chat"].watcher(1)
    for frame in frames:
        watcher.note(frame)
    assert watcher.error is not None
    target = registry.get(outbound).operations["chat"]
    seen = registry.get(inbound).operations["chat"].watcher(1)
    for frame in asked(inbound, stream=True).stream(target).error(watcher.error):
        seen.note(frame)
    return isinstance(seen.error, er.Overloaded)


_CANNOT = {
    "several answers": lambda can: can.choices < 2,
    "log probabilities": lambda can: not can.logprobs,
    "a refusal": lambda can: "refusal" not in can.reply_parts,
    "tokens written to the cache": lambda can: "cache_write_tokens" not in can.usage,
}
"""What some targets never send."""


@pytest.mark.parametrize("what", CAME)
@pytest.mark.parametrize("outbound", registry.NAMES)
def test_what_comes_back(what: str, outbound: str) -> None:
    if what in _CANNOT and _CANNOT[what](MATRIX[outbound, "chat"]):
        return
    for inbound in INBOUND:
        assert (inbound, _came(what, inbound, outbound)) == (inbound, CAME[what][inbound])
