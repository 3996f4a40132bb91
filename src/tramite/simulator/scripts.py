"""What a simulated provider does with one request it lets in, step by step. Does nothing of it itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from tramite.dialects.base import Dialect, Operation
from tramite.errors import Overloaded
from tramite.replies import Reply, Usage

from .answers import Answer
from .bill import Bill, Entry, Outcome
from .faults import BadUtf8, Cut, ErrorFrame, Malformed, SlowFirstToken, Stall
from .grammar import Scenario
from .options import Options

FINGERPRINT = "fp_simulator"


class Head(Struct, frozen=True):
    """Status and headers; the body follows in pieces."""

    status: int
    headers: dict[str, str]


class Whole(Struct, frozen=True):
    """A whole answer at once."""

    status: int
    headers: dict[str, str]
    body: bytes


class Break(Enum):
    """The end of the connection, in the middle of things."""

    CLOSE = "close"
    RESET = "reset"


Step: TypeAlias = float | bytes | Head | Whole | Break
"""Seconds to wait, bytes of the body to send, or what the classes say."""


class Exchange:
    """One request on its way: its line in the books, and the steps still to be taken."""

    __slots__ = ("begins_at", "bill", "ending", "entry", "interval_s", "per_tick", "steps", "ticks")

    def __init__(self, entry: Entry, bill: Bill) -> None:
        self.entry = entry
        self.bill = bill
        self.steps: Iterator[Step] = iter(())
        self.ending: Outcome = "finished"
        self.ticks = 0
        """Set while a whole reply is being made: tokens of each choice, their pace, and when the first one began."""
        self.per_tick = 1
        self.interval_s = 0.0
        self.begins_at = 0.0

    def made_by(self, now: float) -> int:
        """Output tokens that exist by now."""
        if not self.ticks:
            return self.entry.output_tokens
        ticks = int((now - self.begins_at) / self.interval_s) if self.interval_s else 0
        return max(0, min(self.ticks, ticks)) * self.per_tick


class Job(Struct, kw_only=True):
    """A request that could be read, with all that its script needs to know."""

    exchange: Exchange
    dialect: Dialect
    operation: Operation
    call: Any
    scenario: Scenario
    options: Options
    headers: dict[str, str]
    stream: bool

    @property
    def id(self) -> str:
        """What the answer is called."""
        return f"sim-{self.exchange.entry.number}"


def usage_of(job: Job, answers: tuple[Answer, ...]) -> Usage:
    """Honest usage: each token as it was sent."""
    thoughts = sum(len(answer.thoughts) for answer in answers)
    return Usage(
        input_tokens=job.exchange.entry.input_tokens,
        output_tokens=sum(answer.length for answer in answers),
        reasoning_tokens=thoughts or None,
    )


def whole_text(job: Job, answers: tuple[Answer, ...]) -> Iterator[Step]:
    """A whole chat or completion reply, after the time that its tokens take."""
    exchange, options = job.exchange, job.options
    usage = usage_of(job, answers)
    slow = job.scenario.find(SlowFirstToken)
    before = options.latency_s + (slow.for_s if slow is not None else 0.0)
    exchange.ticks = max(answer.length for answer in answers)
    exchange.per_tick = len(answers)
    exchange.interval_s = options.token_interval_s
    exchange.begins_at = exchange.entry.at + before
    if wait := before + exchange.ticks * options.token_interval_s:
        yield wait
    exchange.ticks = 0
    exchange.entry.output_tokens = usage.output_tokens or 0
    reply = Reply(
        choices=tuple(answer.choice() for answer in answers),
        usage=usage,
        model=job.call.model or "",
        request_id=job.id,
        system_fingerprint=FINGERPRINT,
    )
    yield from whole(job, job.operation.encode_reply(reply, job.call))


def whole(job: Job, body: bytes) -> Iterator[Step]:
    """A body that is ready, with the faults that can befall one."""
    find, entry = job.scenario.find, job.exchange.entry
    entry.status = 200
    headers = job.headers | {"content-type": "application/json"}
    half = len(body) // 2
    stall = find(Stall)
    if find(Cut) is not None:
        job.exchange.ending = "broken"
        yield Head(200, headers | {"content-length": str(len(body))})
        yield body[:half]
        yield Break.CLOSE
    elif stall is not None:
        yield Head(200, headers | {"content-length": str(len(body))})
        yield body[:half]
        yield float("inf") if stall.for_s is None else stall.for_s
        yield body[half:]
    elif find(ErrorFrame) is not None:
        yield Whole(200, headers, job.dialect.encode_error(overloaded())[1])
    elif find(Malformed) is not None:
        yield Whole(200, headers, body[:half])
    elif find(BadUtf8) is not None:
        yield Whole(200, headers, body[:half] + b"\xff\xfe" + body[half:])
    else:
        yield Whole(200, headers, body)


def overloaded() -> Overloaded:
    return Overloaded("The server had an error while processing your request", type="server_error", code="server_error")
