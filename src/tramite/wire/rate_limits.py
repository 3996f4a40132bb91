"""What a response's headers say about limits: how much, how much is left, how long until it is there again.

Pure. Knows the forms (facts A1–A9b), and not what is done about it. Header names are in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import ceil, isfinite, log

from msgspec import Struct

WINDOWS_S = (1.0, 60.0, 3600.0, 86_400.0)
"""The windows that providers have; what is worked out of a reset is one of them, or nothing."""
MINUTE_S = 60.0

_MOST = 1e12
_EPOCH_FROM = 1e8  # a reset from here on is a date in seconds since 1970, not three years from now
_GO_RESOLUTION_S = 0.001
_RFC_3339_RESOLUTION_S = 1.0

_OPENAI = tuple(
    (name, *(f"x-ratelimit-{what}-{name}" for what in ("limit", "remaining", "reset")))
    for name in ("requests", "tokens", "project-tokens")
)
_ANTHROPIC = tuple(
    (name, *(f"anthropic-ratelimit-{name}-{what}" for what in ("limit", "remaining", "reset")))
    for name in ("requests", "tokens", "input-tokens")
)
_PLAIN = tuple(
    ("requests", *(f"{prefix}-{what}" for what in ("limit", "remaining", "reset")))
    for prefix in ("x-ratelimit", "ratelimit")
)
KNOWN = frozenset(row[1] for row in _OPENAI + _ANTHROPIC + _PLAIN) | {"ratelimit-policy"}
"""Where none of these is among the headers, they say nothing of limits."""


class Reading(Struct, frozen=True, kw_only=True):
    """One limit, as a response tells of it."""

    name: str
    """`requests`, `tokens`, or what else the provider calls it."""
    limit: float
    window_s: float
    remaining: float | None = None
    reset_s: float | None = None
    """Until all of it is there again."""
    steady: bool = False
    """It comes back bit by bit; else all at once, when `reset_s` is over."""
    refunds: bool = False
    """Whether what was counted too much is given back when the answer is there."""
    source: str
    """The header that names the limit."""

    @property
    def tokens(self) -> bool:
        """Whether tokens are counted; else requests."""
        return self.name.endswith("tokens")


def read(headers: Mapping[str, str], now: float) -> tuple[Reading, ...]:
    """All that the headers say of limits; `now` is seconds since 1970. What makes no sense is as if it were not there.

    A limit of zero or less is unknown (Azure sends -1).
    """
    if KNOWN.isdisjoint(headers):
        return ()
    return tuple(_openai(headers)) or tuple(_anthropic(headers, now)) or _ietf(headers) or _plain(headers, now)


def _openai(headers: Mapping[str, str]) -> Iterator[Reading]:
    """OpenAI and Azure. A duration tells of a bucket that refills steadily; a plain number, Azure's, of a fixed window.

    Both count a request's estimate when it comes in (facts A1, A2).
    """
    for name, limit_in, remaining_in, reset_in in _OPENAI:
        limit = _limit(headers.get(limit_in))
        if limit is None:
            continue
        remaining = _remaining(headers.get(remaining_in), limit)
        text = headers.get(reset_in, "")
        reset_s = go_duration_s(text)
        steady = reset_s is not None
        if reset_s is None:
            reset_s = _number(text)
            window_s = _window_around(reset_s)
        else:
            window_s = _window_of(limit, remaining, reset_s, _GO_RESOLUTION_S)
        yield Reading(
            name=name,
            limit=limit,
            window_s=window_s,
            remaining=remaining,
            reset_s=reset_s,
            steady=steady,
            source=limit_in,
        )


def _anthropic(headers: Mapping[str, str], now: float) -> Iterator[Reading]:
    """Anthropic: resets are dates, by the clock that also wrote `Date`. `tokens` covers `input-tokens` where both are.

    Buckets refill steadily; the tokens that are left are rounded.
    """
    for name, limit_in, remaining_in, reset_in in _ANTHROPIC:
        limit = _limit(headers.get(limit_in))
        if limit is None or (name == "input-tokens" and _ANTHROPIC[1][1] in headers):
            continue
        remaining = _remaining(headers.get(remaining_in), limit)
        reset_s = _until(headers.get(reset_in), headers.get("date"), now)
        yield Reading(
            name=name,
            limit=limit,
            window_s=_window_of(limit, remaining, reset_s, _RFC_3339_RESOLUTION_S),
            remaining=remaining,
            reset_s=reset_s,
            steady=True,
            refunds=True,
            source=limit_in,
        )


def _ietf(headers: Mapping[str, str]) -> tuple[Reading, ...]:
    """The IETF's draft 09 (draft-ietf-httpapi-ratelimit-headers), as the Hub of Hugging Face sends it."""
    states = dict(_items(headers.get("ratelimit", "")))
    readings: list[Reading] = []
    for name, policy in _items(headers.get("ratelimit-policy", "")):
        state = states.get(name, {})
        limit, window_s = _limit(policy.get("q")), _number(policy.get("w"))
        if limit is None or not window_s:
            continue
        readings.append(
            Reading(
                name="requests" if not readings else f"requests {name}",
                limit=limit,
                window_s=window_s,
                remaining=_remaining(state.get("r"), limit),
                reset_s=_number(state.get("t")),
                source="ratelimit-policy",
            )
        )
    return tuple(readings)


