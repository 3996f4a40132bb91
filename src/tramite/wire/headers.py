"""What a response's headers say about asking again, and which request it was. Knows no provider and no dialect.

Header names are in lower case, as `Response.headers` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isfinite

NOTICES = "x-tramite-notices"
"""Ours, of models in this process and of a gateway: no dialect has a word for what was not done as asked."""
_MOST_NOTICES = 20
_LONGEST_NOTICE = 500

_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-generation-id",
    "cf-ray",  # of the proxy before the provider: better than nothing
)
_SOME_ID = frozenset(_REQUEST_IDS)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that the server asks to wait; `now` is seconds since 1970, for a date. None when it says nothing.

    `retry-after-ms` (OpenAI, Azure) is finer than `Retry-After` (RFC 9110, 10.2.3) and goes first, but its 0 loses to a
    positive `Retry-After`: Azure sends `retry-after: 1` beside `retry-after-ms: 0`. What is negative, past or not a
    number says nothing.
    """
    millis = _number(headers.get("retry-after-ms"))
    if millis:
        return millis / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None and text is not None:
        seconds = _until(text, now)
    return millis if seconds is None else seconds


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """What `x-should-retry` says (OpenAI, Anthropic); it outranks the status. None when it says nothing."""
    match headers.get("x-should-retry", "").strip().lower():
        case "true":
            return True
        case "false":
            return False
    return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """The name under which the provider's support can find the request."""
    if _SOME_ID.isdisjoint(headers):
        return None
    return next((found for name in _REQUEST_IDS if (found := headers.get(name))), None)


def join_notices(notices: Iterable[str]) -> str:
    """Notices as one header value, in ASCII."""
    return ",".join(_quoted(notice) for notice in notices)


def notices(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What the other side says was not done as asked: at most 20 notices, of at most 500 characters each."""
    said = headers.get(NOTICES)
    if not said:
        return ()
    return tuple(_unquoted(notice)[:_LONGEST_NOTICE] for notice in said.split(",")[:_MOST_NOTICES])


# As urllib.parse does, which may not be imported here: dialects read headers, and import nothing that can do I/O.
_SPECIAL = re.compile(rb"[^A-Za-z0-9_.~ /:='()-]")
_QUOTED = re.compile(rb"%([0-9A-Fa-f]{2})")


def _quoted(text: str) -> str:
    return _SPECIAL.sub(lambda found: b"%%%02X" % found[0][0], text.encode()).decode("ascii")


def _unquoted(text: str) -> str:
    raw = _QUOTED.sub(lambda found: bytes([int(found[1], 16)]), text.encode(errors="replace"))
    return raw.decode(errors="replace")


def _number(text: str | None) -> float | None:
    if text is None or "_" in text:  # Python reads 1_0 as ten
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 and isfinite(value) else None


def _until(text: str, now: float) -> float | None:
    """Seconds from `now` to an HTTP date, in any of its three forms; they are all in GMT."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        left = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return left if left >= 0 else None
