"""`tramite keys`: the keys that our gateway lets in. A secret is printed once, when it is made, and on stdout alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.store.key_terms import Written
    from tramite.store.keys import Key, Keys, Made

app = form.application(
    no_args_is_help=True,
    help="Keys of the gateway: who may use it, for which models, how fast, and for how much money. They are kept as "
    "digests in the store, so a secret is shown once. Secrets of providers are under tramite secrets.",
)

CREATE_EXAMPLES = """
Examples:
  tramite keys create alice
  tramite keys create team-a --budget 50/month --rpm 600 --tpm 100000 --models 'fast,azure/*' --expires 90d
  tramite keys create robot --address 10.0.0.0/8 --budget 2/day --budget 20/month
  KEY=$(tramite keys create ci --quiet)
"""
CHANGE_EXAMPLES = """
Examples:
  tramite keys change team-a --budget 80/month --rpm 1200
  tramite keys change team-a --models none --expires none
"""
ROTATE_EXAMPLES = """
Examples:
  tramite keys rotate alice
  tramite keys rotate alice --grace 24h           both secrets are good for a day
"""
NONE = "none"
"""On the command line, what takes a restriction away."""
_LIMITS = {
    "rps": "requests_per_second",
    "rpm": "requests_per_minute",
    "rpd": "requests_per_day",
    "tpm": "tokens_per_minute",
    "concurrency": "concurrency",
}
_HEADS = ["name", "id", "state", "models", "limits", "budget", "expires", "last used"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name or id, as in tramite keys list.")]


@dataclass(frozen=True, kw_only=True)
class Terms(form.Quiet):
    """What a key may do."""

    budget: Annotated[
        list[str],
        typer.Option(metavar="AMOUNT", help="Dollars per hour, day, month or in total: 50/month. Repeatable."),
    ] = field(default_factory=list)
    rps: Annotated[str | None, typer.Option(metavar="N", help="Requests per second.")] = None
    rpm: Annotated[str | None, typer.Option(metavar="N", help="Requests per minute.")] = None
    rpd: Annotated[str | None, typer.Option(metavar="N", help="Requests per day.")] = None
    tpm: Annotated[str | None, typer.Option(metavar="N", help="Tokens per minute.")] = None
    concurrency: Annotated[str | None, typer.Option(metavar="N", help="Requests under way at once.")] = None
    models: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Routes and models it may use: 'fast,azure/*'; all of them without this."),
    ] = None
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="12h, 90d or 4w from now, or 2027-06-30.")] = None
    address: Annotated[
        list[str], typer.Option(metavar="NETWORK", help="Where it may be used from: 10.0.0.0/8. Repeatable.")
    ] = field(default_factory=list)
    max_output_tokens: Annotated[
        str | None,
        typer.Option(metavar="N", help="Sent along under a budget where a request names no max_tokens (4096)."),
    ] = None
    json: form.Json = False


@dataclass(frozen=True, kw_only=True)
class Create(Terms):
    """What `keys create` takes."""

    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is: letters, digits and . _ @ -")]


@form.command(app, Create, CREATE_EXAMPLES)
def create(given: Create) -> None:
    """Make a key. Its secret is printed once, and cannot be had again."""
    from tramite.store.key_terms import Written, read

    terminal = Terminal(given.quiet)
    terms = read(_changed(Written(), given), time_ns())
    with _opened() as keys:
        made = keys.create(given.name, terms)
    _hand_over(made, terminal, given.json)


@dataclass(frozen=True, kw_only=True)
class Listed(form.Quiet):
    """What `keys list` takes."""

    all: Annotated[bool, typer.Option("--all", help="With those that are revoked.")] = False
    json: form.Json = False


@form.command(app, Listed, "Examples:\n  tramite keys list\n  tramite keys list --all --json", name="list")
def tell(given: Listed) -> None:
    """List the keys: what each may do, and when it was last used."""
    from tramite.store.key_terms import told

    from . import facts

    terminal = Terminal(given.quiet)
    with _opened() as keys:
        found = [key for key in keys.all() if given.all or key.revoked_ns is None]
    if given.json:
        terminal.line(facts.json_text([told(key, time_ns()) for key in found]))
    elif found:
        table(_HEADS, map(_row, found), gives=3)
    else:
        terminal.warn("there are no keys; tramite keys create NAME makes one")


@dataclass(frozen=True, kw_only=True)
class Named(form.Quiet):
    """What commands about one key take."""

    name: Name
    json: form.Json = False


@form.command(app, Named, "Examples:\n  tramite keys show alice\n  tramite keys show k_0123456789 --json")
def show(given: Named) -> None:
    """Show one key: its terms, and how much of its budget is spent."""
    from tramite.store.key_terms import told

    from . import facts

    terminal = Terminal(given.quiet)
    with _opened() as keys:
        key = keys.get(given.name)
        known = told(key, time_ns(), keys.standings(key))
    if given.json:
        terminal.line(facts.json_text(known))
    else:
        table(["", ""], [[name.replace("_", " "), text] for name, value in known.items() if (text := _text(value))])


@dataclass(frozen=True, kw_only=True)
class Change(Terms):
    """What `keys change` takes."""

    name: Name


@form.command(app, Change, CHANGE_EXAMPLES)
def change(given: Change) -> None:
    """Give a key other terms; what is not named stays, none takes a restriction away, and the secret is the same."""
    from tramite.errors import InvalidCall
    from tramite.store.key_terms import read, told, write

    from . import facts

    terminal = Terminal(given.quiet)
    if replace(given, json=False, quiet=False) == Change(name=given.name):
        raise InvalidCall("say what to change: tramite keys change --help lists what there is")
    with _opened() as keys:
        written = _changed(write(keys.get(given.name).terms), given)
        key = keys.change(given.name, read(written, time_ns()))
    if given.json:
        terminal.line(facts.json_text(told(key, time_ns())))
    terminal.note(f"{key.name} ({key.id}) has its new terms; running gateways know them within five seconds")


@dataclass(frozen=True, kw_only=True)
class Rotate(Named):
    """What `keys rotate` takes."""

    grace: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long the old secret is good too: 30m, 24h, 7d.")
    ] = None


@form.command(app, Rotate, ROTATE_EXAMPLES)
def rotate(given: Rotate) -> None:
    """Give a key another secret; its name, id, terms and what it has spent stay."""
    from tramite.store.key_terms import span_s

    terminal = Terminal(given.quiet)
    grace_s = 0.0 if given.grace is None else span_s(given.grace, "grace")
    with _opened() as keys:
        made = keys.rotate(given.name, grace_s)
    _hand_over(made, terminal, given.json)
    if given.grace is None:
        terminal.note("the old secret stops working within five seconds")


@form.command(app, Named, "Examples:\n  tramite keys revoke alice")
def revoke(given: Named) -> None:
    """End a key, for good. What it asked stays in the ledger."""
    from tramite.store.key_terms import told

    from . import facts

    terminal = Terminal(given.quiet)
    with _opened() as keys:
        key = keys.revoke(given.name)
    if given.json:
        terminal.line(facts.json_text(told(key, time_ns())))
    terminal.warn(f"{key.name} ({key.id}) is revoked; running gateways refuse it within five seconds")


@contextmanager
def _opened() -> Iterator[Keys]:
    """The keys in the configured store. Raises ConfigError, MissingExtra."""
    from tramite import config
    from tramite.store.keys import open_keys

    from . import ledgers

    with open_keys(ledgers.address(config.load())) as keys:
        yield keys


def _changed(written: Written, given: Terms) -> Written:
    """With what the command line says. Raises InvalidCall."""
    import msgspec

    changes: dict[str, Any] = {}
    if given.models is not None:
        changes["models"] = _list(given.models.split(","))
    if given.address:
        changes["addresses"] = _list(given.address)
    if given.budget:
        changes["budget"] = _list(given.budget)
        if not changes["budget"]:
            changes["max_output_tokens"] = None
    if given.expires is not None:
        changes["expires"] = None if given.expires == NONE else given.expires
    if given.max_output_tokens is not None:
        changes["max_output_tokens"] = _number(given.max_output_tokens, "--max-output-tokens")
    limits = dict(written.limits)
    for flag, name in _LIMITS.items():
        said = getattr(given, flag)
        if said == NONE:
            limits.pop(name, None)
        elif said is not None:
            limits[name] = _number(said, f"--{flag}")
    return msgspec.structs.replace(written, **changes, limits=limits)


def _list(texts: Sequence[str]) -> tuple[str, ...]:
    said = tuple(text.strip() for text in texts if text.strip())
    return () if said == (NONE,) else said


def _number(text: str, flag: str) -> float:
    """A whole number stays one: some settings take no other."""
    from tramite.errors import InvalidCall

    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        raise InvalidCall(f"{flag} takes a number, got {text[:40]!r}", flag) from None


def _hand_over(made: Made, terminal: Terminal, as_json: bool) -> None:
    from tramite.store.key_terms import told

    from . import facts

    key, secret = made
    if as_json:
        terminal.line(facts.json_text({"secret": secret, **told(key, time_ns())}))
    else:
        terminal.line(secret)
    terminal.note(f"this is the secret of {key.name} ({key.id}); it is shown this once: keep it now")


def _row(key: Key) -> list[str]:
    from tramite.store.key_terms import told

    known = told(key, time_ns())
    shown = ("name", "id", "state", "models", "limits", "budget", "expires", "last_used")
    return [_text(known[name]) for name in shown]


def _text(value: Any) -> str:
    """A value for people."""
    from . import facts

    if isinstance(value, dict) and "cap" in value:
        held = f", {facts.dollars(value['held_nanousd'])} held" if value["held_nanousd"] else ""
        return f"{facts.dollars(value['spent_nanousd'])} of {value['cap']}{held}"
    if isinstance(value, dict):
        short = {name: flag for flag, name in _LIMITS.items()}
        return ", ".join(f"{number:,.10g} {short[name]}" for name, number in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)
