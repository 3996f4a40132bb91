"""What holds for every test: nothing leaves this machine, and nothing of its user's gets in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# An example may be slow on a busy machine: how long it takes proves nothing, and no test asserts on time.
hypothesis.settings.register_profile("tramite", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tramite")

_PREFIXES = (
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "GEMINI_",
    "GOOGLE_",
    "HF_",
    "HUGGING",
    "LMSTUDIO_",
    "LM_STUDIO_",
    "OLLAMA_",
    "OPENAI_",
    "OTEL_",
    "TRAMITE_",
)
_SUFFIXES = ("_API_BASE", "_API_KEY", "_BASE_URL", "_PROXY", "_TOKEN")

_departures: list[str] = []


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str) or host in ("", "localhost"):
        return True  # no host at all: the wildcard, or a family that has no addresses
    try:
        address = ip_address(host)
    except ValueError:
        return False  # a name: asking for its address is a journey already
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        place = arguments[1]
        host = place[0] if isinstance(place, tuple) else None  # else a unix socket's path
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        _departures.append(f"{event} to {host!r}")
        # A BaseException: no `except Exception` between here and the test can make it look handled.
        pytest.fail(f"A test tried to leave this machine: {event} to {host!r}.")


sys.addaudithook(_stay_here)  # for the life of the process: an audit hook cannot be removed


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fails the test even when the attempt was made, and lost, on another thread."""
    _departures.clear()
    yield
    assert not _departures, f"This test tried to leave this machine: {_departures}."


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, an empty home in it, no provider's variables, no proxy."""
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES) or name.upper().endswith(_SUFFIXES):
            monkeypatch.delenv(name)
    for variable, folder in {"HOME": "home", "TRAMITE_HOME": "home/tramite"}.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.chdir(tmp_path)
