"""A template: a prompt with variables, a system text, examples. Knows what a file may say, and no folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from tramite.calls import Sampling
from tramite.config.names import nearest
from tramite.errors import ConfigError, InvalidCall
from tramite.messages import Message, assistant, system, user

from . import text

Value: TypeAlias = str | int | float

KEYS = ("description", "system", "prompt", "variables", "examples", "labels", "model", "settings")
SETTINGS = tuple(name for name in Sampling.__struct_fields__ if name not in ("model", "extra"))
"""What `[settings]` may hold: how the answer is written, and nothing that changes where a request goes."""


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked once and how it was answered, both to the letter: braces in them stand for themselves."""

    input: str
    output: str


class Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before inputs and outputs where examples are written out, for completions."""

    input: str = "Input"
    output: str = "Output"


class Template(Struct, frozen=True, kw_only=True):
    """A prompt to be filled in. Its texts hold `{variables}`; `{{` and `}}` are braces."""

    name: str
    prompt: str
    description: str = ""
    system: str = ""
    variables: Mapping[str, Value] = {}
    """The values of those that need not be given."""
    examples: tuple[Example, ...] = ()
    labels: Labels = Labels()
    model: str | None = None
    settings: Mapping[str, Any] = {}
    """`temperature`, `max_tokens` …, for whoever asks."""
    origin: str = ""
    """The file it is from."""

    def __post_init__(self) -> None:
        """Raises InvalidCall for texts whose braces do not match, and for a default that no text uses."""
        used = self.names
        for name in self.variables:
            if name not in used:
                raise InvalidCall(f"variables.{name} is in no text{nearest(name, used)}", name)

    @property
    def names(self) -> tuple[str, ...]:
        """All its variables, in the order of the texts."""
        return tuple(dict.fromkeys([*_names("system", self.system), *_names("prompt", self.prompt)]))

    @property
    def needs(self) -> tuple[str, ...]:
        """The variables that have no value of their own."""
        return tuple(name for name in self.names if name not in self.variables)

    def messages(self, /, **values: Value) -> list[Message]:
        """The system text, the examples as turns, then the prompt, for a chat. Raises InvalidCall."""
        known = self._values(values)
        first = [system(_filled(self.system, known))] if self.system else []
        turns = [turn for one in self.examples for turn in (user(one.input), assistant(one.output))]
        return [*first, *turns, user(_filled(self.prompt, known))]

    def text(self, /, **values: Value) -> str:
        """All of it as one text to be continued, for a completion. Raises InvalidCall.

        Examples are written out between their labels, and so is the prompt then, which ends with the output's label.
        """
        known = self._values(values)
        first = [_filled(self.system, known)] if self.system else []
        prompt = _filled(self.prompt, known)
        if self.examples:
            before, after = self.labels.input, self.labels.output
            first += [f"{before}: {one.input}\n{after}: {one.output}" for one in self.examples]
            prompt = f"{before}: {prompt}\n{after}:"
        return "\n\n".join([*first, prompt])

    def _values(self, given: Mapping[str, Value]) -> dict[str, str]:
        names = self.names
        for name, value in given.items():
            if name not in names:
                there = ", ".join(names) or "none"
                raise InvalidCall(
                    f"the template {self.name!r} has no variable {name!r}{nearest(name, names)} (there are: {there})",
                    name,
                )
            if not isinstance(value, str | int | float):
                raise InvalidCall(f"{name} must be a string or a number, got {value!r:.80}", name)
        missing = [name for name in self.needs if name not in given]
        if missing:
            wanted = ", ".join(f"{name}=…" for name in missing)
            raise InvalidCall(f"the template {self.name!r} needs {wanted}", missing[0])
        return {name: str(value) for name, value in {**self.variables, **given}.items()}


def read(source: str, name: str, path: Path) -> Template:
    """The template in a TOML file's text. Raises ConfigError, naming file and key."""
    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    for key in table:
        if key not in KEYS:
            raise ConfigError(f"{path}: there is no key {key!r}{nearest(key, KEYS)} (known: {', '.join(KEYS)})")
    for key in ("system", "prompt"):  # the line breaks beside """ are the file's, not the text's
        if isinstance(table.get(key), str):
            table[key] = table[key].strip("\n")
    try:
        template = msgspec.convert({**table, "name": name, "origin": str(path)}, Template)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not template.prompt:
        raise ConfigError(f"{path}: prompt is empty")
    _check_settings(template, path)
    return template


def _check_settings(template: Template, path: Path) -> None:
    for key in template.settings:
        if key not in SETTINGS:
            raise ConfigError(
                f"{path}: there is no setting settings.{key}{nearest(key, SETTINGS)} (known: {', '.join(SETTINGS)})"
            )
    try:
        Sampling(**template.settings)
    except InvalidCall as error:
        raise ConfigError(f"{path}: settings.{error.field}: {error}") from None


def _names(key: str, source: str) -> tuple[str, ...]:
    try:
        return text.variables(text.parse(source))
    except ValueError as error:
        raise InvalidCall(f"{key}: {error}", key) from None


def _filled(source: str, values: Mapping[str, str]) -> str:
    return text.fill(text.parse(source), values)
