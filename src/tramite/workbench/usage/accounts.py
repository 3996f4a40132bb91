"""What the ledger says of a stretch of days, read at once; and which entries are asked for. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from tramite.config import Config
from tramite.errors import StoreFailed
from tramite.store.filters import Filter
from tramite.store.reading import Ledger, Sums, open_ledger
from tramite.store.rows import Allowance, Entry, Standing, Texts

Period: TypeAlias = Literal["today", "7", "30", "90", "all"]
PERIODS: tuple[Period, ...] = get_args(Period)
"""Days: today's and those before it."""
Group: TypeAlias = Literal["day", "model", "key"]
GROUPS: tuple[Group, ...] = get_args(Group)

ENDED_WELL = ("ok", "left", "under way", "held", "sent", "released", "charged", "settled", "recorded")
"""Outcomes that are no error; but for the first two they are states, of what has no outcome."""


class Account(Struct, frozen=True, kw_only=True):
    """What there was in one period."""

    whole: Sums | None
    """None: there was nothing."""
    groups: dict[Group, list[Sums]]
    outcomes: list[Sums]
    retried: dict[str, int]
    """How many attempts failed and were followed by another one, by what failed."""


class Page(Struct, frozen=True):
    """Some entries, the newest first; and how many there are in all."""

    entries: list[Entry]
    count: int


@contextmanager
def opened(config: Config) -> Iterator[Ledger | None]:
    """The ledger; None where nothing was kept yet. Raises ConfigError, MissingExtra; StoreFailed while it is read."""
    ledger = open_ledger(config.store.url)
    if ledger is None:
        yield None
        return
    with ledger:
        try:
            yield ledger
        except ledger.errors as error:
            raise StoreFailed(f"the ledger cannot be read: {error}") from error


def since_ns(period: Period, now: datetime | None = None) -> int | None:
    """When a period began: at midnight in UTC; None for one that never did."""
    if period == "all":
        return None
    now = (now or datetime.now(UTC)).astimezone(UTC)
    days = 1 if period == "today" else int(period)
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    return int(begin.timestamp()) * 10**9


def account(ledger: Ledger, since: int | None) -> Account:
    """All there is of what began since then."""
    chosen = Filter(since_ns=since)
    whole = ledger.usage(chosen=chosen)
    if not whole:
        return Account(whole=None, groups={}, outcomes=[], retried={})
    return Account(
        whole=whole[0],
        groups={group: ledger.usage(group, chosen=chosen) for group in GROUPS},
        outcomes=ledger.usage("outcome", chosen=chosen),
        retried=ledger.retried(chosen),
    )


def page(ledger: Ledger, chosen: Filter, number: int, size: int) -> Page:
    """The page of this number (from 1; the last, where there are fewer) of the chosen entries. Raises InvalidCall."""
    count = ledger.count(chosen)
    last = max(0, count - 1) // size
    return Page(ledger.page(chosen, size, min(number - 1, last) * size), count)


def details(ledger: Ledger, entry: Entry) -> Texts | None:
    """What was asked and answered, where it was kept."""
    return ledger.texts(entry.id)


def standings(ledger: Ledger, config: Config) -> list[Standing]:
    """How the configured budgets stand in the windows that are open now."""
    return ledger.standings([Allowance(name, budget.limit) for name, budget in config.budgets.items()])
