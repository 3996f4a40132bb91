"""`make run`: starts the gateway, says where it is, and shows one streamed answer through it. Ctrl-C ends it.

Knows the gateway as its clients do: by its address.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

TRAMITE = str(Path(sys.executable).with_name("tramite"))
QUESTION = "Ciao! In una frase: che cosa sei?"


def main() -> int:
    """The gateway's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway hears it too, and ends as it should; then so do we
    gateway = subprocess.Popen(
        [TRAMITE, "serve", *sys.argv[1:]], stdout=subprocess.PIPE, text=True, preexec_fn=_listen_to_ctrl_c
    )
    assert gateway.stdout is not None
    address = gateway.stdout.readline().strip()
    if not address:
        return gateway.wait()
    print(f"\nThe gateway is at {address}/ (open it in a browser), its API at {address}/v1.\n", flush=True)
    try:
        show(address)
    except OSError as error:
        print(f"The first answer did not come: {error}", flush=True)
    print(f"\n\nIn another terminal: {TRAMITE} chat. Ctrl-C ends the gateway.\n", flush=True)
    return gateway.wait()


def show(address: str) -> None:
    """Ask the default model, else the demo, and print what comes as it comes."""
    model = _default_model()
    body = {"model": model, "stream": True, "max_tokens": 200, "messages": [{"role": "user", "content": QUESTION}]}
    request = urllib.request.Request(
        f"{address}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    print(f"{QUESTION}  ({model})\n", flush=True)
    try:
        with urllib.request.urlopen(request, timeout=60) as stream:
            for line in stream:
                _print_piece(line.decode())
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}").get("error", {}).get("message", error.reason)
        print(f"The gateway answers {error.code}: {said}", flush=True)


def _default_model() -> str:
    from tramite.config import load

    choice = load().default
    return choice.model if choice is not None else "demo/demo"


def _print_piece(line: str) -> None:
    if not line.startswith("data: {"):
        return
    data = json.loads(line[6:])
    if "error" in data:
        print(f"\n{data['error'].get('message')}", flush=True)
    for choice in data.get("choices", []):
        print(choice.get("delta", {}).get("content") or "", end="", flush=True)


def _listen_to_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
