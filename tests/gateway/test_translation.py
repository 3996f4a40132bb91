"""Every client's dialect to every target's: what both can say arrives, whole and streamed, and junk breaks nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects import strategies as draw_from
from tests.gateway.pairs import CHATS, INBOUND, TARGETS, asked, counted, message_of, plain, shared, translation
from tramite import errors as er
from tramite import events as ev
from tramite.assembly import Assembler
from tramite.dialects import registry
from tramite.gateway.translation import Mapper, Translation
from tramite.messages import Message
from tramite.replies import Reply
from tramite.wire.frames import Frame

every_pair = pytest.mark.parametrize(("inbound", "outbound"), CHATS)
examples = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@every_pair
@examples
@given(data=st.data(), stream=st.booleans())
def test_what_both_can_say_is_asked_of_the_target(
    inbound: str, outbound: str, data: st.DataObject, stream: bool
) -> None:
    call = data.draw(draw_from.calls("chat", shared(inbound, outbound)))
    encoded = asked(inbound, call, stream).encode(registry.get(outbound), TARGETS[outbound])
    read, streamed = registry.get(outbound).operations["chat"].decode_call(encoded.body, encoded.path)
    assert (plain(read), streamed) == (plain(call), stream)
    assert [notice for notice in encoded.notices if "max_tokens" not in notice] == []


@every_pair
@examples
@given(data=st.data())
def test_a_whole_answer_arrives(inbound: str, outbound: str, data: st.DataObject) -> None:
    reply: Reply = data.draw(draw_from.replies("chat", shared(inbound, outbound)))
    theirs, ours = (registry.get(name).operations["chat"] for name in (outbound, inbound))
    translated = asked(inbound)
    body, signals = translated.whole(theirs, theirs.encode_reply(reply, translated.call))
    read = ours.decode(body)
    assert _said(read) == _said(reply)
    assert counted(read.usage) == counted(reply.usage)
    assert read.model == reply.model or not reply.model
    assert signals.proof
    assert counted(signals.usage or read.usage) == counted(reply.usage)


@every_pair
@examples
@given(data=st.data(), n=st.integers(1, 3))
def test_a_stream_arrives_and_does_not_end_before_its_proof(
    inbound: str, outbound: str, data: st.DataObject, n: int
) -> None:
    support = shared(inbound, outbound)
    n = min(n, support.choices)
    events = data.draw(draw_from.streams(support, n))
    mapper, frames = _stream(inbound, outbound, events, n)
    cut = data.draw(st.integers(0, len(frames)))
    mapped = [*mapper.map(frames[:cut]), *mapper.map(frames[cut:])]
    operation = registry.get(inbound).operations["chat"]
    early, late = operation.watcher(n), operation.watcher(n)
    for frame in mapped:
        early.note(frame)
    assert (early.proof, early.ended, early.finish) == (False, False, None)
    mapped += mapper.end()
    for frame in mapped:
        late.note(frame)
    assert late.proof
    before, after = Assembler(), Assembler()
    before.feed(events)
    after.feed(operation.reader(asked(inbound).replaced(n=n).call).read(mapped))
    assert _said(after.reply()) == _said(before.reply())
    assert counted(after.reply().usage) == counted(before.reply().usage)


def _said(reply: Reply) -> list[Any]:
    return [(message_of(choice.message), choice.finish, choice.logprobs) for choice in reply.choices]


def _stream(inbound: str, outbound: str, events: list[Any], n: int = 1) -> tuple[Mapper, list[Frame]]:
    """A stream of the target's, and what is to map it."""
    target = registry.get(outbound).operations["chat"]
    wants = {"extra": {"stream_options": {"include_usage": True}}} if inbound == "openai" else {}
    translated = asked(inbound, stream=True).replaced(n=n if n > 1 else None, **wants)
    call = msgspec.structs.replace(translated.call, extra={"stream_options": {"include_usage": True}})
    writer = target.writer(call)
    frames = [frame for event in events for frame in writer.write(event)]
    return translated.stream(target), [*frames, *writer.end()]


