"""`tramite logs`: what was asked, of whom, how it ended, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import form, ledgers
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.store.reading import Ledger
    from tramite.store.rows import Entry

app = form.application()

EXAMPLES = """
Examples:
  tramite logs
  tramite logs --errors --since 2h
  tramite logs --search Firenze --texts       where texts are kept: [store] keep_text = true
  tramite logs -n 0 --since 2026-11-01 --json > november.jsonl
"""

HEADS = ["time (UTC)", "model", "outcome", "in", "out", "cost", "time", "key", "error"]


@dataclass(frozen=True, kw_only=True)
class Logs(form.Quiet):
    """What `logs` takes."""

    since: ledgers.Since = None
    until: ledgers.Until = None
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", metavar="MODEL", help="provider/model, provider/, or as it was asked for."),
    ] = None
    key: Annotated[str | None, typer.Option(metavar="KEY", help="What this key of ours asked; '' is nobody's.")] = None
    errors: Annotated[bool, typer.Option("--errors", help="Only what ended with an error.")] = False
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Words in prompt, answer or error; all of them.")
    ] = None
    number: Annotated[
        int, typer.Option("-n", "--number", metavar="N", help="The newest so many; 0 is all of them.")
    ] = 20
    texts: Annotated[bool, typer.Option("--texts", help="With prompts and answers, where they were kept.")] = False
    json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False
    prune: Annotated[
        bool, typer.Option("--prune", help="Show nothing; delete what is older than [store] keep_days.")
    ] = False


@form.command(app, Logs, EXAMPLES)
def logs(given: Logs) -> None:
    """Show what was asked: one line for each attempt, the newest last."""
    from tramite import config
    from tramite.errors import InvalidCall
    from tramite.store.filters import Filter

    terminal = Terminal(given.quiet)
    if given.number < 0:
        raise InvalidCall(f"-n takes a whole number from 0, got {given.number}", "number")
    chosen = Filter(
        since_ns=ledgers.moment(given.since, "--since"),
        until_ns=ledgers.moment(given.until, "--until"),
        model=given.model,
        key=given.key,
        failed=given.errors,
        search=given.search,
    )
    settings = config.load()
    with ledgers.opened(settings, terminal) as ledger:
        if ledger is None:
            return
        if given.prune:
            _prune(settings, terminal)
            return
        entries = ledger.entries(chosen, given.number or None)
        first = next(entries, None)
        if first is None:
            terminal.note("there is no such entry in the ledger")
            return
        _show(chain([first], entries), ledger, terminal, given)


def _show(entries: Iterator[Entry], ledger: Ledger, terminal: Terminal, given: Logs) -> None:
    if given.json:
        for entry in entries:
            terminal.line(_json(entry, ledger if given.texts else None))
    elif given.texts:
        for entry in entries:
            _show_texts(entry, ledger, terminal)
    else:
        table(HEADS, map(_row, entries), gives=len(HEADS) - 1)


def _row(entry: Entry) -> list[str]:
    from . import facts

    return [
        ledgers.written(entry.at_ns),
        f"{entry.provider}/{entry.model}",
        _ending(entry),
        facts.count(entry.input_tokens),
        facts.count(entry.output_tokens),
        _cost(entry),
        "" if entry.total_s is None else f"{entry.total_s:.2f} s",
        entry.key,
        " ".join((entry.error or "").split()),
    ]


def _ending(entry: Entry) -> str:
    if entry.state in ("held", "sent"):
        return "under way"
    return entry.outcome or entry.state


def _cost(entry: Entry) -> str:
    """What it cost, where that is known; what failed before it could cost anything says nothing."""
    from . import facts

    if entry.cost_nanousd is not None:
        return facts.dollars(entry.cost_nanousd)
    failed = entry.outcome not in (None, "ok", "left") and not entry.maybe_billed
    return "" if failed or entry.state in ("held", "sent", "released") else "unknown"


def _show_texts(entry: Entry, ledger: Ledger, terminal: Terminal) -> None:
    texts = ledger.texts(entry.id)
    terminal.line("  ".join(cell for cell in _row(entry) if cell))
    for name, text in (("prompt", texts and texts.prompt), ("answer", texts and texts.answer)):
        terminal.line(f"  {name}: {'(not kept)' if text is None else text}")


def _json(entry: Entry, ledger: Ledger | None) -> str:
    import msgspec

    told: dict[str, Any] = {"time": ledgers.written(entry.at_ns), **msgspec.to_builtins(entry)}
    if ledger is not None:
        texts = ledger.texts(entry.id)
        told |= {"prompt": texts and texts.prompt, "answer": texts and texts.answer}
    return msgspec.json.encode(told).decode()


def _prune(settings: Config, terminal: Terminal) -> None:
    from contextlib import closing
    from time import time_ns

    from tramite.store.opening import connect_migrated
    from tramite.store.retention import DAY_NS, prune

    days = settings.store.keep_days
    with closing(connect_migrated(ledgers.address(settings))) as database:
        deleted = prune(database, time_ns() - days * DAY_NS)
    terminal.warn(f"{deleted:,} {'entry' if deleted == 1 else 'entries'} older than {days} days deleted")
