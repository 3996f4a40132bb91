"""Runs one client's program, `run.py NAME`, and writes as JSON what each of its public functions gave or raised.

A program is what a user of that client would write: it finds the gateway in OPENAI_BASE_URL and OPENAI_API_KEY, and
knows nothing of tramite. It runs on another interpreter than the tests, which cannot watch it: so it is watched here.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from typing import Any


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Nothing may leave this machine: what a client fetches unasked would be missing elsewhere."""
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost", None):
        raise OSError(f"this client wanted to ask {arguments[0]}")


def outcome(function: Any) -> Any:
    """What it returns, or the name of the error that it raises: some tests are of errors."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001  # each client has errors of its own
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.addaudithook(stay_here)
    program = importlib.import_module(sys.argv[1])
    features = [
        (name, function)
        for name, function in inspect.getmembers(program, inspect.isfunction)
        if function.__module__ == program.__name__ and not name.startswith("_")
    ]
    found = {name: outcome(function) for name, function in features}
    sys.stdout.write("\n" + json.dumps(found))