@pytest.mark.parametrize("outbound", registry.NAMES)
def test_usage_and_the_end_are_told_to_clients_of_openai_as_they_asked(outbound: str) -> None:
    events = [ev.TextDelta("Ciao"), ev.Finished("stop")]
    mapper, frames = _stream("openai", outbound, events)
    first, text, finish, end = [*mapper.map(frames), *mapper.end()]
    assert [choice["delta"] for frame in (first, text, finish) for choice in msgspec.json.decode(frame.data)["choices"]]
    assert msgspec.json.decode(first.data)["choices"][0]["delta"]["role"] == "assistant"
    assert msgspec.json.decode(finish.data)["choices"][0]["finish_reason"] == "stop"
    assert end.data == b"[DONE]"
    silent = asked("openai", stream=True).replaced(extra={})
    assert not any(b'"usage"' in frame.data for frame in _mapped(silent, outbound, frames))


def _mapped(translated: Translation, outbound: str, frames: list[Frame]) -> list[Frame]:
    mapper = translated.stream(registry.get(outbound).operations["chat"])
    return [*mapper.map(frames), *mapper.end()]


@every_pair
def test_ids_have_the_shape_of_the_clients_dialect(inbound: str, outbound: str) -> None:
    shapes = {"openai": "chatcmpl-", "openai-responses": "resp_", "anthropic": "msg_", "gemini": ""}
    mapper, frames = _stream(inbound, outbound, [ev.ModelReported("m-1", "abc"), ev.TextDelta("Ciao")])
    operation = registry.get(inbound).operations["chat"]
    events = operation.reader(asked(inbound).call).read([*mapper.map(frames), *mapper.end()])
    told = next(event for event in events if isinstance(event, ev.ModelReported))
    assert told.model == "m-1" or inbound == outbound or outbound == "huggingface"
    assert told.id.startswith(shapes[inbound])
    assert told.id


@every_pair
def test_an_error_in_mid_stream_is_told_in_the_clients_words(inbound: str, outbound: str) -> None:
    mapper, frames = _stream(inbound, outbound, [ev.TextDelta("Ciao")])
    mapped = [*mapper.map(frames[:-1]), *mapper.error(er.Overloaded("too busy"))]
    watcher = registry.get(inbound).operations["chat"].watcher(1)
    for frame in mapped:
        watcher.note(frame)
    assert isinstance(watcher.error, er.Overloaded)
    assert not watcher.proof


@every_pair
def test_what_came_before_a_broken_frame_is_mapped_and_nothing_ends_the_stream(inbound: str, outbound: str) -> None:
    mapper, frames = _stream(inbound, outbound, [ev.TextDelta("Ciao"), ev.TextDelta(" a tutti")])
    broken = Frame(b'{"choices":[{"delta":', frames[0].event and "message")
    cut = next(number for number, frame in enumerate(frames) if b"tutti" in frame.data)
    mapped = mapper.map([*frames[:cut], broken, *frames[cut:]])
    assert isinstance(mapper.broken, er.BadReply)
    assert any(b"Ciao" in frame.data for frame in mapped)
    assert not any(b"tutti" in frame.data for frame in mapped)
    with pytest.raises(er.BadReply):
        mapper.end()


@pytest.mark.parametrize("inbound", INBOUND)
def test_a_stream_that_another_target_takes_up_stays_one_answer(inbound: str) -> None:
    mapper, frames = _stream(inbound, "openai", [ev.ModelReported("m-1"), ev.TextDelta("Ciao"), ev.Finished("stop")])
    mapped = mapper.map(frames[:2])
    _, others = _stream(inbound, "anthropic", [ev.ModelReported("c-1"), ev.TextDelta(" a tutti"), ev.Finished("stop")])
    mapper.resume(registry.get("anthropic").operations["chat"])
    mapped += [*mapper.map(others), *mapper.end()]
    assembler = Assembler()
    events = registry.get(inbound).operations["chat"].reader(asked(inbound).call).read(mapped)
    assembler.feed(events)
    assert assembler.text == "Ciao a tutti"
    assert [event.model for event in events if isinstance(event, ev.ModelReported)] == ["m-1"]
    assert sum(isinstance(event, ev.Finished) for event in events) == 1


