"""The secret that the digests of keys are made with, so that whoever has the database alone can check no guess.

It is TRAMITE_KEY_PEPPER, the same on all machines that share a store; where that is not set, a file in the user's data
directory, made with the first key. It is never in the database. Knows no key.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping

from tramite.config import places
from tramite.errors import ConfigError
from tramite.providers import private

VARIABLE = "TRAMITE_KEY_PEPPER"
SHORTEST = 32
"""Characters: it is a secret like any other."""


class Pepper:
    """Makes digests. Its repr, like everything else of it, tells nothing of the secret."""

    __slots__ = ("_secret", "mark")

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.mark = self.digest("tramite: which pepper is it?").hex()
        """By which two of them can be told apart."""

    def __repr__(self) -> str:
        return "Pepper('…')"

    def digest(self, text: str) -> bytes:
        """HMAC-SHA-256 (RFC 2104): whoever lacks the pepper cannot tell of what it is."""
        return hmac.digest(self._secret, text.encode(), "sha256")


def find(environ: Mapping[str, str] = os.environ) -> Pepper | None:
    """The one that is there; None where there is none yet. Raises ConfigError."""
    said = environ.get(VARIABLE, "").strip()
    path = places.pepper_file(environ)
    try:
        text = said or (private.read(path) or b"").decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    if text and len(text) < SHORTEST:
        where = VARIABLE if said else path
        raise ConfigError(f"{where} is too short: it takes {SHORTEST} characters or more, from openssl rand -hex 32")
    return Pepper(text) if text else None


def find_or_make(environ: Mapping[str, str] = os.environ) -> Pepper:
    """The one that is there, or a new one. Raises ConfigError."""
    found = find(environ)
    if found is not None:
        return found
    path = places.pepper_file(environ)
    try:
        with private.locked(path) as target:
            if not target.exists():  # another process may have been faster
                private.replace(target, f"{secrets.token_hex(32)}\n".encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; or set {VARIABLE}") from None
    return find_or_make(environ)
