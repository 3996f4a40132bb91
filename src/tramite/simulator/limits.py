"""The limits a simulated provider keeps, in fixed windows of its own. Plain state: the caller brings the time.

They are kept as real providers do: a request is counted when it comes in, a refused one too (its tokens are not);
tokens are estimated then; a minute's requests are also kept within shorter windows. What the headers say is the other
picture that providers give, a bucket that refills steadily (facts A1: rate = (limit - remaining) / reset).
"""

from __future__ import annotations

import math

from msgspec import Struct

from tramite.errors import Throttled
from tramite.wire.rate_limits import go_duration

from .options import Options


class Window:
    """At most `most` in each stretch of `length_s`, counted anew when the next one begins."""

    __slots__ = ("length_s", "most", "number", "used")

    def __init__(self, most: float, length_s: float) -> None:
        self.most = most
        self.length_s = length_s
        self.number = -1
        self.used = 0.0

    def take(self, amount: float, now: float, count_refused: bool) -> float:
        """Count it in. Returns 0 when it fits, else the seconds until the next window."""
        number = math.floor(now / self.length_s)
        if number != self.number:
            self.number, self.used = number, 0.0
        fits = self.used + amount <= self.most
        if fits or count_refused:
            self.used += amount
        return 0.0 if fits else (number + 1) * self.length_s - now


class Bucket:
    """What the headers tell: how much is left of a minute's worth that refills steadily."""

    __slots__ = ("at", "most", "used")

    def __init__(self, most: float) -> None:
        self.most = most
        self.used = 0.0
        self.at = 0.0

    def take(self, amount: float, now: float) -> None:
        """Count it in, up to empty."""
        self.used = max(0.0, self.used - (now - self.at) * self.most / 60.0)
        self.used = min(self.most, self.used + amount)
        self.at = now

    def headers(self, what: str) -> dict[str, str]:
        """In OpenAI's form: the reset is the time until nothing is used any more, as a Go duration."""
        return {
            f"x-ratelimit-limit-{what}": str(int(self.most)),
            f"x-ratelimit-remaining-{what}": str(int(self.most - self.used)),
            f"x-ratelimit-reset-{what}": go_duration(self.used / self.most * 60.0),
        }


class Verdict(Struct):
    """Whether a request may come in: `refused` is the error to answer with; the headers go out either way."""

    headers: dict[str, str]
    refused: Throttled | None = None
    by: str = ""


class Limits:
    """RPS, RPM and TPM of one simulated provider."""

    def __init__(self, options: Options) -> None:
        self._windows: list[tuple[str, str, Window]] = []
        self._requests = Bucket(options.rpm) if options.rpm else None
        self._tokens = Bucket(options.tpm) if options.tpm else None
        if options.rps:
            self._windows.append(("rps", "requests per second", Window(options.rps, 1.0)))
        if options.rpm:
            share = math.ceil(options.rpm * options.window_s / 60.0)
            self._windows.append(("rpm", "requests per min", Window(share, options.window_s)))
            self._windows.append(("rpm", "requests per min", Window(options.rpm, 60.0)))
        if options.tpm:
            self._windows.append(("tpm", "tokens per min", Window(options.tpm, 60.0)))

    def admit(self, model: str, tokens: int, now: float) -> Verdict:
        """Count a request of this estimated size, and judge it."""
        if not self._windows:
            return Verdict({})
        wait, refused = 0.0, self._windows[0]
        for limit in self._windows:
            if limit[0] == "tpm":
                over = 0.0 if wait else limit[2].take(tokens, now, count_refused=False)
            else:
                over = limit[2].take(1, now, count_refused=True)
            if over > wait:
                wait, refused = over, limit
        headers: dict[str, str] = {}
        if self._requests is not None:
            self._requests.take(1, now)
            headers |= self._requests.headers("requests")
        if self._tokens is not None:
            self._tokens.take(0 if wait else tokens, now)
            headers |= self._tokens.headers("tokens")
        if not wait:
            return Verdict(headers)
        error = _throttled(model, refused, tokens, wait)
        return Verdict(headers | wait_headers(wait), error, refused[0])


def _throttled(model: str, refused: tuple[str, str, Window], tokens: int, wait_s: float) -> Throttled:
    """OpenAI's words for a 429."""
    name, words, window = refused
    kind, asked = ("tokens", tokens) if name == "tpm" else ("requests", 1)
    where = f"for {model} on {words} ({name.upper()})"
    if asked > window.most:
        message = f"Request too large {where}: Limit {window.most:g}, Requested {asked}."
    else:
        message = (
            f"Rate limit reached {where}: Limit {window.most:g}, Used {min(window.used, window.most):g}, "
            f"Requested {asked}. Please try again in {go_duration(wait_s)}."
        )
    return Throttled(message, status=429, type=kind, code="rate_limit_exceeded", retry_after_s=wait_s)


def wait_headers(wait_s: float) -> dict[str, str]:
    """How long to wait: whole seconds, rounded up, and milliseconds."""
    return {
        "retry-after": str(math.ceil(wait_s)),
        "retry-after-ms": str(math.ceil(wait_s * 1000)),
    }


class ColdStart:
    """A model that is loaded by the first request for it, and put away when nobody asks."""

    def __init__(self, options: Options) -> None:
        self._load_s = options.cold_start_s
        self._idle_s = options.idle_s
        self._warm_at: float | None = None
        self._last = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until the model is there; asking starts the loading."""
        if not self._load_s:
            return 0.0
        if self._warm_at is None or now - max(self._last, self._warm_at) > self._idle_s:
            self._warm_at = now + self._load_s
        self._last = now
        return max(0.0, self._warm_at - now)