def test_the_body_is_decoded_once_and_only_when_it_is_needed() -> None:
    translated = Translation(registry.get("openai"), "chat", b"{", "/v1/chat/completions")
    with pytest.raises(er.InvalidCall, match="not JSON"):
        translated.encode(registry.get("gemini"), TARGETS["gemini"])
    translated = asked("openai")
    assert translated.call is translated.call
    other = translated.replaced(max_tokens=7)
    assert (other.call.max_tokens, translated.call.max_tokens) == (7, 99)
    prefilled = translated.replaced(messages=(*translated.call.messages, Message("assistant", "Ci")))
    assert b'"Ci"' in prefilled.encode(registry.get("anthropic"), TARGETS["anthropic"]).body


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        *("messages", "input", "contents", "system", "tools", "tool_choice", "response_format", "text", "thinking"),
        *("generationConfig", "toolConfig", "extra", "metadata", "max_tokens", "stream", "reasoning", "stream_options"),
        *("role", "content", "parts", "type", "tool_calls", "n", "stop", "service_tier", "output_config", "include"),
    ]
)
_VALUES = _json | st.sampled_from(["user", "assistant", "text", "function", "thinking", {"type": "text", "text": "x"}])
_bodies = st.dictionaries(
    _NAMES, _VALUES | st.lists(st.dictionaries(_NAMES, _VALUES, max_size=4), max_size=3), max_size=6
)


@every_pair
@examples
@given(body=_bodies | _json, good=st.booleans())
def test_a_request_of_junk_is_an_error_of_ours(inbound: str, outbound: str, body: Any, good: bool) -> None:
    if good and isinstance(body, dict):
        said = {"role": "user", "content": "x", "parts": [{"text": "x"}]}
        turn = {"gemini": ("contents", "parts"), "openai-responses": ("input", "content")}
        field, holds = turn.get(inbound, ("messages", "content"))
        body = {**body, field: [{"role": "user", holds: said[holds]}], "max_tokens": 9}
    with contextlib.suppress(er.InvalidCall):
        translation(inbound, msgspec.json.encode(body)).encode(registry.get(outbound), TARGETS[outbound])


@pytest.mark.parametrize("inbound", INBOUND)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'{"messages":' + b"[" * 9_000, b"{" * 300, b'"\\ud800"'])
def test_a_body_that_is_no_request_is_an_invalid_call(inbound: str, body: bytes) -> None:
    with pytest.raises(er.InvalidCall):
        _ = translation(inbound, body).call


@pytest.mark.parametrize("inbound", INBOUND)
@pytest.mark.parametrize("depth", [50, 200, 400, 600, 900, 990, 2_000])
def test_deep_nesting_is_at_worst_an_invalid_call(inbound: str, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    field = {"gemini": b"contents", "openai-responses": b"input"}.get(inbound, b"messages")
    item = b'{"role":"assistant","type":"thinking","content":[{"type":"document","source":%b}],"summary":%b}' % (
        deep,
        deep,
    )
    bodies = [
        b'{"max_tokens":9,"%b":[%b]}' % (field, item),
        b'{"max_tokens":9,"%b":[{"role":"user","content":"x","parts":[{"text":"x"}]}],"metadata":%b}' % (field, deep),
        b'{"max_tokens":9,"%b":[{"role":"user","content":[{"type":"x","y":%b}]}]}' % (field, deep),
    ]
    for body in bodies:
        for outbound in registry.NAMES:
            with contextlib.suppress(er.InvalidCall):
                translation(inbound, body).encode(registry.get(outbound), TARGETS[outbound])


@every_pair
@examples
@given(body=st.binary(max_size=60) | _json.map(msgspec.json.encode))
def test_an_answer_of_junk_is_an_error_of_the_providers(inbound: str, outbound: str, body: bytes) -> None:
    target = registry.get(outbound).operations["chat"]
    with contextlib.suppress(er.ProviderError):
        asked(inbound).whole(target, body)
    mapper = asked(inbound, stream=True).stream(target)
    mapper.map([Frame(body), Frame(body, "message")])
