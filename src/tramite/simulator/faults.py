"""What a simulated model can do wrong, or on purpose: one small type each. Knows neither dialects nor sockets.

The name of the model says which (`grammar.py` reads it). `at` counts tokens of one choice; times are seconds.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct, field

Count: TypeAlias = Annotated[int, Meta(ge=0)]
OneOrMore: TypeAlias = Annotated[int, Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
FaultStatus: TypeAlias = Annotated[int, Meta(ge=400, le=599)]


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One word of a model's name. `main` is the option that may stand without its name."""

    main: ClassVar[str] = ""


class Manner(Item, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How it answers, when nothing is wrong."""


class Fault(Item, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that goes wrong; with `times`, only for the first so many requests of a client for this model."""

    times: OneOrMore | None = None


class When(Item, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which requests the faults of the same name are for; without any, they get a 500."""


# Manners


class Ok(Manner, frozen=True):
    """Answers with counted words."""


class Echo(Manner, frozen=True):
    """Repeats the last user message."""


class RepeatPrompt(Manner, frozen=True):
    """Says a completion's prompt before what continues it, although nobody asked for it."""


class Prefill(Manner, frozen=True):
    """Continues a trailing assistant message exactly where it stops."""


class Tools(Manner, frozen=True):
    """Asks for the first tool offered, with arguments made from its schema, until `rounds` results are there."""

    main = "rounds"
    rounds: OneOrMore = 1


class Json(Manner, frozen=True):
    """Answers something valid for the response format's schema, but broken JSON for the first `broken` requests."""

    main = "broken"
    broken: Count = 0


class Refusal(Manner, frozen=True):
    """Refuses, in the model's own words."""


class Reasoning(Manner, frozen=True):
    """Shows `tokens` tokens of thinking before it answers."""

    main = "tokens"
    tokens: OneOrMore = 8


class Length(Manner, frozen=True):
    """Stops at the length, in the middle of its answer."""


class Tokens(Manner, frozen=True):
    """How many tokens the answer has."""

    main = "n"
    n: Count


class Comments(Manner, frozen=True):
    """Sends a comment line every so many seconds while a stream waits."""

    main = "every_s"
    every_s: Annotated[float, Meta(gt=0)] = field(name="every")


class Name(Manner, frozen=True):
    """A name of your own, which makes the model another one for counts, limits and `times`."""

    main = "name"
    name: str


# When


class Flaky(When, frozen=True):
    """Of all requests, this share fails: which ones, is decided by the seed and the request's number."""

    main = "share"
    share: Annotated[float, Meta(ge=0, le=1)]


class Alternate(When, frozen=True):
    """Every second request fails: the second, the fourth …"""


# Faults before the answer


class Status(Fault, frozen=True):
    """Answers with this status."""

    status: FaultStatus
    retry_after_s: Seconds | None = field(default=None, name="retry-after")
    loading_s: Seconds | None = field(default=None, name="loading")
    should_retry: bool | None = field(default=None, name="should-retry")


class Quota(Fault, frozen=True):
    """429: the money has run out."""


class Auth(Fault, frozen=True):
    """401."""


class NotFound(Fault, frozen=True):
    """404 for the model."""


class Context(Fault, frozen=True):
    """400: the prompt does not fit in the context window."""


class Filter(Fault, frozen=True):
    """400 from the content filter; with `at`, the filter ends the answer after so many tokens."""

    at: Count | None = None


class NoPrefill(Fault, frozen=True):
    """400 for a trailing assistant message."""


class Reset(Fault, frozen=True):
    """Resets the connection before any answer."""


class Silent(Fault, frozen=True):
    """Takes the request and never answers."""


class Html(Fault, frozen=True):
    """An HTML page, as from a proxy on the way."""

    main = "status"
    status: Annotated[int, Meta(ge=200, le=599)] = 200


class Empty(Fault, frozen=True):
    """200 and an empty body."""


class WrongType(Fault, frozen=True):
    """200 with plain text that is no answer."""


# Faults within the answer


class SlowFirstToken(Fault, frozen=True):
    """The head comes at once, the first token late."""

    main = "for_s"
    for_s: Seconds = field(name="for")


class Cut(Fault, frozen=True):
    """Closes the connection after so many tokens, with no finish. Of a whole reply, half is sent."""

    at: Count


class Stall(Fault, frozen=True):
    """Falls silent after so many tokens, for so long (without a time, for ever), then goes on."""

    main = "for_s"
    at: Count
    for_s: Seconds | None = field(default=None, name="for")


class Malformed(Fault, frozen=True):
    """The frame after so many tokens is broken JSON."""

    at: Count


class BadUtf8(Fault, frozen=True):
    """The frame after so many tokens is not UTF-8."""

    at: Count


class ErrorFrame(Fault, frozen=True):
    """An error frame after so many tokens, then the end of the stream. Of a whole reply: the error under a 200."""

    at: Count


class NoDone(Fault, frozen=True):
    """All frames and the finish, but not the dialect's end marker."""


class NoFinish(Fault, frozen=True):
    """All frames and the end marker, but no finish reason."""


KNOWN: dict[str, type[Item]] = {
    "ok": Ok,
    "echo": Echo,
    "repeat-prompt": RepeatPrompt,
    "prefill": Prefill,
    "tools": Tools,
    "json": Json,
    "refusal": Refusal,
    "reasoning": Reasoning,
    "length": Length,
    "tokens": Tokens,
    "comments": Comments,
    "name": Name,
    "flaky": Flaky,
    "alternate": Alternate,
    "quota": Quota,
    "auth": Auth,
    "notfound": NotFound,
    "context": Context,
    "filter": Filter,
    "no-prefill": NoPrefill,
    "reset": Reset,
    "silent": Silent,
    "html": Html,
    "empty": Empty,
    "wrongtype": WrongType,
    "slow-first-token": SlowFirstToken,
    "cut": Cut,
    "stall": Stall,
    "malformed": Malformed,
    "badutf8": BadUtf8,
    "error": ErrorFrame,
    "no-done": NoDone,
    "no-finish": NoFinish,
}
"""By their names; besides, any number from 400 to 599 is a `Status`."""
