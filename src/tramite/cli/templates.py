"""A template named on a command line, and the values for it that stand there. Sends nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from msgspec import Struct

from tramite.errors import InvalidCall
from tramite.messages import Message
from tramite.prompts import Template, load

from . import reading
from .form import Writing
from .terminal import Terminal


class Filled(Struct, frozen=True):
    """A template with all its values."""

    template: Template
    values: dict[str, str]

    def messages(self) -> list[Message]:
        """For a chat. Raises InvalidCall."""
        return self.template.messages(**self.values)

    def text(self) -> str:
        """For a completion. Raises InvalidCall."""
        return self.template.text(**self.values)


def named(given: Writing, words: str | None, terminal: Terminal) -> Filled | None:
    """The template that -t names, with the values of -p; None where none is named. Raises InvalidCall, ConfigError.

    `words`, or a text piped in, is the value of the only variable that has none.
    """
    if given.template is None:
        if given.param:
            raise InvalidCall("-p gives a value to a template's variable: name the template with -t", "template")
        return None
    template = load(given.template)
    terminal.note(f"template: {template.name} ({template.origin})")
    values = _values(given.param, terminal)
    left = [name for name in template.needs if name not in values]
    if len(left) == 1 and (text := _text(words, terminal)):
        values[left[0]] = text
    elif words is not None:
        there = ", ".join(template.names) or "none"
        raise InvalidCall(
            f"the template {template.name} is the prompt: give its variables their values with -p (there are: {there})",
            "prompt",
        )
    return Filled(template, values)


def _values(given: Sequence[str], terminal: Terminal) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InvalidCall(f"-p takes NAME=VALUE, got {one!r}")
        found[name.strip()] = _stdin(terminal) if value == reading.STDIN else value
    return found


def _text(words: str | None, terminal: Terminal) -> str:
    if words is not None and words != reading.STDIN:
        return words
    return _stdin(terminal) if words == reading.STDIN or not sys.stdin.isatty() else ""


def _stdin(terminal: Terminal) -> str:
    return reading.stdin_text(terminal).rstrip("\n")
