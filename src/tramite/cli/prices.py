"""`tramite prices`: how old the prices of models are, and how newer ones are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from . import failures, form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.providers.prices.lookup import Price

OLD_DAYS = 60

app = form.application(
    invoke_without_command=True,
    help="How old the prices of models are, who says so, and where they are kept. What a model costs: "
    'tramite models --prices. Your own prices: [models."provider/model"] in tramite.toml.',
    epilog="\b\nExamples:\n  tramite prices\n  tramite prices update",
)

UPDATE_EXAMPLES = """
Examples:
  tramite prices update
  tramite prices update --from data.json        what you have fetched yourself
"""


@app.callback()
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    if context.invoked_subcommand is None:
        with failures.handled():
            _show(as_json)


@dataclass(frozen=True, kw_only=True)
class Update(form.Quiet):
    """What `prices update` takes."""

    place: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL|FILE",
            help="genai-prices' data.json, form 2; without it, the one that its project publishes.",
        ),
    ] = None


@form.command(app, Update, UPDATE_EXAMPLES)
def update(given: Update) -> None:
    """Fetch newer prices, and use them from now on. What does not look like prices changes nothing.

    They are those of the genai-prices project, which collects what providers publish.
    """
    from tramite import config
    from tramite.config.places import prices_file
    from tramite.errors import InvalidCall, ProviderError, TramiteError
    from tramite.providers.addresses import without_password
    from tramite.providers.prices import refresh
    from tramite.providers.prices.lookup import in_use

    terminal = Terminal(given.quiet)
    settings = config.load()
    place = given.place or refresh.ADDRESS
    today = datetime.now(UTC).date().isoformat()
    try:
        compiled = refresh.compiled(_fetched(place, terminal), today, f"genai-prices{_where(given.place)}")
    except InvalidCall:
        raise
    except (ProviderError, ValueError) as error:
        kept = in_use(prices_file())
        raise TramiteError(
            f"{without_password(place)} is not used: {error}\n  the prices stay those of {kept.source}, {kept.date}"
        ) from error
    before = _priced(settings)
    refresh.put(prices_file(), compiled)
    now = in_use(prices_file())
    terminal.warn(f"{now.count():,} prices of {now.date}, from {now.source}, are in {prices_file()}")
    _tell_changes(before, _priced(settings), terminal)


def _fetched(place: str, terminal: Terminal) -> bytes:
    """What is there. Raises InvalidCall, ProviderError."""
    import asyncio
    from pathlib import Path

    from tramite.providers.addresses import without_password
    from tramite.providers.prices import refresh

    if not refresh.is_address(place):
        return refresh.read(Path(place.removeprefix("file://")).expanduser())
    refresh.check_address(place)
    terminal.note(f"fetching {without_password(place)}")
    return asyncio.run(_over_network(place))


async def _over_network(address: str) -> bytes:
    from tramite.providers.prices import refresh
    from tramite.wire.network import Network

    network = Network()
    try:
        return await refresh.fetch(address, network)
    finally:
        await network.aclose()


def _where(place: str | None) -> str:
    """Whence, where that is not the project itself; in short, since it stands beside each price."""
    from pathlib import Path
    from urllib.parse import urlsplit

    from tramite.providers.prices.refresh import is_address

    if place is None:
        return ""
    return f" by way of {(urlsplit(place).hostname if is_address(place) else Path(place).name) or place}"


def _priced(settings: Config) -> dict[str, Price | None]:
    """The prices of the models that the configuration names."""
    from tramite.config.pricing import price_of
    from tramite.errors import ConfigError

    found: dict[str, Price | None] = {}
    for name in _named(settings):
        try:
            targets = settings.resolve(name)
        except ConfigError:
            continue  # tramite doctor's to complain about
        found |= {f"{provider.name}/{model}": price_of(settings, provider, model) for provider, model in targets}
    return found


def _named(settings: Config) -> Iterator[str]:
    if settings.default is not None:
        yield settings.default.model
    yield from settings.routes
    yield from settings.models


def _tell_changes(before: dict[str, Price | None], after: dict[str, Price | None], terminal: Terminal) -> None:
    from . import rates

    changed = {name: told for name in after if (told := rates.changes(before[name], after[name]))}
    for name, told in changed.items():
        terminal.warn(f"{name}: {', '.join(told)} (dollars per million tokens)")
    if after and not changed:
        terminal.note(f"nothing has changed for {', '.join(after)}")


def _show(as_json: bool) -> None:
    from tramite.config.places import prices_file
    from tramite.providers.prices.lookup import in_use, shipped

    from . import facts

    prices = in_use(prices_file())
    kept = "came with tramite" if prices is shipped() else str(prices_file())
    days = _age_days(prices.date)
    terminal = Terminal()
    if as_json:
        told = {"source": prices.source, "date": prices.date, "age_days": days, "models": prices.count()}
        terminal.line(facts.json_text({**told, "file": None if prices is shipped() else kept}))
        return
    age = "today" if days == 0 else f"{days} day{'' if days == 1 else 's'} ago"
    rows = {"source": prices.source, "date": f"{prices.date}, {age}", "models": f"{prices.count():,}", "where": kept}
    table(["prices", ""], [[name, value] for name, value in rows.items()])
    if days > OLD_DAYS:
        terminal.warn("they may have changed since: tramite prices update fetches newer ones")


def _age_days(day: str) -> int:
    return max(0, (datetime.now(UTC).date() - date.fromisoformat(day)).days)
