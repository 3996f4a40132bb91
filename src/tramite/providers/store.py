"""The secrets of `tramite secrets set`: a file that only its owner may read, or the keyring. Knows no provider."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import msgspec
from msgspec import Struct

from tramite.errors import ConfigError, MissingExtra

from . import private

SERVICE = "tramite"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


def is_name(text: str) -> bool:
    """Whether a secret can be called so, here and as a variable."""
    return _NAME.fullmatch(text) is not None


class SecretStore(Struct, frozen=True):
    """Named secrets. The file maps a name to its value, or to null where the value is in the keyring: so it says what
    there is without the keyring being opened, and a name is in one of the two places only."""

    path: Path

    def names(self) -> dict[str, str]:
        """Each name, and where its value is: `keyring` or `file`."""
        return {name: "keyring" if value is None else "file" for name, value in sorted(self._entries().items())}

    def get(self, name: str) -> str | None:
        """The secret of this name; None where there is none. Raises ConfigError, MissingExtra."""
        entries = self._entries()
        if name in entries and entries[name] is None:
            return ask_keyring("get_password", name)
        return entries.get(name)

    def set(self, name: str, value: str, keyring: bool = False) -> None:
        """Keep a secret; another value of this name is replaced. Raises ConfigError for a name that is none."""
        if not is_name(name):
            raise ConfigError(
                f"{name[:40]!r} is not a name for a secret: use letters, digits and _, as in OPENAI_API_KEY"
            )
        if not value.strip() or not all(" " <= char <= "~" for char in value):
            raise ConfigError(
                f"the value for {name} is empty, or holds line ends or characters that are not plain ASCII"
            )
        if keyring:
            ask_keyring("set_password", name, value)
        with private.locked(self.path) as target:
            self._write(target, {**self._entries(), name: None if keyring else value})

    def remove(self, name: str) -> bool:
        """Forget a secret; whether there was one."""
        with private.locked(self.path) as target:
            entries = self._entries()
            if name not in entries:
                return False
            if entries.pop(name) is None:
                ask_keyring("delete_password", name)
            self._write(target, entries)
        return True

    def problems(self) -> list[str]:
        """What is wrong with the file, for `tramite doctor`."""
        if private.readable_by_others(self.path):
            return [f"{self.path} can be read by others: run chmod 600 {self.path}"]
        return []

    def _entries(self) -> dict[str, str | None]:
        try:
            data = private.read(self.path)
            return {} if data is None else msgspec.json.decode(data, type=dict[str, str | None])
        except (OSError, msgspec.DecodeError) as error:
            # the decoder's message may repeat a part of the file
            why = error.strerror or str(error) if isinstance(error, OSError) else "it is not a JSON object of strings"
            raise ConfigError(f"cannot read the secrets in {self.path}: {why}") from None

    def _write(self, target: Path, entries: dict[str, str | None]) -> None:
        private.replace(target, msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n")


def ask_keyring(action: str, *words: str) -> str | None:
    """One call of the keyring library, on our own service. Raises MissingExtra, ConfigError."""
    try:
        library = import_module("keyring")
    except ImportError:
        raise MissingExtra("the keyring is not installed: run pip install 'tramite[keyring]'") from None
    try:
        answer: str | None = getattr(library, action)(SERVICE, *words)
    except Exception as error:  # noqa: BLE001  # its backends raise what they like
        raise ConfigError(f"the keyring refused {action} of {words[0]}: {type(error).__name__}") from None
    return answer
