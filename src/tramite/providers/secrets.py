"""Secrets: where they come from, and how they stay hidden. Knows no provider and sends nothing."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from tramite.errors import ConfigError, MissingSecret

from .sources import Command, Keyring, SecretFile, Source, Variable, Written
from .store import SecretStore, is_name

PREFIXES = ("env:", "file:", "keyring:", "command:")
_SHOWN_FROM = 13
"""From this length on the last four characters are shown: enough to tell two secrets apart, too little to use."""

_HIDDEN_FROM = 8


class Secret:
    """A credential at a provider. It shows where it comes from and, at most, its last four characters.

    It is read when first asked for, and kept. Copies share it; it can be pickled only where it can be read again,
    and then the pickle holds the reference, never the value.
    """

    __slots__ = ("_lock", "_source", "_value")

    def __init__(self, source: Source | str) -> None:
        self._source: Source = Written(source) if isinstance(source, str) else source
        self._value: str | None = None
        self._lock = threading.Lock()

    @property
    def source(self) -> Source:
        """Where it is read from."""
        return self._source

    @property
    def origin(self) -> str:
        """Where it comes from, as in `env:OPENAI_API_KEY`; never what it is."""
        return self._source.label

    @property
    def blocking(self) -> bool:
        """Whether `reveal` may take long (a command, a keyring): on an event loop, ask for it in a thread."""
        return self._value is None and self._source.slow

    @property
    def is_literal(self) -> bool:
        """Whether it is written out where only a reference to it should be."""
        return isinstance(self._source, Written)

    def reveal(self) -> str:
        """The secret itself. Raises MissingSecret, or ConfigError where its source fails."""
        with self._lock:
            if self._value is None:
                self._value = _checked(self._source.read(), self.origin)
            return self._value

    def refresh(self) -> bool:
        """Read the source again, as after a 401; whether the secret is another one now."""
        with self._lock:
            before, self._value = self._value, None
            self._value = _checked(self._source.read(), self.origin)
            return before is None or not hmac.compare_digest(before.encode(), self._value.encode())

    def hidden_in(self, text: str) -> str:
        """The text with this secret masked, should it be in there and have been read.

        What is too short to be one is left: it would be found in words that have nothing to do with it.
        """
        value = self._value
        return text if value is None or len(value) < _HIDDEN_FROM else text.replace(value, str(self))

    @property
    def tail(self) -> str:
        """The last four characters of a long secret that has been read; else nothing."""
        value = self._value
        if value is None and isinstance(self._source, Written):
            value = self._source.value
        return value[-4:] if value is not None and len(value) >= _SHOWN_FROM else ""

    def __repr__(self) -> str:
        return f"Secret('…', {self.origin!r}, '…{self.tail}')"

    def __str__(self) -> str:
        return f"…{self.tail}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._source == other._source

    def __hash__(self) -> int:
        return hash(self.origin)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._source.portable:
            raise TypeError(f"a secret from {self.origin} cannot be pickled: use a reference such as env:NAME")
        return Secret, (self._source,)

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to give away")


def parse_reference(
    text: str,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Mapping[str, str] | None = None,
    store: SecretStore | None = None,
    base: Path | None = None,
    written_in: str = "argument",
) -> Secret:
    """A secret as a configuration file writes it: `env:NAME`, `file:PATH`, `keyring:NAME`, `command:LINE`, or itself.

    `env:NAME` is looked for in the environment, in `.env`, in the keyring and in the file of `tramite secrets set`, in
    this order. A relative PATH starts at `base`, the folder of the file that names it. Reads nothing yet.
    Raises ConfigError.
    """
    prefix, mark, rest = text.partition(":")
    rest = rest.strip()
    if mark and f"{prefix}:" in PREFIXES and not rest:
        raise ConfigError(f"{text!r} names nothing: write a name, a path or a command behind the colon")
    if text.startswith("env:"):
        if not is_name(rest):
            raise ConfigError(f"{rest[:40]!r} is no variable's name: use letters, digits and _, as in env:MY_KEY")
        return Secret(Variable(rest, os.environ if environ is None else environ, dotenv or {}, store))
    if text.startswith("file:"):
        return Secret(SecretFile((base or Path.cwd()) / Path(rest).expanduser()))
    if text.startswith("keyring:"):
        return Secret(Keyring(rest))
    if text.startswith("command:"):
        return Secret(Command(rest))
    return Secret(Written(text, written_in))


def _checked(value: str | None, origin: str) -> str:
    """The value, when it can stand in an HTTP header. The error never repeats it."""
    if not value:
        name = origin.partition(":")[2]
        hint = f": set the variable {name}, or run: tramite secrets set {name}" if origin.startswith("env:") else ""
        raise MissingSecret(f"the secret {origin} is {'empty' if value == '' else 'not set'}{hint}")
    bad = next((position for position, char in enumerate(value) if not " " <= char <= "~"), None)
    if bad is not None:
        kind = "a line end" if value[bad] in "\r\n" else "a character that is not plain ASCII"
        raise ConfigError(
            f"the secret {origin} holds {kind} at position {bad + 1} of {len(value)}: "
            "copy it again, without anything around it"
        )
    return value
