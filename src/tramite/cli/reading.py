"""What a command is given to send: words of the command line, stdin, files and addresses. Sends nothing."""

from __future__ import annotations

import re
import select
import stat
import sys
from collections.abc import Sequence
from os import fstat
from pathlib import Path
from typing import Literal

from tramite.errors import InvalidCall
from tramite.messages import Audio, Image, Part, Text

from .terminal import Terminal

STDIN = "-"
_PATIENCE_S = 3.0
_FENCE = re.compile(r"^(`{3,})", re.MULTILINE)
_SOUNDS: dict[str, Literal["wav", "mp3"]] = {".wav": "wav", ".mp3": "mp3"}


def prompt(words: str | None, attachments: Sequence[str], terminal: Terminal) -> str | list[Part]:
    """The prompt: words, then stdin, then the files, with a blank line between them; pictures and sound as parts.

    Raises InvalidCall where there is nothing to ask, or where something is neither text, picture nor sound.
    """
    if words == STDIN and STDIN in attachments:
        raise InvalidCall("stdin can be the prompt or an attachment, not both", "prompt")
    texts = [] if words in (None, STDIN) else [words or ""]
    if STDIN not in attachments and (words == STDIN or not sys.stdin.isatty()):
        texts.append(stdin_text(terminal, beside=bool(texts)).rstrip("\n"))
    parts: list[Part] = []
    for one in attachments:
        found = _attachment(one)
        if isinstance(found, str):
            texts.append(found)
        else:
            parts.append(found)
    text = "\n\n".join(piece for piece in texts if piece.strip())
    if not text and not parts:
        raise InvalidCall('there is nothing to ask: write tramite ask "…", or pipe a text in', "prompt")
    return [*([Text(text)] if text else []), *parts] if parts else text


def stdin_text(terminal: Terminal, beside: bool = False) -> str:
    """All of stdin, as text. `beside`: there is a prompt already, so that a pipe left open may be an oversight.

    Raises InvalidCall for what is not UTF-8 text.
    """
    if beside and not _something_soon():
        terminal.note("reading stdin too, since it is no terminal: end it, or run with </dev/null")
    return text_of(sys.stdin.buffer.read(), "stdin", "attach it: -a -")


def text_of(data: bytes, name: str, instead: str) -> str:
    """Bytes as text. Raises InvalidCall, with what to do `instead`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidCall(f"{name} is not UTF-8 text (byte {error.start + 1}); {instead}", "prompt") from None
    if "\0" in text:
        raise InvalidCall(f"{name} is binary data; {instead}", "prompt")
    return text


def file_bytes(name: str) -> bytes:
    """A file's content, or stdin's for `-`. Raises InvalidCall."""
    if name == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise InvalidCall(f"cannot read {name}: {error.strerror or error}") from None


def _attachment(name: str) -> str | Part:
    """Text in a fenced block, or a part."""
    if name.startswith(("http://", "https://")):
        return Image(url=name)
    data = file_bytes(name)
    sound = _SOUNDS.get(Path(name).suffix.lower())
    if sound is not None:
        return Audio(data, sound)
    try:
        return Image(data=data)
    except InvalidCall:
        pass
    text = text_of(data, name, "attach text, PNG, JPEG, GIF, WebP, WAV or MP3, or the address of an image")
    return fenced(text, "stdin" if name == STDIN else Path(name).name)


def fenced(text: str, name: str) -> str:
    """A text in a Markdown block of its own, which nothing in it can end."""
    longest = max((len(mark) for mark in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{name}:\n{fence}\n{text.rstrip()}\n{fence}"


def _something_soon() -> bool:
    """Whether stdin has data, or its end, before anyone grows impatient."""
    try:
        descriptor = sys.stdin.fileno()
        if stat.S_ISREG(fstat(descriptor).st_mode):
            return True
        return bool(select.select([descriptor], [], [], _PATIENCE_S)[0])
    except (OSError, ValueError):
        return True
