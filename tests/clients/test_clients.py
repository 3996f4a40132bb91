"""Clients of others, unchanged, at a gateway with keys, limits and budgets: each does what it offers, or says why not.

Each is a program of its own (`programs/`, `node/`), which knows an address and a secret and nothing else of us.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.keyed import Keyed, keyed

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-clients" / "bin" / "python"
PATIENCE_S = 60
MODELS = ("ok,tokens=3", "ok", "tools", "json", "cut@3")
ROUTES = {
    "gpt-4o": "primary/ok,tokens=3",
    "gpt-4.1": "backup/ok,tokens=3",
    "gpt-4": "primary/tools",
    "gpt-4o-mini": "primary/json",
    "gpt-4-turbo": "primary/cut@3",
}
"""For clients that know no other names."""

SAID = "token-1 token-2 token-3"
PIECES = ["token-1", " token-2", " token-3"]
DOES: dict[str, Any] = {
    "chat": SAID,
    "stream": PIECES,
    "other_dialect": PIECES,
    "tools": ["weather", {"city": "text"}],
    "structured": {"city": "text"},
    "embeddings": [64, 64],
    "responses": SAID,
}
"""What each feature comes to."""
NAMES = {
    "with_openai": "openai 2 (Python)",
    "with_litellm": "litellm",
    "with_langchain": "LangChain",
    "with_llamaindex": "LlamaIndex",
    "with_llm": "llm",
}
NODE_NAMES = {"with_openai": "openai (Node)", "with_ai": "Vercel ai"}


@pytest.fixture
def door() -> Iterator[Keyed]:
    routes = "".join(f'[routes."{name}"]\ntargets = ["{target}"]\n' for name, target in ROUTES.items())
    with keyed(*MODELS, more=routes) as door:
        yield door


def run(door: Keyed, *command: str) -> dict[str, Any]:
    """What a program says that each of its features came to."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.cwd()),
        "OPENAI_BASE_URL": f"{door.url}/v1",
        "OPENAI_API_BASE": f"{door.url}/v1",  # as LlamaIndex calls it
        "OPENAI_API_KEY": door.secret,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches a list when it is imported
    }
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
    return found


def check(found: dict[str, Any]) -> None:
    """Every feature that a client has works, and what must fail fails as an error, never as an answer."""
    wrong_key, cut_stream = found.pop("wrong_key"), found.pop("cut_stream")
    assert "no such API key" in str(wrong_key)
    assert isinstance(cut_stream, str), f"a stream that was cut went for a whole one: {cut_stream}"
    if isinstance(found["tools"][1], str):
        found["tools"][1] = json.loads(found["tools"][1])
    assert found == {feature: DOES[feature] for feature in found}


@pytest.mark.parametrize("program", NAMES)
def test_a_client_for_python(door: Keyed, program: str) -> None:
    check(run(door, str(PYTHON), str(HERE / "programs" / "run.py"), program))


@pytest.mark.parametrize("program", NODE_NAMES)
def test_a_client_for_node(door: Keyed, program: str) -> None:
    check(run(door, "node", str(HERE / "node" / "run.mjs"), program))
