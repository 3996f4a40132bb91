"""What a key may do, as people write it and as it is kept: `50/month`, `azure/*`, `90d`. Asks no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, TypeVar

from msgspec import Struct

from tramite.config import Budget, Limits, money
from tramite.config.rules import NAMED, Rule
from tramite.errors import InvalidCall

from .keys import Key, Terms
from .rows import Standing

T = TypeVar("T")

MOST_ENTRIES = 64
"""Patterns or networks of one key: each is looked at in every request."""
EXPIRY = "a time from now such as 12h, 90d or 4w, or a day or moment to come such as 2027-06-30"
_PATTERN = re.compile(r"(?=[^*]*(?:\*[^*]*){0,4}$)[^\s?\[\]\\\x00-\x1f\x7f]{1,200}")
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LAST_NS = int(datetime(2262, 1, 1, tzinfo=UTC).timestamp()) * 10**9
"""In that year the nanoseconds end that a database keeps."""


class Written(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The terms of a key in words and numbers."""

    models: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    limits: Mapping[str, float] = {}
    """By the names that they have in the configuration."""
    budget: tuple[str, ...] = ()
    """Amounts such as `50/month`, all of which hold."""
    max_output_tokens: int | None = None
    """What is sent along under a budget where a request names no `max_tokens`."""
    expires: str | None = None


def read(written: Written, now_ns: int) -> Terms:
    """The terms that are meant. Raises InvalidCall, which names the field."""
    expires_ns = None
    if written.expires is not None:
        expires_ns = _accepted("expires", written.expires, EXPIRY, lambda text: _moment_ns(text, now_ns))
    limits = {name: _ruled(name, value, NAMED["limits"].get(name)) for name, value in written.limits.items()}
    return Terms(
        models=_each("models", written.models, _pattern, "a route, or provider/model, with up to four * for any text"),
        addresses=_each("addresses", written.addresses, _network, "a network such as 10.0.0.0/8, or one address"),
        limits=Limits(**limits) if limits else None,
        budget=_budget(written),
        expires_ns=expires_ns,
    )


def write(terms: Terms) -> Written:
    """The other way round."""
    limits, budget = terms.limits, terms.budget
    values = {name: getattr(limits, name) for name in Limits.__struct_fields__} if limits else {}
    return Written(
        models=terms.models,
        addresses=terms.addresses,
        limits={name: value for name, value in values.items() if value is not None},
        budget=tuple(money.written(cap.nanousd, cap.per) for cap in budget.limit) if budget else (),
        max_output_tokens=budget.max_output_tokens if budget else None,
        expires=moment(terms.expires_ns),
    )


def span_s(text: str, field: str) -> float:
    """A length of time as it is written, such as `30m`, in seconds. Raises InvalidCall."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise InvalidCall(f"{field} takes a time such as 30m, 24h, 7d or 2w; got {text[:80]!r}", field)
    return float(int(found[1]) * _UNITS_S[found[2]])


def told(key: Key, now_ns: int, standings: Sequence[Standing] = ()) -> dict[str, Any]:
    """All that may be said of a key, as one object; what is unknown or unrestricted is null or empty."""
    written = write(key.terms)
    return {
        "id": key.id,
        "name": key.name,
        "state": key.state(now_ns),
        **{name: getattr(written, name) for name in Written.__struct_fields__},
        "spent": [
            {
                "cap": money.written(one.cap.nanousd, one.cap.per),
                "spent_nanousd": one.spent_nanousd,
                "held_nanousd": one.held_nanousd,
                "left_nanousd": one.left_nanousd,
            }
            for one in standings
        ],
        "created": moment(key.created_ns),
        "last_used": moment(key.used_ns),
        "revoked": moment(key.revoked_ns),
        "old_secret_until": moment(key.old_until_ns),
    }


def moment(at_ns: int | None) -> str | None:
    """A moment in UTC, to the second."""
    if at_ns is None:
        return None
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _budget(written: Written) -> Budget | None:
    if not written.budget:
        if written.max_output_tokens is not None:
            raise InvalidCall("max_output_tokens belongs to a budget, and there is none", "max_output_tokens")
        return None
    caps = _ruled("budget", written.budget, NAMED["budgets"]["limit"])
    if written.max_output_tokens is None:
        return Budget(limit=caps)
    most = _ruled("max_output_tokens", written.max_output_tokens, NAMED["budgets"]["max_output_tokens"])
    return Budget(limit=caps, max_output_tokens=most)


def _ruled(field: str, value: Any, rule: Rule | None) -> Any:
    """What the configuration takes of the same name, and in the same words."""
    if rule is None:
        raise InvalidCall(f"there is no limit {field:.40}; there are {', '.join(NAMED['limits'])}", "limits")
    return _accepted(field, value, rule.expected, rule.accept)


def _each(field: str, texts: tuple[str, ...], accept: Callable[[str], str], expected: str) -> tuple[str, ...]:
    if len(texts) > MOST_ENTRIES:
        raise InvalidCall(f"{field} takes at most {MOST_ENTRIES} entries, got {len(texts)}", field)
    return tuple(dict.fromkeys(_accepted(field, text, expected, accept) for text in texts))


def _accepted(field: str, value: Any, expected: str, accept: Callable[[Any], T]) -> T:
    try:
        return accept(value)
    except (ValueError, OverflowError):
        raise InvalidCall(f"{field} takes {expected}; got {str(value)[:80]!r}", field) from None


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError
    return text


def _network(text: str) -> str:
    return str(ip_network(text.strip()))


def _moment_ns(text: str, now_ns: int) -> int:
    text = text.strip()
    if found := _SPAN.fullmatch(text):
        at_ns = now_ns + int(found[1]) * _UNITS_S[found[2]] * 10**9
    else:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at_ns = int(at.timestamp()) * 10**9
    if at_ns <= now_ns:
        raise ValueError
    return min(at_ns, _LAST_NS)