def _plain(headers: Mapping[str, str], now: float) -> tuple[Reading, ...]:
    """Any other server: three headers, the reset in seconds from now or since 1970."""
    for name, limit_in, remaining_in, reset_in in _PLAIN:
        limit = _limit(headers.get(limit_in))
        if limit is None:
            continue
        reset_s = _number(headers.get(reset_in))
        if reset_s is not None and reset_s >= _EPOCH_FROM:
            reset_s = max(0.0, reset_s - now)
        reading = Reading(
            name=name,
            limit=limit,
            window_s=_window_around(reset_s),
            remaining=_remaining(headers.get(remaining_in), limit),
            reset_s=reset_s,
            source=limit_in,
        )
        return (reading,)
    return ()


_GO = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|us|µs|μs|ns|m|s)", re.ASCII)
_GO_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


def go_duration_s(text: str) -> float | None:
    """Seconds of a duration as Go prints it: `6m0s`, `12ms`, `1h2m3.5s`. None for anything else, plain numbers too."""
    seconds, read = 0.0, 0
    for number, unit in _GO.findall(text):
        seconds += float(number) * _GO_UNITS_S[unit]
        read += len(number) + len(unit)
    return seconds if read == len(text) and read else None


def go_duration(seconds: float) -> str:
    """As Go prints a duration: `12ms`, `1s`, `1m30.5s`, `1h0m0s`."""
    ms = ceil(round(seconds * 1000, 3))
    if ms < 1000:
        return f"{ms}ms" if ms else "0s"
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    last = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{hours}h{minutes}m{last}" if hours else f"{minutes}m{last}" if minutes else last


def _window_of(limit: float, remaining: float | None, reset_s: float | None, resolution_s: float) -> float:
    """The window of a bucket that refills steadily: limit * reset / (limit - remaining), to the nearest that exists.

    The last digit of a short reset says little, and one sample in OpenAI's own guide would make it 39 days: then it is
    a minute.
    """
    if remaining is None or reset_s is None or remaining >= limit:
        return MINUTE_S
    used = limit - remaining
    if not (reset_s > 50 * resolution_s or (used >= 0.01 * limit and reset_s >= 5 * resolution_s)):
        return MINUTE_S
    window_s = limit * reset_s / used
    nearest = min(WINDOWS_S, key=lambda known: abs(log(window_s / known)))
    return nearest if 0.5 <= window_s / nearest <= 2 else MINUTE_S


def _window_around(reset_s: float | None) -> float:
    """The window that is counted anew in `reset_s`: a minute, or the shortest that is long enough."""
    return next((known for known in WINDOWS_S[1:] if reset_s is None or reset_s <= known), MINUTE_S)


def _until(text: str | None, date: str | None, now: float) -> float | None:
    """Seconds from the response's own `Date`, else from `now`, to a moment in the form of RFC 3339."""
    if not text:
        return None
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        sent_s = parsedate_to_datetime(date).timestamp() if date else now
        return max(0.0, at.timestamp() - sent_s)
    except (ValueError, OverflowError):
        return None


_ITEM = re.compile(r'("[^"]*"(?:\s*;\s*"[^"]*")*)((?:\s*;\s*[a-z]+=[^;,]*)*)')
_PARAMETER = re.compile(r"([a-z]+)=(\d+)", re.ASCII)


def _items(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each item of a structured header, by its last name: `"fixed window";"api";q=500;w=300`."""
    for names, parameters in _ITEM.findall(text):
        yield names.split('"')[-2], dict(_PARAMETER.findall(parameters))


def _limit(text: str | None) -> float | None:
    limit = _number(text)
    return limit if limit and limit <= _MOST else None


def _remaining(text: str | None, limit: float) -> float | None:
    remaining = _number(text)
    return None if remaining is None else min(remaining, limit)


def _number(text: str | None) -> float | None:
    if not text or "_" in text:  # Python reads 1_0 as ten
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 and isfinite(value) else None
