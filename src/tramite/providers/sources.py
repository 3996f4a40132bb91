"""Where a secret can be read from: a variable, a file, the keyring, a command. Each reads only when it is asked."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from msgspec import Struct

from tramite.errors import ConfigError

from . import private
from .store import SecretStore, ask_keyring

COMMAND_LIMIT_S = 10
MAX_SECRET_BYTES = 64 * 1024


class Source(Protocol):
    """A place that a secret is read from, again and again if need be."""

    portable: ClassVar[bool]
    """It says where to read, and holds no secret itself."""

    @property
    def slow(self) -> bool:
        """Whether reading may take long."""
        ...

    @property
    def label(self) -> str:
        """Where it reads, for people; nothing secret."""
        ...

    def read(self) -> str | None: ...


class Written(Struct, frozen=True):
    """The secret itself, from an argument or written into a file."""

    slow: ClassVar[bool] = False
    portable: ClassVar[bool] = False
    value: str
    label: str = "argument"

    def read(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"Written('…', {self.label!r})"


class Called(Struct, frozen=True):
    """A function of the user's that gives the secret, such as azure-identity's token provider."""

    slow: ClassVar[bool] = True
    portable: ClassVar[bool] = False
    function: Callable[[], str]
    label: str = "a function"

    def read(self) -> str:
        return self.function()


class Variable(Struct, frozen=True):
    """A name that is looked up in the environment, then in `.env`, then among the stored secrets.

    The environment and the stored secrets are asked anew each time; `.env` is as it was when it was loaded.
    """

    portable: ClassVar[bool] = True
    name: str
    environ: Mapping[str, str]
    dotenv: Mapping[str, str] = {}
    store: SecretStore | None = None

    @property
    def slow(self) -> bool:
        if self.environ.get(self.name) or self.dotenv.get(self.name) or self.store is None:
            return False
        return self.store.names().get(self.name) == "keyring"

    @property
    def label(self) -> str:
        if self.environ.get(self.name):
            return f"env:{self.name}"
        if self.dotenv.get(self.name):
            return f".env:{self.name}"
        held = self.store.names().get(self.name) if self.store else None
        return f"{'keyring' if held == 'keyring' else 'stored'}:{self.name}" if held else f"env:{self.name}"

    def read(self) -> str | None:
        value = self.environ.get(self.name) or self.dotenv.get(self.name)
        if value or self.store is None:
            return value
        return self.store.get(self.name)

    def __repr__(self) -> str:
        return f"Variable({self.name!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # the other process has an environment of its own; ours must not travel
        return _variable, (self.name, self.store)


def _variable(name: str, store: SecretStore | None) -> Variable:
    return Variable(name, os.environ, {}, store)


class SecretFile(Struct, frozen=True):
    """A file that holds nothing else. Line ends at its end do not count."""

    slow: ClassVar[bool] = False
    portable: ClassVar[bool] = True
    path: Path

    @property
    def label(self) -> str:
        return f"file:{self.path}"

    def read(self) -> str | None:
        try:
            data = private.read(self.path, MAX_SECRET_BYTES)
            return None if data is None else data.decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the secret {self.label}: {_why(error)}") from None


class Keyring(Struct, frozen=True):
    """An entry of the system's keyring, under the service `tramite`."""

    slow: ClassVar[bool] = True
    portable: ClassVar[bool] = True
    name: str

    @property
    def label(self) -> str:
        return f"keyring:{self.name}"

    def read(self) -> str | None:
        return ask_keyring("get_password", self.name)


class Command(Struct, frozen=True):
    """A program that prints the secret, without a shell. Its error output is shown, its output never."""

    slow: ClassVar[bool] = True
    portable: ClassVar[bool] = True
    line: str

    @property
    def label(self) -> str:
        # arguments may hold secrets of their own
        return f"command:{(self.line.split() or [''])[0]}"

    def read(self) -> str:
        import subprocess

        try:
            words = shlex.split(self.line)
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConfigError(f"{self.label} printed no secret within {COMMAND_LIMIT_S} s") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot run {self.label}: {_why(error)}") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:] or "nothing"
            raise ConfigError(f"{self.label} ended with {done.returncode}; it said: {said}")
        return done.stdout.decode(errors="replace").rstrip("\r\n")


def _why(error: Exception) -> str:
    """What happened, without the content that it happened to."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (getattr(error, "strerror", None) or str(error)) if isinstance(error, OSError) else str(error)
