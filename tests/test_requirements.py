"""The lock files: every pin hashed, the core pinned, and the files of one mind."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)[^\n]*\n((?: {4}--hash=sha256:[0-9a-f]{64}[^\n]*\n)*)", re.M)


def pins(lock: str) -> dict[str, tuple[str, str]]:
    text = (ROOT / "requirements" / lock).read_text()
    return {name: (pinned, hashes) for name, pinned, hashes in PIN.findall(text)}


def test_every_pin_has_a_hash_and_every_requirement_is_a_pin() -> None:
    for lock in ("run.txt", "dev.txt", "embedded.txt", "local.txt", "clients.txt"):
        text = (ROOT / "requirements" / lock).read_text()
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        found = PIN.findall(text)
        assert len(requirements) == len(found) > 0
        assert all(hashes for _, _, hashes in found), lock


def test_the_core_dependencies_are_pinned() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())
    core = {re.split(r"[\s\[<>=!~;]", line)[0].lower() for line in metadata["project"]["dependencies"]}
    assert core <= pins("run.txt").keys()


def test_running_and_developing_use_the_same_versions() -> None:
    dev = pins("dev.txt")
    for name, pinned in pins("run.txt").items():
        assert dev.get(name) == pinned, f"{name}: `make lock` has to be run again"


def test_local_models_are_tested_with_the_same_versions_too() -> None:
    dev, local = pins("dev.txt"), pins("local.txt")
    for name in dev.keys() & local.keys():
        assert dev[name][0] == local[name][0], f"{name}: `make lock` has to be run again"
    assert "torch" not in local
