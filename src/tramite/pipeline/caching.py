"""Which answers may be given again, and to which calls. Knows no place where they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TypeVar

import msgspec

from tramite import events as ev
from tramite.calls import Call, ChatCall, ModelsCall, Sampling
from tramite.config import Cache
from tramite.messages import Opaque, Reasoning, Refusal, Text, ToolCall
from tramite.replies import Choice, EmbeddingReply, Reply, RerankReply, Timings

R = TypeVar("R", Reply, EmbeddingReply, RerankReply)

MOST_BYTES = 1024 * 1024
"""An answer that is larger when it is packed is not kept."""
_FORM = "1"
"""Part of every key: a change of what a key or a packed answer is made of must not find what was kept before."""
_WHOLE = ("stop", "length", "tool_calls")
"""The ends of an answer that another try would not mend. A content filter may think again."""

_encode = msgspec.json.Encoder(order="sorted").encode
_pack = msgspec.msgpack.Encoder().encode


def cache_key(call: Call, cache: Cache, asked: str, key: str = "", wanted: bool | None = None) -> str | None:
    """What an answer to this call is kept under; None where the call must be answered anew.

    `asked` is the model or route that the call names, or the default that it leaves it to; `key` the key of ours that
    asks; `wanted` what the call itself says: True keeps its answer whatever the settings are, False never does.
    """
    if not may_be_kept(call, cache, wanted):
        return None
    call = msgspec.structs.replace(call, model=None)
    if isinstance(call, ChatCall) and call.tools:
        # what a tool does here, the model never sees
        call = msgspec.structs.replace(
            call, tools=[msgspec.structs.replace(tool, function=None) for tool in call.tools]
        )
    scope = (_FORM, type(call).__name__, asked, "" if cache.shared else key)
    try:
        return blake2b(_encode((scope, call)), digest_size=20).hexdigest()
    except (TypeError, ValueError, RecursionError):  # `extra` holds what has no JSON: the dialect will say so
        return None


def may_be_kept(call: Call, cache: Cache, wanted: bool | None = None) -> bool:
    """Whether the answer to this call may be given again, by the settings and by what the call itself says."""
    if isinstance(call, ModelsCall) or wanted is False:
        return False
    if wanted or not cache.enabled:
        return bool(wanted)
    if isinstance(call, ChatCall) and call.tools:
        return False  # they act, and would act on what was
    if isinstance(call, Sampling):
        return call.temperature is not None and call.temperature <= cache.max_temperature
    return True


def is_worth_keeping(reply: Reply | EmbeddingReply | RerankReply) -> bool:
    """Whether another try would not bring a better one."""
    if not isinstance(reply, Reply):
        return True
    return reply.usage.source != "partial" and all(choice.finish in _WHOLE for choice in reply.choices)


def packed(reply: Reply | EmbeddingReply | RerankReply) -> bytes | None:
    """The answer as it is kept, without what was special that time; None for one that is not to be kept."""
    if not is_worth_keeping(reply):
        return None
    if isinstance(reply, Reply):
        reply = msgspec.structs.replace(reply, parsed=None)
    reply = msgspec.structs.replace(reply, attempts=(), timings=Timings(), cost_nanousd=0, cached=True)
    try:
        data = _pack(reply)
    except (TypeError, ValueError):
        return None
    return data if len(data) <= MOST_BYTES else None


def unpacked(data: bytes, form: type[R]) -> R | None:
    """The answer again: `cached`, at no cost, without attempts. None for what this version cannot read."""
    try:
        return msgspec.msgpack.decode(data, type=form)
    except (msgspec.DecodeError, ValueError):
        return None


def as_events(reply: Reply) -> Iterator[ev.Event]:
    """The answer as a stream would have told it."""
    yield ev.Started(reply.target)
    yield from map(ev.Noticed, reply.notices)
    if reply.model or reply.system_fingerprint:
        yield ev.ModelReported(reply.model, system_fingerprint=reply.system_fingerprint)
    for index, choice in enumerate(reply.choices):
        yield from _deltas(choice, index)
        yield ev.Finished(choice.finish, index)
    yield ev.UsageReported(reply.usage)


def _deltas(choice: Choice, index: int) -> Iterator[ev.Delta]:
    logprobs, tools = choice.logprobs, 0
    for part in choice.message.parts:
        match part:
            case Text(text):
                yield ev.TextDelta(text, index, logprobs)
                logprobs = ()
            case Reasoning(text):
                yield ev.ReasoningDelta(text, index)
            case Refusal(text):
                yield ev.RefusalDelta(text, index)
            case ToolCall(id, name, raw):
                yield ev.ToolCallDelta(tools, id, name, raw, index)
                tools += 1
            case Opaque():
                yield ev.OpaqueDelta(part, index)
            case _:
                pass  # pictures and sounds: no model of ours streams them
    if logprobs:
        yield ev.TextDelta("", index, logprobs)
