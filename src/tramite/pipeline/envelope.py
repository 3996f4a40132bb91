"""What travels through the pipeline: the facts it must know, and a body it need not understand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from tramite.calls import Kind
from tramite.config import Timeouts
from tramite.dialects.base import Dialect, Encoded, Operation, Signals, Target, Watcher
from tramite.events import Loading, Noticed, Restarted, Retrying
from tramite.replies import Attempt, Timings, Usage
from tramite.wire.frames import Frame

from .observing import NOBODY, Caller
from .retry import Retry


class Pictures(Struct, frozen=True):
    """The pictures that a request brings along, and how many bytes of its body they are; and whether there are files
    beside them, or what stands for some, of which nobody can tell how much there is to read."""

    count: int = 0
    bytes: int = 0
    files: bool = False


def _no_pictures() -> Pictures:
    return Pictures()


def _no_texts(value: Any) -> tuple[str, str]:
    return "", ""


class Envelope(Struct, frozen=True, kw_only=True):
    """One request on its way out."""

    kind: Kind
    model: str | None
    """As the caller wrote it: `provider/model`, a route, a bare name, or nothing."""
    body_for: Callable[[Dialect, Target], Encoded]
    receive: Callable[[Operation, bytes], tuple[Any, Signals]]
    """How the edge reads a whole body: what it makes of it, and the signals in it. An edge that decodes has them for
    nothing. May raise the provider's error or `BadReply`, which are retried like any failure."""
    watch: Callable[[Operation], Watcher] | None = None
    """How the edge would have a stream watched, where it can do better than the operation's own watcher."""
    stream: bool = False
    n: int = 1
    retry: Retry | None = None
    timeouts: Timeouts | None = None
    ends_at: float | None = None
    """When `deadline_s` is over, on the loop's clock, where it covers more than this request."""
    caller: Caller = NOBODY
    text_bytes: Callable[[], int] = int
    """UTF-8 bytes of its texts. Asked only where tokens are limited."""
    pictures: Callable[[], Pictures] = _no_pictures
    """Asked only where money is held."""
    max_output: int | None = None
    """The tokens that one answer may have at most; None where the request does not say."""
    with_max_output: Callable[[int], Envelope] | None = None
    """The same request with that said; None for what has no output to be limited."""
    texts: Callable[[Any], tuple[str, str]] = _no_texts
    """What was asked and what was answered, as text, given what `receive` made of the body (None for a stream). Asked
    only by a ledger that keeps such things."""
    takes_back: Callable[[], bool] = bool
    """Whether the stream's reader can be told that what it has read is void."""
    continued: Callable[[], Envelope | None] | None = None
    """The same request with what its reader has of the answer as its beginning; None where that is more than text."""


class Delivery(Struct, frozen=True, kw_only=True):
    """What came back for a whole request: what the edge made of the body, and how it went."""

    value: Any
    target: Target | None
    signals: Signals | None
    """Both None when `Retry.on_give_up` gave the value: no model answered."""
    attempts: tuple[Attempt, ...]
    timings: Timings
    refused: tuple[Usage | None, ...] = ()
    """What the answers used that the retry predicate did not take."""
    cost_nanousd: int | None = None
    """That of the refused answers included."""
    notices: tuple[str, ...] = ()
    request_id: str | None = None
    call_id: str = ""
    """By which the ledger knows it; empty where there is none."""


class Opened(Struct, frozen=True, kw_only=True):
    """A target has begun to answer: the frames that follow are in this operation's format."""

    target: Target
    operation: Operation
    watcher: Watcher
    attempts: tuple[Attempt, ...]
    """Those before, which failed."""
    began_s: float
    """When this one began, in seconds since the request did."""
    waited_s: float
    notices: tuple[str, ...] = ()
    request_id: str | None = None
    call_id: str = ""


class Ended(Struct, frozen=True, kw_only=True):
    """The stream is proven whole, or its reader has closed it: how it went."""

    attempts: tuple[Attempt, ...]
    timings: Timings
    usage: Usage | None = None
    cost_nanousd: int | None = None
    notices: tuple[str, ...] = ()


Piece: TypeAlias = Opened | list[Frame] | Retrying | Restarted | Noticed | Loading | Ended
"""What a stream is made of on its way back: frames as they came, and what happened on the way."""
