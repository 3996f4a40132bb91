"""What a transaction decides: which holds are placed, what is charged. Plain state, no I/O; the caller brings the time.

Each window's sums are those of its rows: whatever changes a row moves the difference, in one place (`_write`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from tramite.config.money import dollars, written
from tramite.errors import BudgetExceeded

from . import windows
from .rows import Allowance, Entry, Standing
from .windows import NS, Window


class Sums(Struct):
    """What was spent in a window, and what is held; in billionths of a dollar."""

    spent_nanousd: int = 0
    held_nanousd: int = 0


class Books:
    """The rows and windows that a transaction is about. `changed` and `moved` are what it must write back."""

    def __init__(self, now_ns: int, rows: Iterable[Entry], sums: dict[Window, Sums]) -> None:
        self.now_ns = now_ns
        self.changed: dict[str, Entry] = {}
        self.moved: set[Window] = set()
        self.sums = sums
        self._rows = {row.id: row for row in rows}

    def sweep(self) -> None:
        """End the holds whose lease has run out: what was not sent is released, what may have been is charged."""
        for row in list(self._rows.values()):
            if row.lease_expires_ns is None or row.lease_expires_ns > self.now_ns:
                continue
            if row.state == "held":
                self._release(row)
            else:
                cost = row.held_nanousd if row.windows else None
                self._write(replace(row, state="charged", cost_nanousd=cost, lease_expires_ns=None, maybe_billed=True))

    def place(self, entry: Entry, held_nanousd: int, budgets: Sequence[Allowance], lease_s: float, sent: bool) -> None:
        """Reserve the money, or mark as sent what it was reserved for. Raises BudgetExceeded."""
        state, lease_ns = ("sent" if sent else "held"), self.now_ns + int(lease_s * NS)
        row = self._rows.get(entry.id)
        if row is None or row.state == "released":
            self._check(budgets, held_nanousd)
            within = windows.written(windows_of(budgets, self.now_ns))
            self._write(
                replace(entry, state=state, held_nanousd=held_nanousd, lease_expires_ns=lease_ns, windows=within)
            )
        elif row.state == "held" and sent:
            self._write(replace(row, state="sent", lease_expires_ns=lease_ns))

    def settle(self, entry: Entry) -> None:
        """How an attempt ended. What it cost is charged where it was held; the truth also corrects what was guessed
        when its lease ran out. An unknown cost is the whole hold."""
        row = self._rows.get(entry.id)
        if row is None:
            self._write(replace(entry, state="recorded", held_nanousd=None, lease_expires_ns=None, windows=None))
        elif row.state not in ("settled", "recorded"):
            guess = row.held_nanousd or None if row.windows and entry.cost_nanousd is None else None
            self._write(
                replace(
                    entry,
                    state="settled" if guess is None else "charged",
                    cost_nanousd=entry.cost_nanousd if guess is None else guess,
                    maybe_billed=entry.maybe_billed or guess is not None,
                    held_nanousd=row.held_nanousd,
                    lease_expires_ns=None,
                    windows=row.windows,
                )
            )

    def release(self, attempt_id: str) -> None:
        """It was never sent: give the money back, also where its lease had run out."""
        row = self._rows.get(attempt_id)
        if row is not None and row.state in ("held", "sent", "charged"):
            self._release(row)

    def standings(self, budgets: Iterable[Allowance]) -> list[Standing]:
        """How each cap stands."""
        found = []
        for budget in budgets:
            for cap in budget.caps:
                start_ns, ends_ns = windows.span(cap.per, self.now_ns)
                sums = self.sums[budget.name, cap.per, start_ns]
                found.append(Standing(budget.name, cap, sums.spent_nanousd, sums.held_nanousd, ends_ns))
        return found

    def _check(self, budgets: Iterable[Allowance], wanted: int) -> None:
        """All or none: whoever is refused by one cap takes nothing from the others."""
        full = [
            standing
            for standing in self.standings(budgets)
            if standing.spent_nanousd + standing.held_nanousd + wanted > standing.cap.nanousd
        ]
        if full:
            worst = max(full, key=lambda standing: _free_ns(standing, wanted))
            raise _refusal(worst, wanted, self.now_ns)

    def _release(self, row: Entry) -> None:
        self._write(replace(row, state="released", cost_nanousd=0, lease_expires_ns=None, maybe_billed=False))

    def _write(self, row: Entry) -> None:
        for sign, version in ((-1, self._rows.get(row.id)), (1, row)):
            if version is None:
                continue
            held, spent = _stake(version)
            for window in windows.read(version.windows):
                sums = self.sums[window]
                sums.held_nanousd += sign * held
                sums.spent_nanousd += sign * spent
                self.moved.add(window)
        self._rows[row.id] = self.changed[row.id] = row


def windows_of(budgets: Iterable[Allowance], now_ns: int) -> tuple[Window, ...]:
    """The windows that a hold of these budgets is in, each once."""
    found = [(budget.name, cap.per, windows.span(cap.per, now_ns)[0]) for budget in budgets for cap in budget.caps]
    return tuple(dict.fromkeys(found))


def _stake(row: Entry) -> tuple[int, int]:
    """What a row has in each of its windows: held and spent."""
    if row.state in ("held", "sent"):
        return row.held_nanousd or 0, 0
    return 0, row.cost_nanousd or 0


def _free_ns(standing: Standing, wanted: int) -> float:
    """When there is money again for this much."""
    if standing.ends_ns is None or wanted > standing.cap.nanousd:
        return math.inf
    return standing.ends_ns


def _refusal(standing: Standing, wanted: int, now_ns: int) -> BudgetExceeded:
    cap, free_ns = standing.cap, _free_ns(standing, wanted)
    if wanted > cap.nanousd:
        advice = "that is more than all of it: lower max_tokens, or raise the budget"
    elif standing.ends_ns is None:
        advice = "raise the budget, or wait for the requests under way to cost less than is held for them"
    else:
        advice = f"the next {cap.per} begins at {datetime.fromtimestamp(standing.ends_ns / NS, UTC):%Y-%m-%d %H:%M} UTC"
    return BudgetExceeded(
        f"the budget {standing.budget!r} ({written(cap.nanousd, cap.per)}) would be passed: "
        f"${dollars(standing.spent_nanousd)} spent, ${dollars(standing.held_nanousd)} held for requests under way, "
        f"and this one may cost ${dollars(wanted)}; {advice}",
        budget=standing.budget,
        retry_after_s=None if free_ns == math.inf else (free_ns - now_ns) / NS,
    )
