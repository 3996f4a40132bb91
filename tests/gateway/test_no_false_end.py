"""Whatever a client and a target speak: a stream that breaks off never ends as if it were whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import Served, served
from tramite.config import load
from tramite.gateway.app import Gateway
from tramite.gateway.gate import Gate
from tramite.simulator import Simulator

BASES = {"openai": "/v1", "openai-responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta", "huggingface": "/v1"}
FAULTS = ("cut@5", "cut@0", "malformed@5", "stall@5:30s", "reset", "reset@5", "error@5", "no-done,cut@5")
MESSAGES = [{"role": "user", "content": "hello"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 100},
    "/v1/responses": {"input": "hello"},
    "/v1/completions": {"prompt": "hello"},
}
_ENDS = (
    *(rb"\[DONE\]", rb'"finish_reason": ?"', rb'"stop_reason": ?"', rb"message_stop"),
    *(rb"response\.(?:completed|incomplete)", rb'"status": ?"completed"'),
)
END = re.compile(b"|".join(_ENDS))


@contextmanager
def world(on_stream_failure: str = "") -> Iterator[Served]:
    """A gateway before one simulated provider, which speaks every dialect."""
    with Simulator.in_thread(seed=1) as provider:
        root = provider.base_url.removesuffix("/v1")
        rows = "".join(
            f'[providers.{name}-sim]\nbase_url = "{root}{base}"\ndialect = "{name}"\nauth = "none"\n'
            'kinds = ["chat", "completion"]\n'
            for name, base in BASES.items()
        )
        if on_stream_failure:
            for name in BASES:
                targets = [f"{name}-sim/{fault},tokens=20" for fault in ("cut@5", "cut@7")]
                rows += f"[routes.to-{name}]\ntargets = {targets}\non_stream_failure = '{on_stream_failure}'\n"
        limits = '[retry]\nattempts = 1\n[timeouts]\nstall_s = 0.2\nfirst_token_s = 1\n[state]\nurl = "memory"\n'
        Path("ends.toml").write_text(f'{rows}{limits}[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n')
        with served(Gateway(Gate(load(Path("ends.toml")))), lifespan="on") as found:
            yield found


def asked_of(dialect: str) -> dict[str, dict[str, Any]]:
    """What each door is asked; but no completion of Hugging Face, whose requests cannot name the fault."""
    return {path: asked for path, asked in ASKED.items() if dialect != "huggingface" or path != "/v1/completions"}


@pytest.mark.parametrize("dialect", BASES)
def test_a_stream_that_breaks_off_has_no_end(dialect: str) -> None:
    seen = 0
    with world() as door:
        for path, asked in asked_of(dialect).items():
            for fault in FAULTS:
                body = {**asked, "model": f"{dialect}-sim/{fault},tokens=20", "stream": True}
                came = door.client.post(path, json=body)
                if came.status_code == 200:
                    seen += 1
                    assert b"error" in came.content, (path, fault, came.content)
                assert not END.findall(came.content), (path, fault, came.content[-600:])
    assert seen >= 3


@pytest.mark.parametrize("way", ["restart", "continue"])
@pytest.mark.parametrize("dialect", BASES)
def test_nor_has_one_whose_route_would_go_on_and_cannot(dialect: str, way: str) -> None:
    with world(way) as door:
        for path, asked in asked_of(dialect).items():
            came = door.client.post(path, json={**asked, "model": f"to-{dialect}", "stream": True})
            assert b"error" in came.content, (path, came.content)
            assert not END.findall(came.content), (path, came.content[-600:])
