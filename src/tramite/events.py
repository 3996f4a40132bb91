"""The pieces of a streamed reply. Knows no wire format. `index` is which of the `n` choices a piece belongs to."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from .messages import Opaque
from .replies import Finish, TokenLogprob, Usage


class Started(Struct, frozen=True, tag=True):
    """A target has begun to answer."""

    target: str
    attempt: int = 1


class TextDelta(Struct, frozen=True, tag=True):
    """More text."""

    text: str
    index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


class ReasoningDelta(Struct, frozen=True, tag=True):
    """More of the model's visible thinking."""

    text: str
    index: int = 0


class RefusalDelta(Struct, frozen=True, tag=True):
    """More of a refusal."""

    text: str
    index: int = 0


class ToolCallDelta(Struct, frozen=True, tag=True):
    """More of the tool call at `position`; id and name come once, `arguments` in pieces."""

    position: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    index: int = 0


class OpaqueDelta(Struct, frozen=True, tag=True):
    """State for the next turn (see `messages.Opaque`)."""

    part: Opaque
    index: int = 0


class Finished(Struct, frozen=True, tag=True):
    """A choice has ended, and why."""

    finish: Finish
    index: int = 0


class UsageReported(Struct, frozen=True, tag=True):
    """Tokens so far; the last one counts."""

    usage: Usage


class ModelReported(Struct, frozen=True, tag=True):
    """What the provider calls the model, and its id for this answer."""

    model: str
    id: str = ""
    system_fingerprint: str | None = None


class Retrying(Struct, frozen=True, tag=True):
    """A try failed before anything could be read; another follows after `delay_s`."""

    target: str
    error: str
    delay_s: float


class Restarted(Struct, frozen=True, tag=True):
    """What came so far is void: another target starts from the beginning."""

    target: str
    error: str


class Loading(Struct, frozen=True, tag=True):
    """A cold start: the model is being loaded; `estimated_s` is the provider's guess."""

    target: str
    estimated_s: float | None = None


class Noticed(Struct, frozen=True, tag=True):
    """Something was not done as asked, or done another way."""

    text: str


Delta: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | OpaqueDelta
Event: TypeAlias = Delta | Started | Finished | UsageReported | ModelReported | Retrying | Restarted | Loading | Noticed
