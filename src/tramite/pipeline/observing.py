"""What the pipeline tells of a request as it goes: to the ledger, to metrics and traces, to the user's hooks.

Knows none of them. Observers are called on the event loop, must not wait, and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from tramite.calls import Kind
from tramite.config import Budget, Limits
from tramite.errors import TramiteError
from tramite.replies import Attempt, Finish, Usage

Priority: TypeAlias = Literal["interactive", "batch"]


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: a key of ours (empty: nobody in particular), where from, and what they may take."""

    key: str = ""
    address: str = ""
    limits: Limits | None = None
    """The key's own, beside those of the target."""
    budget: Budget | None = None
    """The key's own, beside those of the configuration."""
    priority: Priority = "interactive"


NOBODY = Caller()


class Beginning(Struct, frozen=True, kw_only=True):
    """One try at one target, as it is about to be sent."""

    attempt_id: str
    call_id: str
    """The same for all tries of one request."""
    number: int
    """1 for the first try."""
    at: float
    """Seconds since 1970."""
    kind: Kind
    asked: str | None
    """The model as the caller wrote it; None where the default was taken."""
    route: str
    """The route's name; empty where a target was asked for directly."""
    provider: str
    model: str
    dialect: str
    stream: bool
    caller: Caller = NOBODY
    since_s: float = 0.0
    """How long the request had been under way by then: earlier tries, and the wait for a limit."""
    server: str = ""
    """Host, and port where there is one, that it goes to; empty for what answers in this process."""

    @property
    def target(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


class Ending(Struct, frozen=True, kw_only=True):
    """How that try ended. Seconds; None is unknown."""

    beginning: Beginning
    total_s: float
    waited_s: float = 0.0
    """Before it was sent: for limits, and between tries."""
    first_token_s: float | None = None
    status: int | None = None
    error: TramiteError | None = None
    """None where it brought an answer, or its caller left."""
    left: bool = False
    """Its caller left before the end: what came until then may be on the bill."""
    finish: Finish | None = None
    model: str = ""
    """What the provider calls the model that answered, where that is known."""
    usage: Usage | None = None
    cost_nanousd: int | None = None
    held_nanousd: int | None = None
    """What was held for it under a budget; None where nothing was."""
    maybe_billed: bool = False
    request_id: str | None = None
    texts: Callable[[], tuple[str, str]] | None = None
    """Prompt and answer, made when asked for; None where nobody said that they may be kept."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a request ended, all its tries included."""

    call_id: str
    kind: Kind
    asked: str | None
    target: str
    """The last that was asked; empty where none was."""
    stream: bool
    attempts: tuple[Attempt, ...]
    total_s: float
    error: TramiteError | None = None
    left: bool = False
    cached: bool = False
    """An earlier answer was given again; nobody was asked."""
    usage: Usage | None = None
    cost_nanousd: int | None = None
    caller: Caller = NOBODY


class Observer(Protocol):
    """Whoever wants to know. What an observer does not care for, it leaves empty."""

    def attempt_begins(self, beginning: Beginning) -> None: ...

    def attempt_ended(self, ending: Ending) -> None: ...

    def request_ended(self, outcome: Outcome) -> None: ...
