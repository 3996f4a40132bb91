"""The two voices of a command: data on stdout, everything else on stderr. Knows what a terminal is, and no command."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from shutil import get_terminal_size
from typing import TextIO

BOLD, DIM, RED, GREEN, YELLOW = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"
_PLAIN = "\x1b[0m"

# What a model writes must not steer the terminal: control characters are shown, not obeyed.
_VISIBLE: dict[int, int | None] = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_VISIBLE |= {0x7F: 0x2421, ord("\r"): None}


_NARROWEST = 30
"""Characters of a column that a text can still be read in."""


class Terminal:
    """Where a command speaks. `quiet` leaves out what one can do without."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stdout.isatty()
        """Someone watches stdout."""
        self.interactive = self.live or sys.stdin.isatty()
        """Someone sits at one of its ends."""
        self._at_start = True
        self._thinking = False
        _listen(self)

    def data(self, text: str, style: str = "") -> None:
        """Data, at once. On a terminal, control characters are made visible."""
        if not text:
            return
        self._end_thought()
        sys.stdout.write(styled(text.translate(_VISIBLE), style, sys.stdout) if self.live else text)
        sys.stdout.flush()
        self._at_start = text.endswith("\n")

    def line(self, text: str) -> None:
        """A line of data."""
        self.data(f"{text}\n")

    def end_line(self, always: bool = False) -> None:
        """Go to the start of a line, on a terminal; in a pipe the data stays as it is, unless `always`."""
        self._end_thought()
        if (self.live or always) and not self._at_start:
            self.data("\n")

    def break_line(self) -> None:
        """After the user's own keys left the cursor in a line."""
        sys.stderr.write("\n")
        sys.stderr.flush()
        self._at_start = True

    def error(self, text: str) -> None:
        """Something has failed, and the command goes on."""
        self.end_line()
        error(text)

    def note(self, text: str) -> None:
        """Something good to know."""
        if not self.quiet:
            self._say(text, DIM)

    def warn(self, text: str) -> None:
        """Something that must be known, in `quiet` too."""
        self._say(text, "")

    def thought(self, text: str) -> None:
        """A piece of the model's thinking: shown to who watches, never part of the data."""
        if self.quiet or not sys.stderr.isatty():
            return
        self._thinking = True
        sys.stderr.write(styled(text.translate(_VISIBLE), DIM))
        sys.stderr.flush()

    def _end_thought(self) -> None:
        if self._thinking:
            self._thinking = False
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _say(self, text: str, style: str) -> None:
        self.end_line()
        sys.stdout.flush()
        sys.stderr.write(f"{styled(wrapped(text.translate(_VISIBLE), sys.stderr), style)}\n")
        sys.stderr.flush()


class _Retries(logging.Handler):
    """What the library logs (every retry, with its reason and its wait; long waits for a limit), as notes."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.INFO)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.note(record.getMessage())


def _listen(terminal: Terminal) -> None:
    logging.getLogger("tramite.limits").setLevel(logging.INFO)  # who waits at a terminal wonders what for
    logger = logging.getLogger("tramite")
    logger.handlers[:] = [*(one for one in logger.handlers if not isinstance(one, _Retries)), _Retries(terminal)]


def error(message: str) -> None:
    """Why a command ends."""
    head, _, text = wrapped(f"tramite: {message.translate(_VISIBLE)}", sys.stderr).partition(" ")
    sys.stderr.write(f"{styled(head, RED)} {text}\n")
    sys.stderr.flush()


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """Text for a stream (stderr, where none is named), styled where that is seen and wanted (https://no-color.org)."""
    return f"{style}{text}{_PLAIN}" if style and colours(stream or sys.stderr) else text


def wrapped(text: str, stream: TextIO, indent: str = "  ") -> str:
    """Words for people, broken between them where a terminal would break them anywhere; what follows is indented."""
    if not stream.isatty():
        return text
    from textwrap import fill

    width = max(40, get_terminal_size().columns - 1)
    return "\n".join(
        fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def colours(stream: TextIO) -> bool:
    """Whether a stream shows styles, and its user wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], gives: int | None = None) -> None:
    """Rows on stdout: a table on a terminal; in a pipe one line each, tab-separated, with no heads, uncut.

    Where a terminal is too narrow, the column `gives` alone is broken into lines; None: all of them.
    """
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
        sys.stdout.flush()
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, column in enumerate(shown.columns):
        column.overflow = "fold"
        column.no_wrap = gives not in (None, number)
    for row in rows:
        shown.add_row(*(Text(cell.translate(_VISIBLE)) for cell in row))
    Console(no_color=not colours(sys.stdout), highlight=False).print(shown)


def side_by_side(heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Texts beside each other on a terminal, as wide as it allows; in blocks, where they would be too narrow to read.

    Each label has a row, which is left out of a block that has nothing for it.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(no_color=not colours(sys.stdout), highlight=False)
    labels = max(map(len, rows))
    room = max(1, (console.width - labels - 2) // _NARROWEST)
    for start in range(0, len(heads), room):
        shown = Table(box=box.MINIMAL, pad_edge=False, expand=True, header_style="bold")
        shown.add_column(no_wrap=True, width=labels)
        for head in heads[start : start + room]:
            shown.add_column(head, ratio=1, overflow="fold")
        for label, cells in rows.items():
            here = cells[start : start + room]
            if any(here):
                shown.add_row(label, *(Text(cell.translate(_VISIBLE)) for cell in here))
        console.print(shown)
