"""`tramite models`: what can be reached, what it costs, and what becomes of each setting there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.errors import TramiteError
    from tramite.providers.rows import Provider

    from .survey import Told

app = form.application()

EXAMPLES = """
Examples:
  tramite models
  tramite models openai --json
  tramite models --prices anthropic        dollars per million tokens; without a secret, what is published
  tramite models --features mistral        which settings are sent there, which refused; asks nobody
  tramite models | grep mini               in a pipe: one model on each line
"""


@dataclass(frozen=True, kw_only=True)
class Models(form.Quiet):
    """What `models` takes."""

    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="This one alone; without it, all that can be reached.")
    ] = None
    prices: Annotated[
        bool, typer.Option("--prices", help="What a million tokens cost, and how many fit in the window.")
    ] = False
    features: Annotated[
        bool, typer.Option("--features", help="What becomes of each setting at each provider. Sends nothing.")
    ] = False
    json: form.Json = False


@form.command(app, Models, EXAMPLES)
def models(given: Models) -> None:
    """List the models that can be reached: those of providers with a secret, and of local servers that answer.

    A provider that fails is told on stderr, and the others are listed.
    """
    from tramite import config
    from tramite.errors import InvalidCall

    terminal = Terminal(given.quiet)
    if given.prices and given.features:
        raise InvalidCall("--prices and --features are two tables: ask for one of them")
    settings = config.load()
    if given.features:
        from . import abilities

        abilities.show(_named(settings, given.provider), terminal, given.json, alone=given.provider is not None)
    elif given.provider is None:
        _list_all(settings, terminal, given)
    else:
        _list_one(settings, terminal, given)


def _list_all(settings: Config, terminal: Terminal, given: Models) -> None:
    """Whatever answers. Raises the first error where nothing does."""
    from . import survey

    told = survey.ask(settings, [*survey.reachable(settings), *survey.built_in(settings)])
    failed = [one for one in told if one.error is not None and not one.absent]
    for one in failed:
        terminal.warn(f"{one.provider.name} does not say what it has: {one.error}")
    _show(settings, told, terminal, given)
    if not any(_talks(one) for one in told):
        if failed and failed[0].error is not None:
            raise failed[0].error
        terminal.warn(
            "no provider has a secret, and no local server answers: there is no model to talk to, but demo, with no "
            "model behind it. What to do: tramite doctor"
        )


def _talks(told: Told) -> bool:
    """Whether there may be more than embeddings; what a server has loaded can change at any time."""
    alone = told.provider.in_process and all(model.type == "embeddings" for model in told.models)
    return told.error is None and not alone


def _list_one(settings: Config, terminal: Terminal, given: Models) -> None:
    """One provider, which has to answer, unless its prices are published. Raises TramiteError."""
    from . import survey

    [provider] = _named(settings, given.provider)
    [told] = survey.ask(settings, [provider])
    if told.error is not None:
        told = _published(told.error, provider, terminal) if given.prices else told
    if told.error is not None:
        raise told.error
    if not told.models:
        terminal.warn(f"{provider.name} answers, and has no models yet")
    _show(settings, [told], terminal, given)


def _published(error: TramiteError, provider: Provider, terminal: Terminal) -> Told:
    """The models that the price table knows of a provider that cannot be asked."""
    from tramite.config.places import prices_file
    from tramite.providers.prices.lookup import in_use
    from tramite.replies import ModelInfo

    from .survey import Told

    known = in_use(prices_file()).models(provider.name)
    if not known:
        return Told(provider, error=error)
    terminal.warn(f"{provider.name} cannot be asked which models it has ({error}). These are known by their price:")
    return Told(provider, tuple(map(ModelInfo, known)))


def _named(settings: Config, name: str | None) -> list[Provider]:
    """This provider, or all. Raises UnknownProvider."""
    from tramite.config.names import nearest
    from tramite.errors import UnknownProvider
    from tramite.providers.catalogue import canonical

    if name is None:
        return list(settings.providers.values())
    provider = settings.providers.get(canonical(name.rstrip("/")))
    if provider is None:
        raise UnknownProvider(f"there is no provider {name!r}{nearest(name, settings.providers)}")
    return [provider]


def _show(settings: Config, told: list[Told], terminal: Terminal, given: Models) -> None:
    import msgspec

    from . import facts, survey
    from .terminal import table

    found = list(survey.named(told))
    if given.prices:
        _show_prices(settings, told, terminal, given.json)
    elif given.json:
        rows = [{"name": name, **msgspec.to_builtins(model)} for name, model in found]
        terminal.line(facts.json_text(rows))
    elif found:
        loaded = {True: "loaded", False: "", None: ""}
        table(
            ["model", "context", "owner", ""],
            [
                [
                    name,
                    f"{model.context_tokens:,}" if model.context_tokens else "",
                    model.owned_by,
                    loaded[model.loaded],
                ]
                for name, model in found
            ],
        )


def _show_prices(settings: Config, told: list[Told], terminal: Terminal, as_json: bool) -> None:
    from tramite.config.pricing import price_of

    from . import facts, rates

    priced = [
        (f"{one.provider.name}/{model.id}", price_of(settings, one.provider, model.id), model.context_tokens)
        for one in told
        for model in one.models
    ]
    if as_json:
        terminal.line(facts.json_text(list(map(rates.as_object, priced))))
    elif priced:
        rates.show(priced, terminal)
