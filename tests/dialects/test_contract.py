"""Every dialect, every operation: what one side writes, the other reads; what cannot be said is refused or noticed."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects import strategies as draw_from
from tests.dialects.support import MATRIX, found, operations
from tramite import errors as er
from tramite.assembly import Assembler
from tramite.calls import Kind
from tramite.dialects import registry
from tramite.dialects.base import Watcher
from tramite.events import Finished
from tramite.wire.frames import Frame

every_operation = pytest.mark.parametrize(("name", "kind"), list(operations()))
every_stream = pytest.mark.parametrize(("name", "kind"), list(operations("chat", "completion")))
every_dialect = pytest.mark.parametrize("name", registry.NAMES)
examples = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

ERRORS: tuple[Exception, ...] = (
    er.InvalidCall("temperature must be a number", "temperature"),
    er.Throttled("slow down"),
    er.QuotaExhausted("the money is gone"),
    er.Overloaded("too busy"),
    er.ModelLoading("on its way"),
    er.AuthenticationFailed("no"),
    er.ModelNotFound("which?"),
    er.ContextTooLong("too much"),
    er.ContentFiltered("not that"),
    er.RequestRejected("no such parameter"),
    er.BadReply("not JSON"),
    er.IncompleteStream("it broke off"),
    er.TimedOut("silence"),
)
READ_AS: dict[type[Exception], type[Exception]] = {er.InvalidCall: er.RequestRejected}
"""What a server calls an invalid call is, for its client, a rejected request."""


def test_every_operation_has_its_row() -> None:
    assert set(operations()) == set(MATRIX)


@every_operation
@examples
@given(data=st.data())
def test_a_call_survives_encoding_and_decoding(name: str, kind: Kind, data: st.DataObject) -> None:
    _, operation, support = found(name, kind)
    call = data.draw(draw_from.calls(kind, support))
    encoded = operation.encode(call, support.target, False)
    read, stream = operation.decode_call(encoded.body, encoded.path)
    assert not stream
    assert encoded.notices == ()
    assert _plain(read) == _plain(call, support.target.model if support.named else None)


@every_stream
@examples
@given(data=st.data())
def test_a_streamed_call_says_so(name: str, kind: Kind, data: st.DataObject) -> None:
    _, operation, support = found(name, kind)
    call = data.draw(draw_from.calls(kind, support))
    encoded = operation.encode(call, support.target, True)
    read, stream = operation.decode_call(encoded.body, encoded.path)
    assert stream
    assert _plain(read) == _plain(call, support.target.model if support.named else None)


@pytest.mark.parametrize(
    ("name", "kind", "field"),
    [(name, kind, field) for name, kind in operations() for field in draw_from.OF_KIND[kind]],
)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_setting_that_cannot_be_said_is_refused_or_noticed(
    name: str, kind: Kind, field: str, data: st.DataObject
) -> None:
    _, operation, support = found(name, kind)
    call = data.draw(draw_from.calls(kind, support, frozenset((field,))).filter(lambda call: getattr(call, field)))
    refused, notices = None, ()
    try:
        notices = operation.encode(call, support.target, False).notices
    except er.InvalidCall as error:
        refused = error
    assert bool(refused or notices) == (field not in support.call)
    assert refused is None or refused.field is not None


@every_operation
@examples
@given(data=st.data())
def test_a_reply_survives_encoding_and_decoding(name: str, kind: Kind, data: st.DataObject) -> None:
    _, operation, support = found(name, kind)
    call = data.draw(draw_from.calls(kind, support))
    reply = data.draw(draw_from.replies(kind, support))
    body = operation.encode_reply(reply, call)
    again = operation.decode(body)
    for fact in ("model", "request_id", "system_fingerprint"):
        if fact in support.facts and kind != "embedding":
            assert getattr(again, fact) == getattr(reply, fact)
    for fact in ("choices", "vectors", "results", "models", "usage"):
        assert getattr(again, fact, None) == getattr(reply, fact, None)
    signals = operation.judge(body)
    assert signals.proof
    assert signals.error is None
    assert signals.usage == (None if reply.usage.total_tokens is None else reply.usage)
    assert signals.finish == getattr(reply, "finish", "stop")


@every_stream
@examples
@given(data=st.data(), n=st.integers(1, 3))
def test_a_stream_survives_writing_and_reading(name: str, kind: Kind, data: st.DataObject, n: int) -> None:
    _, operation, support = found(name, kind)
    n = min(n, support.choices)
    call = _streamed(data.draw(draw_from.calls(kind, support, frozenset())), n)
    events = data.draw(draw_from.streams(support, n))
    frames, _ = _written(operation, call, events)
    reader = operation.reader(call)
    cut = data.draw(st.integers(0, len(frames)))
    before, after = Assembler(), Assembler()
    before.feed(events)
    after.feed([*reader.read(frames[:cut]), *reader.read(frames[cut:])])
    assert after.reply() == before.reply()


@every_stream
@examples
@given(data=st.data(), n=st.integers(1, 3))
def test_a_stream_is_proven_at_its_end_and_nowhere_before_its_last_finish(
    name: str, kind: Kind, data: st.DataObject, n: int
) -> None:
    _, operation, support = found(name, kind)
    n = min(n, support.choices)
    call = _streamed(data.draw(draw_from.calls(kind, support, frozenset())), n)
    events = data.draw(draw_from.streams(support, n))
    frames, finished_at = _written(operation, call, events)
    watcher = _watched(operation.watcher(n), frames)
    assert (watcher.proof, watcher.ended, watcher.error) == (True, True, None)
    assert watcher.usage == events[-1].usage  # type: ignore[union-attr]  # a stream's last event is its usage
    assert watcher.finish == next(event.finish for event in events if isinstance(event, Finished) and event.index == 0)
    cut = data.draw(st.integers(0, finished_at))
    assert not _watched(operation.watcher(n), frames[:cut]).proof


@every_stream
@examples
@given(data=st.data())
def test_content_is_seen_with_the_first_piece_and_not_before(name: str, kind: Kind, data: st.DataObject) -> None:
    _, operation, support = found(name, kind)
    call = _streamed(data.draw(draw_from.calls(kind, support, frozenset())), 1)
    events = data.draw(draw_from.streams(support, 1))
    writer, watcher = operation.writer(call), operation.watcher(1)
    shown = {"TextDelta", "ReasoningDelta", "ToolCallDelta"} - ({"ToolCallDelta"} if support.whole_calls else set())
    for event in events:
        for frame in writer.write(event):
            watcher.note(frame)
        assert watcher.content or type(event).__name__ not in shown
        if watcher.content or type(event).__name__ in shown | {"RefusalDelta"}:
            break
        assert not watcher.content


@every_dialect
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_read_back_as_what_it_was(name: str, error: Exception) -> None:
    dialect = registry.get(name)
    status, body = dialect.encode_error(error)
    read = dialect.decode_error(status, {}, body)
    assert type(read) is READ_AS.get(type(error), type(error))
    assert read.status == status
    assert str(error).split(" (")[0] in read.message


@every_stream
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_in_mid_stream_ends_it_without_proof(name: str, kind: Kind, error: Exception) -> None:
    dialect, operation, _ = found(name, kind)
    watcher = _watched(operation.watcher(1), dialect.encode_stream_error(error))
    assert type(watcher.error) is READ_AS.get(type(error), type(error))
    assert not watcher.proof


@every_dialect
def test_a_failure_of_the_server_itself_tells_no_secrets(name: str) -> None:
    dialect = registry.get(name)
    error = KeyError("sk-very-secret")
    status, body = dialect.encode_error(error)
    assert status == 500
    assert b"secret" not in body
    assert b"secret" not in b"".join(frame.data for frame in dialect.encode_stream_error(error))


_JUNK = st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("choices", "delta", "message", "content", "tool_calls", "function", "finish_reason", "index"),
                    *("usage", "data", "embedding", "messages", "role", "input", "prompt", "tools", "code", "type"),
                    *("error", "stop", "id", "model", "logprobs", "reasoning_details", "function_call", "text"),
                    *("candidates", "parts", "functionCall", "args", "finishReason", "usageMetadata", "contents"),
                    *("promptFeedback", "blockReason", "requests", "embeddings", "values", "generationConfig"),
                    *("systemInstruction", "functionResponse", "inlineData", "toolConfig", "logprobsResult", "details"),
                    *("content_block", "stop_reason", "max_tokens", "system", "thinking", "input", "source"),
                    *("output", "item", "response", "status", "incomplete_details", "summary", "call_id", "arguments"),
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
).map(msgspec.json.encode)


@every_operation
@settings(max_examples=150, deadline=None)
@given(body=_JUNK, status=st.sampled_from([400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529]))
def test_junk_raises_nothing_but_our_own_errors(name: str, kind: Kind, body: bytes, status: int) -> None:
    dialect, operation, _ = found(name, kind)
    assert isinstance(dialect.decode_error(status, {}, body), er.ProviderError)
    if operation.judge(body).proof and kind != "embedding":  # whose numbers are not looked at twice
        operation.decode(body)
    for act in (lambda: operation.decode(body), lambda: operation.decode_call(body, "/v1/x")):
        with contextlib.suppress(er.TramiteError):
            act()


@every_stream
@settings(max_examples=150, deadline=None)
@given(bodies=st.lists(_JUNK, max_size=3), event=st.sampled_from(["", "error", "ping"]), n=st.integers(1, 2))
def test_junk_frames_never_make_a_watcher_raise(name: str, kind: Kind, bodies: list[bytes], event: str, n: int) -> None:
    _, operation, _ = found(name, kind)
    frames = [Frame(body, event) for body in bodies]
    watcher = _watched(operation.watcher(n), frames)
    assert not (watcher.proof and watcher.error)
    with contextlib.suppress(er.BadReply):
        operation.reader(_Any(n)).read(frames)


class _Any:
    """A call of which a reader needs to know little."""

    prompt, echo, stop, logprobs = "", False, (), None

    def __init__(self, n: int) -> None:
        self.n = n


def _plain(call: Any, model: str | None = None) -> Any:
    """Without what a stream adds to `extra`, and under the target's name for the model."""
    changes: dict[str, Any] = {}
    extra = getattr(call, "extra", {})
    hidden = ("stream_options", "encoding_format")
    if any(name in extra for name in hidden):
        changes["extra"] = {name: value for name, value in extra.items() if name not in hidden}
    if model is not None and hasattr(call, "extra"):
        changes["model"] = model
    return msgspec.structs.replace(call, **changes)


def _streamed(call: Any, n: int) -> Any:
    return msgspec.structs.replace(call, n=n, extra={"stream_options": {"include_usage": True}})


def _written(operation: Any, call: Any, events: list[Any]) -> tuple[list[Frame], int]:
    """The frames, and how many of them come before the one that says the last finish."""
    writer, frames, finished_at = operation.writer(call), [], 0
    for event in events:
        frames += writer.write(event)
        if isinstance(event, Finished):
            finished_at = max(len(frames) - 1, 0)  # a dialect may say it at the end
    return [*frames, *writer.end()], finished_at


def _watched(watcher: Watcher, frames: list[Frame]) -> Watcher:
    for frame in frames:
        watcher.note(frame)
    watcher.close()
    return watcher
