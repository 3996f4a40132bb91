"""Files that go along with a message: pictures as pictures, texts as text between fences. Knows no page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from tramite.errors import InvalidCall
from tramite.messages import Image, Message, Part, Text, user

TEXTS = ("txt", "md", "csv", "tsv", "json", "jsonl", "xml", "html", "yaml", "yml", "toml", "ini", "log", "sql", "tex")
CODE = ("py", "js", "ts", "css", "java", "c", "h", "cpp", "rs", "go", "rb", "php", "sh", "r")
IMAGES = ("png", "jpg", "jpeg", "gif", "webp")
TYPES = (*IMAGES, *TEXTS, *CODE)
MOST_CHARACTERS = 400_000
"""Of one text: what is larger fits in no model's context."""


class File(Struct, frozen=True):
    """A file as it was uploaded."""

    name: str
    data: bytes


def message(text: str, files: Sequence[File]) -> Message:
    """What the user says: the text first, then the files. Raises InvalidCall, naming the file at fault."""
    return user(text, *map(_part, files)) if files else user(text)


def names(files: Iterable[File]) -> list[str]:
    """The names of those that go along as text, in order."""
    return [file.name for file in files if not _is_image(file)]


def typed(message: Message) -> str:
    """What the user has typed of a message."""
    first = next((part for part in message.parts if isinstance(part, Text)), None)
    return first.text if first is not None else ""


def attached(message: Message) -> list[str]:
    """The texts that go along with a message."""
    return [part.text for part in message.parts if isinstance(part, Text)][1:]


def retyped(message: Message, text: str) -> Message:
    """The message with another text, and the same files."""
    parts: list[Part] = list(message.parts)
    place = next((at for at, part in enumerate(parts) if isinstance(part, Text)), None)
    if place is None:
        return user(text, *parts)
    parts[place] = Text(text)
    return user(text) if len(parts) == 1 else user(*parts)


def _part(file: File) -> Part:
    if _is_image(file):
        try:
            return Image(data=file.data)
        except InvalidCall as error:
            raise InvalidCall(f"{file.name}: {error}", "files") from None
    return Text(f"{file.name}:\n{_fenced(_text(file))}")


def _is_image(file: File) -> bool:
    return file.name.rpartition(".")[2].lower() in IMAGES


def _text(file: File) -> str:
    try:
        text = file.data.decode("utf-16" if file.data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidCall(f"{file.name} is neither a picture nor a text (UTF-8)", "files") from None
    if "\0" in text:
        raise InvalidCall(f"{file.name} is neither a picture nor a text (UTF-8)", "files")
    if len(text) > MOST_CHARACTERS:
        raise InvalidCall(f"{file.name} has {len(text):,} characters; the most is {MOST_CHARACTERS:,}", "files")
    return text


def _fenced(text: str) -> str:
    """Between fences that are longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
