"""`tramite models`: what can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.config import Config

    from .survey import Told

app = form.application()

EXAMPLES = """
Examples:
  tramite models
  tramite models openai --json
  tramite models | grep mini          in a pipe: one model on each line
"""


@dataclass(frozen=True, kw_only=True)
class Models(form.Quiet):
    """What `models` takes."""

    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="This one alone; without it, all that can be reached.")
    ] = None
    json: form.Json = False


@form.command(app, Models, EXAMPLES)
def models(given: Models) -> None:
    """List the models that can be reached: those of providers with a secret, and of local servers that answer.

    A provider that fails is told on stderr, and the others are listed.
    """
    from tramite import config

    from . import survey

    terminal = Terminal(given.quiet)
    settings = config.load()
    told = _one(settings, given.provider) if given.provider else survey.ask(settings, survey.reachable(settings))
    failed = [one for one in told if one.error is not None and not one.absent]
    for one in failed:
        terminal.warn(f"{one.provider.name} does not say what it has: {one.error}")
    _show(told, terminal, given.json)
    if not any(one.error is None for one in told):
        if failed and failed[0].error is not None:
            raise failed[0].error
        terminal.warn(
            "no provider has a secret, and no local server answers; only demo is there, with no model behind it. "
            "What to do: tramite doctor"
        )


def _one(settings: Config, name: str) -> list[Told]:
    """One provider, which has to answer. Raises TramiteError."""
    from tramite.config.names import nearest
    from tramite.errors import UnknownProvider
    from tramite.providers.catalogue import canonical

    from . import survey

    provider = settings.providers.get(canonical(name.rstrip("/")))
    if provider is None:
        raise UnknownProvider(f"there is no provider {name!r}{nearest(name, settings.providers)}")
    told = survey.ask(settings, [provider])
    if told[0].error is not None:
        raise told[0].error
    return told


def _show(told: list[Told], terminal: Terminal, as_json: bool) -> None:
    import msgspec

    from . import facts, survey
    from .terminal import table

    found = list(survey.named(told))
    if as_json:
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
