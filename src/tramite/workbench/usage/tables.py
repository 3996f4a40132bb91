"""Sums, limits and budgets as rows of tables, in the reader's words. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from tramite.pipeline.limits.counted import Counted, Used
from tramite.store.reading import Sums
from tramite.store.rows import Entry, Standing
from tramite.workbench.language import Words

from .accounts import ENDED_WELL, Account, Group
from .export import moment

Row = dict[str, Any]
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def sums(group: Group, found: Sequence[Sums], t: Words) -> list[Row]:
    """One row for each day, model or key; days the newest first, the others the dearest first."""
    ordered = (
        reversed(found)
        if group == "day"
        else sorted(found, key=lambda one: (-(one.cost_nanousd or 0), -one.requests, one.group))
    )
    rows = [
        {
            t(f"usage.{group}"): one.group[0] or t("usage.nobody"),
            t("usage.cost"): dollars(one.cost_nanousd),
            t("usage.unknown"): one.unknown_cost,
            t("usage.requests"): one.requests,
            t("usage.errors"): one.errors,
            t("usage.input"): one.input_tokens,
            t("usage.output"): one.output_tokens,
            t("usage.cached"): one.cached_tokens,
            t("usage.reasoning"): one.reasoning_tokens,
        }
        for one in ordered
    ]
    seldom = (t("usage.cached"), t("usage.reasoning"))
    unheard = [name for name in seldom if all(row[name] is None for row in rows)]
    return [{name: value for name, value in row.items() if name not in unheard} for row in rows]


def times(found: Sequence[Sums], t: Words) -> list[Row]:
    """Percentiles of each model that has answered, the busiest first."""
    return [
        {
            t("usage.model"): one.group[0],
            f"{t('usage.first_token')} p50": one.first_token_p50_s,
            f"{t('usage.first_token')} p95": one.first_token_p95_s,
            f"{t('usage.total')} p50": one.total_p50_s,
            f"{t('usage.total')} p95": one.total_p95_s,
            t("usage.requests"): one.requests,
        }
        for one in sorted(found, key=lambda one: -one.requests)
        if one.total_p50_s is not None or one.first_token_p50_s is not None
    ]


def causes(found: Account, t: Words) -> list[Row]:
    """Errors by what they were, the commonest first, and how many of them were tried again."""
    failed = [one for one in found.outcomes if one.group[0] not in ENDED_WELL]
    return [
        {
            t("usage.cause"): one.group[0],
            t("usage.errors"): one.attempts,
            t("usage.retried"): found.retried.get(one.group[0], 0),
        }
        for one in sorted(failed, key=lambda one: -one.attempts)
    ]


def limits(found: Iterable[Counted], t: Words) -> list[Row]:
    """One row for each limit, and for each bucket that a throttle keeps closed."""
    return [row for bucket in found for row in _bucket(bucket, t)]


def budgets(found: Iterable[Standing], t: Words) -> list[Row]:
    """One row for each cap of each budget."""
    return [
        {
            t("usage.budget"): one.budget,
            t("usage.per"): t(f"usage.per_{one.cap.per}"),
            t("usage.left"): dollars(one.left_nanousd),
            t("usage.cap"): dollars(one.cap.nanousd),
            t("usage.spent"): dollars(one.spent_nanousd),
            t("usage.held"): dollars(one.held_nanousd),
            t("usage.ends"): _minute(one.ends_ns) if one.ends_ns is not None else "–",
        }
        for one in found
    ]


def entries(found: Iterable[Entry], t: Words) -> list[Row]:
    """One row for each attempt."""
    return [
        {
            t("usage.time"): moment(one.at_ns).replace("T", " ").rstrip("Z"),
            t("usage.model"): f"{one.provider}/{one.model}",
            t("usage.outcome"): outcome(one, t),
            t("usage.input"): one.input_tokens,
            t("usage.output"): one.output_tokens,
            t("usage.cost"): dollars(one.cost_nanousd),
            t("usage.seconds"): one.total_s,
            t("usage.key"): one.key,
            t("usage.error"): " ".join((one.error or "").split()),
        }
        for one in found
    ]


def outcome(entry: Entry, t: Words) -> str:
    """How it ended, in the ledger's own words."""
    return t("usage.under_way") if entry.state in ("held", "sent") else entry.outcome or entry.state


def dollars(nanousd: int | None) -> float | None:
    """An amount as tables take it; None is unknown."""
    return None if nanousd is None else nanousd / 1e9


def time(seconds: float) -> str:
    """A length of time in its largest unit: `12 s`, `3 min`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"


def _bucket(bucket: Counted, t: Words) -> Iterator[Row]:
    names = [t(f"usage.limit_{name}") for name in ("bucket", "limit", "most", "full", "now", "source")]
    for used in bucket.limits:
        values = (bucket.name, used.limit, _most(used, t), min(1.0, used.full), _now(used, t), _says(used, t))
        yield dict(zip(names, values, strict=True))
    if bucket.closed_s:
        closed = t("usage.closed", time=time(bucket.closed_s))
        yield dict(zip(names, (bucket.name, "", "", 1.0, closed, ""), strict=True))


def _most(used: Used, t: Words) -> str:
    most = f"{used.most:,.10g}"
    return t("usage.at_once", most=most) if used.window_s is None else f"{most} / {time(used.window_s)}"


def _now(used: Used, t: Words) -> str:
    words = []
    if used.used is not None:
        words.append(f"{used.used:,} {t('usage.in_flight') if used.window_s is None else t('usage.used')}")
    if used.wait_s:
        words.append(t("usage.next_in", time=time(used.wait_s)))
    return ", ".join(words)


def _says(used: Used, t: Words) -> str:
    if used.told_ago_s is None:
        return used.source
    return t("usage.told", source=used.source, time=time(used.told_ago_s))


def _minute(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
