"""Where a chat's lines come from: a person at a terminal, or a pipe. Knows nothing of what is in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from .terminal import Terminal

QUOTES = '"""'
_PROMPT, _MORE = "> ", "| "
_HISTORY_LENGTH = 1000


class Lines(Protocol):
    """What a chat reads from."""

    patient: bool
    """Someone is there, and can try again after a failure."""

    def read(self) -> str | None:
        """The next text, of one line or of several; None when there is no more."""
        ...


def gather(line: Callable[[str], str]) -> str:
    """One text out of as many lines as it takes. Raises EOFError where the input ends before it."""
    text = line(_PROMPT)
    if text.lstrip().startswith(QUOTES):
        text = text.lstrip().removeprefix(QUOTES)
        while not text.rstrip().endswith(QUOTES):
            text += "\n" + line(_MORE)
        return text.rstrip().removesuffix(QUOTES).strip("\n")
    while text.endswith("\\"):
        text = text[:-1] + "\n" + line(_MORE)
    return text


class Piped:
    """The lines of stdin."""

    patient = False

    def __enter__(self) -> Piped:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def read(self) -> str | None:
        try:
            return gather(self._line)
        except EOFError:
            return None

    def _line(self, prompt: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")


class Typed:
    """A person's lines, with the history of earlier chats. Ctrl-C clears the line, twice it leaves; so does Ctrl-D."""

    patient = True

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._history = _History()

    def __enter__(self) -> Typed:
        self._history.load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._history.restore()

    def read(self) -> str | None:
        cleared = False
        while True:
            try:
                text = gather(self._line)
            except EOFError:
                self._terminal.break_line()
                return None
            except KeyboardInterrupt:
                self._terminal.break_line()
                if cleared and not self._history.line():
                    return None
                cleared = True
                self._terminal.note("Ctrl-C once more leaves")
                continue
            self._history.add(text)
            return text

    def _line(self, prompt: str) -> str:
        if sys.stdout.isatty():
            return input(prompt)
        sys.stderr.write(prompt)  # stdout is for the answers
        sys.stderr.flush()
        return input()


class _History:
    """What was typed in this chat and in earlier ones, in a file that only its owner may read."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._readline: Any = None
        with suppress(ImportError):
            import readline

            self._readline = readline

    def load(self) -> None:
        """Read the file, or make it. Where that fails, there is no history; the chat goes on."""
        if self._readline is None:
            return
        from tramite.config import places

        self._readline.set_auto_history(False)
        path = places.data_dir(os.environ) / "chat_history"
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.fchmod(descriptor, 0o600)
            os.close(descriptor)
            self._readline.set_history_length(_HISTORY_LENGTH)
            self._readline.read_history_file(path)
            self._path = path

    def add(self, text: str) -> None:
        """Remember a text, here and in the file."""
        if self._readline is None or not text.strip():
            return
        self._readline.add_history(text)
        if self._path is not None:
            with suppress(OSError):
                self._readline.append_history_file(1, self._path)

    def line(self) -> str:
        """What stood in the line that was left by Ctrl-C."""
        return str(self._readline.get_line_buffer()) if self._readline is not None else ""

    def restore(self) -> None:
        """Leave the process as it was."""
        if self._readline is not None:
            self._readline.set_auto_history(True)
