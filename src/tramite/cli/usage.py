"""`tramite usage`: what the ledger adds up to, and whether a provider's invoice says the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from . import form, ledgers
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.store.reading import By, Sums

app = form.application(
    invoke_without_command=True,
    help="What was used: requests, errors, tokens, cost and times, added up. Days and hours are UTC. A cost that is "
    "unknown is counted, never taken for nothing.",
    epilog="\b\nExamples:\n  tramite usage\n  tramite usage --by day --by model --since 7d\n"
    "  tramite usage --by key --since 2026-11-01 --csv > november.csv\n  tramite usage reconcile invoice.csv",
)

RECONCILE_EXAMPLES = """
Examples:
  tramite usage reconcile completions_usage_2026-11-01_2026-11-30.csv
  tramite usage reconcile costs.csv --provider mine --tolerance 0.5
"""


@dataclass(frozen=True, kw_only=True)
class Usage(form.Quiet):
    """What `usage` takes."""

    by: Annotated[
        list[str],
        typer.Option(metavar="WHAT", help="model (the default), key, day, hour or outcome. Repeatable."),
    ] = field(default_factory=list)
    since: ledgers.Since = None
    until: ledgers.Until = None
    model: ledgers.Model = None
    key: ledgers.Key = None
    csv: Annotated[bool, typer.Option("--csv", help="The same as CSV, with all columns.")] = False
    json: form.Json = False


@form.callback(app, Usage)
def usage(given: Usage) -> None:
    from tramite import config
    from tramite.errors import InvalidCall
    from tramite.store.filters import Filter

    terminal = Terminal(given.quiet)
    if given.csv and given.json:
        raise InvalidCall("--csv and --json are two forms: ask for one of them")
    chosen = Filter(
        since_ns=ledgers.moment(given.since, "--since"),
        until_ns=ledgers.moment(given.until, "--until"),
        model=given.model,
        key=given.key,
    )
    by = _by(given.by)
    with ledgers.opened(config.load(), terminal) as ledger:
        if ledger is None:
            return
        sums = ledger.usage(*by, chosen=chosen)
        if given.csv or given.json:
            _write([_object(by, one) for one in sums], terminal, as_csv=given.csv)
            return
        if not sums:
            terminal.note("there is no such entry in the ledger")
            return
        table([*by, "requests", "errors", "in", "out", "cost", "first token", "total"], map(_row, sums))
        if terminal.live and len(sums) > 1:
            [everything] = ledger.usage(chosen=chosen)
            terminal.note(
                f"in all: {everything.requests:,} requests, {everything.errors:,} failed tries, {_cost(everything)}"
            )


def _by(words: Sequence[str]) -> tuple[By, ...]:
    from tramite.errors import InvalidCall
    from tramite.store.reading import By

    known: tuple[By, ...] = get_args(By)
    for word in words:
        if word not in known:
            raise InvalidCall(f"--by takes {', '.join(known)}, got {word!r}", "by")
    return tuple(one for word in dict.fromkeys(words) for one in known if one == word) or ("model",)


def _row(one: Sums) -> list[str]:
    from . import facts

    return [
        *one.group,
        f"{one.requests:,}",
        f"{one.errors:,}",
        facts.count(one.input_tokens),
        facts.count(one.output_tokens),
        _cost(one),
        _times(one.first_token_p50_s, one.first_token_p95_s),
        _times(one.total_p50_s, one.total_p95_s),
    ]


def _cost(one: Sums) -> str:
    """Dollars, and how often nobody knows how many."""
    from . import facts

    known = facts.dollars(one.cost_nanousd) if one.cost_nanousd is not None else ""
    unknown = f"{one.unknown_cost:,} unknown" if one.unknown_cost else ""
    return " + ".join(part for part in (known, unknown) if part)


def _times(p50_s: float | None, p95_s: float | None) -> str:
    """The median and the 95th percentile."""
    return "" if p50_s is None or p95_s is None else f"{p50_s:.2f} / {p95_s:.2f} s"


def _object(by: Sequence[str], one: Sums) -> dict[str, Any]:
    import msgspec

    told = msgspec.to_builtins(one)
    cost = one.cost_nanousd
    return {
        **dict(zip(by, told.pop("group"), strict=True)),
        **told,
        "cost": None if cost is None else cost / 1e9,
    }


def _write(rows: list[dict[str, Any]], terminal: Terminal, as_csv: bool) -> None:
    from . import facts

    if not as_csv:
        terminal.line(facts.json_text(rows))
    elif rows:
        import csv

        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@dataclass(frozen=True, kw_only=True)
class Reconcile(form.Quiet):
    """What `usage reconcile` takes."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="The provider's usage or cost export, as CSV.")]
    provider: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose it is; without it, what the file's form tells, else all providers."),
    ] = None
    tolerance: Annotated[float, typer.Option(metavar="PERCENT", help="The difference that is no difference.")] = 1.0
    json: form.Json = False


@form.command(app, Reconcile, RECONCILE_EXAMPLES)
def reconcile(given: Reconcile) -> None:
    """Hold the ledger against a provider's invoice, day by day and model by model, and show where they differ.

    OpenAI's and Anthropic's usage and cost exports are known, and any table with the columns date, model, input_tokens,
    output_tokens, cost. Exits with 1 where anything differs by more than the tolerance, or is on one side alone.
    """
    from tramite import config

    from . import facts, reconciling
    from .failures import FAILURE

    terminal = Terminal(given.quiet)
    invoice = reconciling.read(given.file)
    with ledgers.opened(config.load(), terminal) as ledger:
        lines = reconciling.compared(ledger, invoice, given.provider)
    apart = [line for line in lines if line.difference > given.tolerance / 100]
    if given.json:
        terminal.line(facts.json_text(list(map(reconciling.as_object, lines))))
    elif apart:
        reconciling.show(apart)
    unknown = sum(line.unknown_cost for line in lines)
    if unknown:
        terminal.warn(f"the ledger does not know what {unknown:,} tries cost: where they are, costs are not compared")
    agree = f"{len(lines) - len(apart):,} of {len(lines):,} agree within {given.tolerance:g} %"
    terminal.note(f"{agree}, from {invoice.days[0]} to {invoice.days[1]} (UTC)")
    if apart:
        raise typer.Exit(FAILURE)
