"""The page on clients says of each what its test shows, and names the version that was tested."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "tests" / "clients"
COLUMNS = ("chat", "stream", "tools", "structured", "embeddings", "responses", "other_dialect")
PACKAGES = {
    "openai (Python)": ("requirements/dev.txt", "openai"),
    "openai 2 (Python)": ("requirements/clients.txt", "openai"),
    "anthropic (Python)": ("requirements/dev.txt", "anthropic"),
    "litellm": ("requirements/clients.txt", "litellm"),
    "LangChain": ("requirements/clients.txt", "langchain-openai"),
    "LlamaIndex": ("requirements/clients.txt", "llama-index-llms-openai"),
    "llm": ("requirements/clients.txt", "llm"),
    "openai (Node)": ("tests/clients/node/package-lock.json", "openai"),
    "Vercel ai": ("tests/clients/node/package-lock.json", "ai"),
}
PROGRAMS = {
    "openai 2 (Python)": "programs/with_openai.py",
    "litellm": "programs/with_litellm.py",
    "LangChain": "programs/with_langchain.py",
    "LlamaIndex": "programs/with_llamaindex.py",
    "llm": "programs/with_llm.py",
    "openai (Node)": "node/with_openai.mjs",
    "Vercel ai": "node/with_ai.mjs",
}


def rows() -> dict[str, list[str]]:
    """The table's cells, by client."""
    page = (ROOT / "docs" / "clients.md").read_text()
    table = page.partition("| client | version |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {name: rest for name, *rest in cells}


def pinned(lock: str, package: str) -> str:
    text = (ROOT / lock).read_text()
    if lock.endswith(".json"):
        return str(json.loads(text)["packages"][f"node_modules/{package}"]["version"])
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("client", PACKAGES)
def test_the_version_is_the_one_that_is_tested(client: str) -> None:
    assert rows()[client][0] == pinned(*PACKAGES[client])


@pytest.mark.parametrize("client", PROGRAMS)
def test_what_is_said_to_work_is_tested_and_every_client_is_shown_two_failures(client: str) -> None:
    program = (CLIENTS / PROGRAMS[client]).read_text()
    tested = set(re.findall(r"^(?:def|export async function|export const) ([a-z]\w+)", program, re.MULTILINE))
    said = {column for column, mark in zip(COLUMNS, rows()[client][1:], strict=True) if mark == "yes"}
    assert tested == said | {"wrong_key", "cut_stream"}
