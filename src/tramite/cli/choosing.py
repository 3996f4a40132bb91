"""Which model a command talks to, and why. Asks the addresses of local servers when nothing else is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from tramite.errors import MissingSecret, NoModelConfigured

from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.providers.rows import Provider

DEMO = "demo/demo"
DEMO_SAYS = (
    "No model is configured, so this is `demo`: what it writes is made up, no model is behind it.\n"
    "For a real one: set a key (tramite secrets set OPENAI_API_KEY), start a local server such as LM Studio or Ollama, "
    "or name a model with -m. What is there and what is missing: tramite doctor"
)


class Choice(Struct, frozen=True):
    """A model by name, and why it is this one."""

    model: str
    because: str


def choose(
    given: str | None,
    config: Config,
    terminal: Terminal,
    *,
    named_by: str = "-m",
    probe: bool = True,
    demo: bool | None = None,
) -> str:
    """The model to ask; the choice is told on stderr. `probe`: local servers may be asked whether they are there.

    Where there is none it is `demo`, which says so; but NoModelConfigured where `demo` is not allowed (None: where
    nobody watches).
    """
    choice = _choice(given, named_by, config, probe)
    if choice is not None:
        terminal.note(f"model: {choice.model} ({choice.because})")
        return choice.model
    if not (terminal.interactive if demo is None else demo):
        raise NoModelConfigured(
            "no model is configured and none was named: name one with -m provider/model, set a variable such as "
            "OPENAI_API_KEY, or default_model in tramite.toml; tramite doctor tells what there is"
        )
    terminal.warn(DEMO_SAYS)
    return DEMO


def choose_embedding(given: str | None, config: Config, terminal: Terminal) -> str:
    """The model to embed with. There is no default yet: a vector means nothing beside those of another model.

    Raises NoModelConfigured.
    """
    if given is None:
        raise NoModelConfigured(
            "name the embedding model with -m, as in -m openai/text-embedding-3-small, or -m lmstudio/ for the one "
            "that is loaded there (demo/hash shows how it works, with no model behind it). Vectors of different models "
            "cannot be compared, so none is chosen for you"
        )
    _check(given, config)
    terminal.note(f"model: {given}")
    return given


def _choice(given: str | None, named_by: str, config: Config, probe: bool) -> Choice | None:
    if given is not None:
        _check(given, config)
        route = config.routes.get(given)
        return Choice(given, f"a route to {', '.join(route.targets)}" if route else named_by)
    if config.default is not None:
        return Choice(config.default.model, config.default.because)
    found = _local(config) if probe else None
    return Choice(f"{found.name}/", f"a server answers at {found.base_url}") if found else None


def _check(given: str, config: Config) -> None:
    """Raise UnknownProvider or MissingSecret now, before anything is typed or read for nothing."""
    providers = [provider for provider, _ in config.resolve(given)]
    if not any(provider.ready for provider in providers):
        raise MissingSecret(providers[0].how_to_get_a_secret())


def _local(config: Config) -> Provider | None:
    """The first local server that answers."""
    import asyncio

    from tramite.providers.local_servers import answering
    from tramite.wire.network import Network

    async def look() -> Provider | None:
        network = Network()
        try:
            found = await answering(config, lambda _: network)
        finally:
            await network.aclose()
        return found[0] if found else None

    return asyncio.run(look())
