"""The faults of the primary, and what passing means on both sides (what the caller got, what the provider was asked).

They follow the sixteen of an outside suite, Failover Bench. Each is a row: whoever can carry a request through a route
of two targets (the client, the gateway) can be held to it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Answer: TypeAlias = Literal["whole", "backup", "primary", "error"]


class Case(Struct, frozen=True, kw_only=True):
    """One fault. `whole` may come from either target."""

    number: int
    primary: str
    """The primary's model at the simulator."""
    whole: Answer
    """What a caller of a whole reply gets."""
    stream: Answer
    """What a reader gets who cannot take text back."""
    events: Answer
    """What a reader gets who can."""
    error: str = ""
    """The error's class, where there is one."""
    asked: int = 3
    """How often the primary may be asked at most."""
    asked_in_stream: int = 3
    closed: bool = False
    """The primary must see that it was given up."""
    partial: int = 0
    """Tokens that a stream's error keeps."""
    backup_asked: bool = True
    """Whether the backup may be asked at all."""
    on_stream_failure: str = "restart"
    backup: str = "ok"
    backup_prefills: bool = False


TOKENS = 60
CASES = (
    Case(number=1, primary="429:retry-after=2:times=1", whole="whole", stream="whole", events="whole"),
    Case(number=2, primary="429", whole="backup", stream="backup", events="backup"),
    Case(number=3, primary="500:times=1", whole="whole", stream="whole", events="whole"),
    Case(number=4, primary="503", whole="backup", stream="backup", events="backup"),
    Case(number=5, primary="reset", whole="whole", stream="whole", events="whole"),
    Case(number=6, primary="silent", whole="backup", stream="backup", events="backup", closed=True),
    Case(number=7, primary="slow-first-token:20s", whole="backup", stream="backup", events="backup", closed=True),
    *(
        Case(
            number=number,
            primary=fault,
            whole="whole",
            stream="error",
            events="backup",
            error=error,
            asked_in_stream=1,
            partial=kept,
            closed=closed,
        )
        for number, fault, error, kept, closed in (
            (8, "cut@40", "IncompleteStream", 40, False),
            (9, "stall@20:30s", "TimedOut", 20, True),
            (10, "malformed@10", "BadReply", 10, False),
        )
    ),
    Case(number=11, primary="no-done", whole="primary", stream="primary", events="primary", asked=1, asked_in_stream=1),
    Case(
        number=12,
        primary="context",
        whole="error",
        stream="error",
        events="error",
        error="ContextTooLong",
        asked=1,
        asked_in_stream=1,
    ),
    Case(
        number=13,
        primary="filter",
        whole="error",
        stream="error",
        events="error",
        error="ContentFiltered",
        asked=1,
        asked_in_stream=1,
        backup_asked=False,
    ),
    Case(
        number=14,
        primary="cut@40",
        whole="whole",
        stream="error",
        events="backup",
        error="IncompleteStream",
        asked_in_stream=1,
        partial=40,
        on_stream_failure="continue",
        backup="no-prefill",
        backup_prefills=True,
    ),
)
"""15 and 16 are about many requests, and about what is told of one: they have tests of their own."""
