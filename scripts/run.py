"""`make run`: starts the gateway and the workbench, says where they are, shows one streamed answer. Ctrl-C ends both.

Knows the gateway as its clients do: by its address. What it is given goes to `tramite serve`, but for `--ui-port N`.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from queue import SimpleQueue

TRAMITE = str(Path(sys.executable).with_name("tramite"))
QUESTION = "Ciao! In una frase: che cosa sei?"
UI_PORT = 8501
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Part:
    """A program of ours. It is in a group of its own, so that Ctrl-C reaches it once: from here."""

    def __init__(self, title: str, command: list[str], news: SimpleQueue[Part | None]) -> None:
        self.title = title
        self.address = ""
        self.code: int | None = None
        self._news = news
        self._process = subprocess.Popen(
            [TRAMITE, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, process_group=0
        )
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Tell it to end, where it has not."""
        if self.code is None:
            self._process.send_signal(number)

    def _watch(self) -> None:
        """News are where it is, and that it has ended."""
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if self.address:
            self._news.put(self)
        self.code = self._process.wait()
        self._news.put(self)


def main() -> int:
    """The exit code of the part that ended by itself; 0, when they were told to."""
    given, serve = _arguments().parse_known_args()
    news: SimpleQueue[Part | None] = SimpleQueue()
    for number in SIGNALS:
        signal.signal(number, lambda *_: news.put(None))
    gateway = Part("gateway", ["serve", *serve], news)
    workbench = Part("workbench", ["ui", "--quiet", "--no-browser", "--port", str(given.ui_port)], news)
    parts = (gateway, workbench)
    ended = _until_one_ends(gateway, workbench, news)
    if ended is not None:
        print(f"\nThe {ended.title} has ended, so the other one ends, too.", flush=True)
        if not all(part.address for part in parts):
            print('Ports are chosen with: make run ARGS="--port N --ui-port N"', flush=True)
    code = _end(parts, news)
    return code if ended is None else ended.code or 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make run", epilog="Everything else goes to the gateway: see tramite serve --help.", allow_abbrev=False
    )
    parser.add_argument("--ui-port", type=int, default=UI_PORT, metavar="N", help="the workbench's port; 0 takes any")
    return parser


def _until_one_ends(gateway: Part, workbench: Part, news: SimpleQueue[Part | None]) -> Part | None:
    """The part that has ended by itself; None, when somebody wants both to end."""
    shown = False
    while (part := news.get()) is not None:
        if part.code is not None:
            return part
        if gateway.address and workbench.address and not shown:
            shown = True
            threading.Thread(target=introduce, args=(gateway.address, workbench.address), daemon=True).start()
    return None


def _end(parts: tuple[Part, ...], news: SimpleQueue[Part | None]) -> int:
    """End them all, as they should; at once, when it is said again. The worst exit code; a signal's is none."""
    for part in parts:
        part.end()
    while any(part.code is None for part in parts):
        if news.get() is None:
            for part in parts:
                part.end(signal.SIGKILL)
    return max(0, *(part.code or 0 for part in parts))


def introduce(gateway: str, workbench: str) -> None:
    """Say where they are, and show that an answer comes."""
    print(f"\nThe workbench is at {workbench}/ (open it in a browser).")
    print(f"The gateway is at {gateway}/, its API at {gateway}/v1.\n", flush=True)
    try:
        show(gateway)
    except OSError as error:
        print(f"The first answer did not come: {error}", flush=True)
    print(f"\n\nIn another terminal: {TRAMITE} chat. Ctrl-C ends both.\n", flush=True)


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


if __name__ == "__main__":
    sys.exit(main())
