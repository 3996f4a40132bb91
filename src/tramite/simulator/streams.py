"""What a simulated provider does with a request for a stream, step by step. Does nothing of it itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeAlias

from tramite.events import Event, Finished, ModelReported, UsageReported
from tramite.wire import ndjson, sse
from tramite.wire.frames import Frame

from .answers import Answer
from .faults import (
    BadUtf8,
    Comments,
    Cut,
    ErrorFrame,
    Malformed,
    NoDone,
    NoFinish,
    SlowFirstToken,
    Stall,
)
from .scripts import FINGERPRINT, Break, Head, Job, Step, overloaded, usage_of

MidStream: TypeAlias = Stall | Malformed | BadUtf8 | ErrorFrame | Cut
Spoil: TypeAlias = Callable[[bytes], bytes] | None

_IN_ORDER = (Stall, Malformed, BadUtf8, ErrorFrame, Cut)
_WRITE = 16 * 1024  # frames of one moment go out together, up to this
_FRAMINGS: dict[str, tuple[Callable[[Frame], bytes], str]] = {
    "sse": (sse.encode, "text/event-stream; charset=utf-8"),
    "ndjson": (ndjson.encode, "application/x-ndjson"),
}


class _Outlet:
    """Frames of one stream on their way out, joined until somebody has to wait."""

    __slots__ = ("_encode", "buffer", "writer")

    def __init__(self, job: Job) -> None:
        self.writer = job.operation.writer(job.call)
        self._encode = _FRAMINGS[job.dialect.framing][0]
        self.buffer = bytearray()

    def say(self, event: Event, spoil: Spoil = None) -> None:
        frames = self.writer.write(event)
        if spoil is not None and frames:
            frames = [Frame(spoil(frames[0].data), frames[0].event), *frames[1:]]
        self.put(frames)

    def put(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.buffer += self._encode(frame)

    def take(self) -> bytes:
        taken = bytes(self.buffer)
        self.buffer.clear()
        return taken


def stream_text(job: Job, answers: tuple[Answer, ...]) -> Iterator[Step]:
    """A streamed chat or completion reply."""
    entry = job.exchange.entry
    if job.options.latency_s:
        yield job.options.latency_s
    entry.status = 200
    yield Head(200, job.headers | {"content-type": _FRAMINGS[job.dialect.framing][1]})
    out = _Outlet(job)
    out.say(ModelReported(job.call.model or "", job.id, FINGERPRINT))
    slow = job.scenario.find(SlowFirstToken)
    if slow is not None:
        yield from _pause(slow.for_s, job, out)
    ticks = max(answer.length for answer in answers)
    faults = _by_position(job, ticks)
    yield from _tokens(job, answers, out, faults)
    if job.exchange.ending != "broken":
        yield from _finish(job, answers, out, faults.get(ticks, []))


def _tokens(job: Job, answers: tuple[Answer, ...], out: _Outlet, faults: dict[int, list[MidStream]]) -> Iterator[Step]:
    exchange, interval = job.exchange, job.options.token_interval_s
    for position in range(max(answer.length for answer in answers)):
        spoil: Spoil = None
        if position in faults:
            spoil = yield from _befall(faults[position], job, out)
            if exchange.ending == "broken":
                return
        if interval:
            yield from _pause(interval, job, out)
        for index, answer in enumerate(answers):
            if position < answer.length:
                out.say(answer.delta(position, index), spoil)
                exchange.entry.output_tokens += 1
        if len(out.buffer) > _WRITE:
            yield out.take()


def _finish(job: Job, answers: tuple[Answer, ...], out: _Outlet, faults: list[MidStream]) -> Iterator[Step]:
    spoil = yield from _befall(faults, job, out)
    if job.exchange.ending == "broken":
        return
    without_finish = job.scenario.find(NoFinish) is not None
    for index, answer in enumerate(answers):
        if without_finish:
            out.writer.write(Finished(answer.finish, index))  # the writer must believe that it was said
        else:
            out.say(Finished(answer.finish, index), spoil)
    out.say(UsageReported(usage_of(job, answers)))
    last = out.writer.end()
    out.put(last[:-1] if job.scenario.find(NoDone) is not None else last)
    if out.buffer:
        yield out.take()


def _by_position(job: Job, ticks: int) -> dict[int, list[MidStream]]:
    """The faults by the token they come before; those past the end come before the finish."""
    found: dict[int, list[MidStream]] = {}
    faults = [item for item in job.scenario.items if isinstance(item, MidStream)]
    for fault in sorted(faults, key=lambda fault: _IN_ORDER.index(type(fault))):
        found.setdefault(min(fault.at, ticks), []).append(fault)
    return found


def _befall(faults: list[MidStream], job: Job, out: _Outlet) -> Generator[Step, None, Spoil]:
    """Let them happen. Returns what is to be done to the next frame."""
    spoil: Spoil = None
    for fault in faults:
        match fault:
            case Stall():
                yield from _pause(math.inf if fault.for_s is None else fault.for_s, job, out)
            case Malformed():
                spoil = _halve
            case BadUtf8():
                spoil = _spoil_utf8
            case ErrorFrame():
                out.put(job.dialect.encode_stream_error(overloaded()))
                job.exchange.ending = "broken"
                yield out.take()
                return None
            case Cut():
                job.exchange.ending = "broken"
                if out.buffer:
                    yield out.take()
                yield Break.CLOSE
                return None
    return spoil


def _pause(seconds: float, job: Job, out: _Outlet) -> Iterator[Step]:
    """Send what is there, then wait, with a comment now and then if the scenario has them."""
    if out.buffer:
        yield out.take()
    comments = job.scenario.find(Comments) if job.dialect.framing == "sse" else None
    if comments is not None:
        while seconds > comments.every_s:
            yield comments.every_s
            yield sse.comment("waiting")
            seconds -= comments.every_s
    yield seconds


def _halve(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _spoil_utf8(data: bytes) -> bytes:
    """A byte that no UTF-8 has, where the words are: dialects put them towards the end of a frame."""
    middle = len(data) * 3 // 4
    return data[:middle] + b"\xff" + data[middle:]
