"""A gateway on a real port, before two simulated providers on theirs: `primary`, which fails as said, and `backup`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.faults.cases import TOKENS, Case
from tests.gateway.serving import Served, served
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.gateway.guards import Guards
from tramite.simulator import Simulator

LIMITS = """
[retry]
attempts = 3
strategy = "fixed"
base_s = 0.02
max_s = 0.02
[timeouts]
first_token_s = 0.5
stall_s = 0.5
deadline_s = 20
"""
PRICES = '[models."{0}"]\ninput_per_million = 0.15\noutput_per_million = 0.60\n'


class World:
    """What is served, and the providers behind it."""

    def __init__(self, served: Served, gate: Gate, primary: Simulator, backup: Simulator) -> None:
        self.client = served.client
        self.url = served.url
        self.run = served.run
        self.gate = gate
        self.primary = primary
        self.backup = backup

    def post(self, path: str, body: object, **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        came = self.client.post(path, json=body, headers=headers)
        return came.status_code, came.content

    def chat(self, **settings: object) -> tuple[int, bytes]:
        """One chat, in OpenAI's words, of the route `fast`."""
        body = {"model": "fast", "messages": [{"role": "user", "content": "hello"}], **settings}
        return self.post("/v1/chat/completions", body)


@contextmanager
def gateway(
    case: Case, more: str = "", dialects: tuple[str, str] = ("openai", "openai"), kept: str = ""
) -> Iterator[World]:
    """A gateway whose route `fast` goes over the two."""
    targets = [f"primary/{case.primary},tokens={TOKENS}", f"backup/{case.backup},tokens={TOKENS}"]
    with Simulator.in_thread(seed=1) as primary, Simulator.in_thread(seed=2) as backup:
        file = Path("gateway.toml")
        rows = zip(("primary", "backup"), (primary, backup), dialects, strict=True)
        providers = "".join(
            f'[providers.{name}]\nbase_url = "{simulator.base_url}"\ndialect = "{dialect}"\nauth = "none"\n'
            + (f"prefill = {str(case.backup_prefills).lower()}\n" if name == "backup" else "")
            for name, simulator, dialect in rows
        )
        route = f'[routes.fast]\ntargets = {targets!r}\non_stream_failure = "{case.on_stream_failure}"\n'
        store = f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n{kept}[state]\nurl = "memory"\n'
        prices = "".join(map(PRICES.format, targets))
        file.write_text(f'default_model = "fast"\n{providers}{route}{LIMITS}{store}{prices}{more}')
        gate = Gate(load(file))
        with served(Guards(Gateway(gate), gate.config.gateway), lifespan="on", loop="asyncio") as found:
            yield World(found, gate, primary, backup)


def frames(body: bytes) -> list[dict[str, object]]:
    """The JSON of a stream's events, without its end marker."""
    data = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(one) for one in data if one != b"[DONE]"]


def text(body: bytes) -> str:
    """The text of a stream of OpenAI's."""
    deltas = [choice["delta"].get("content") or "" for frame in frames(body) for choice in frame.get("choices", [])]  # type: ignore[attr-defined]
    return "".join(deltas)
