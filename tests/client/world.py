"""A world for a test: a configuration that names the simulator as its only other provider, and clients of it."""

from __future__ import annotations

from pathlib import Path

from tramite import AsyncClient, Retry
from tramite.config import Config, load
from tramite.simulator import Engine, InProcess, Options

QUICK = Retry(attempts=3, strategy="fixed", base_s=0.01)


def config(base_url: str = "http://127.0.0.1:9/v1", more: str = "") -> Config:
    """One provider, `sim`, at this address."""
    file = Path("world.toml")
    file.write_text(
        'default_model = "sim/ok"\n'
        f'[providers.sim]\nbase_url = "{base_url}"\nkinds = ["chat", "completion", "embedding", "models"]\n{more}'
    )
    return load(file)


def in_process(retry: Retry = QUICK, more: str = "", **options: object) -> tuple[AsyncClient, InProcess]:
    """A client and the simulated provider behind it, without sockets."""
    provider = InProcess(Engine(Options(**options)))  # type: ignore[arg-type]  # checked by Options itself
    return AsyncClient(config(more=more), retry=retry, transport=provider), provider


def words(count: int) -> str:
    """What the simulator's `tokens=count` says."""
    return " ".join(f"token-{number}" for number in range(1, count + 1))
