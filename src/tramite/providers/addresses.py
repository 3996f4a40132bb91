"""Addresses of providers: checked, and brought to one form. Knows no provider; resolves no name."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

# Stricter than RFC 3986 on purpose: what one parser takes for a host and another for a password cannot be written.
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_PATH = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@/-]*")
# What people paste from a curl command; the dialect adds it again.
_ENDPOINTS = ("/chat/completions", "/completions", "/embeddings")
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Addresses that servers listen on, and where a client reaches them."""

EXPECTED = "an http:// or https:// address without user name, password, query or spaces"


def tidy(address: str) -> str:
    """The address in one form: no endpoint and no slash at its end. Raises ValueError, which does not repeat it."""
    parts = _split(address)
    path = parts.path.rstrip("/")
    endpoint = next((known for known in _ENDPOINTS if path.endswith(known)), "")
    return f"{parts.scheme}://{_authority(parts)}{path.removesuffix(endpoint).rstrip('/')}"


def like(row: str, address: str) -> str:
    """A person's way to write a server's address (`host`, `host:port`, with or without /v1), completed from its row.

    A port is added only where there was no scheme either, as Ollama does it for OLLAMA_HOST. Raises ValueError.
    """
    example = urlsplit(row)
    text = address.strip()
    if "://" not in text:
        text = f"{example.scheme}://{example.hostname if text.startswith(':') else ''}{text}"
        parts = _split(text)
        if parts.port is None and example.port:
            text = f"{example.scheme}://{parts.netloc}:{example.port}{parts.path}"
    found = tidy(text)
    return found if urlsplit(found).path else found + example.path


def is_loopback(address: str) -> bool:
    """Whether it names this machine for certain. A name that merely resolves to it does not count."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port: what decides who gets to read a request."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def without_password(address: str) -> str:
    """The address with whatever stands before an `@` taken out, for showing; of a database's, its settings too.

    A database's password may hold a slash, or be one of the settings (`?password=…`).
    """
    scheme, mark, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme in _DATABASES:
        path, question, _ = path.partition("?")
        if "@" not in authority and "@" in path:
            authority, slash, path = f"…@{path.rpartition('@')[2]}", "", ""
        path += "?…" * bool(question)
    return f"{scheme}{mark}{'…@' * ('@' in authority)}{authority.rpartition('@')[2]}{slash}{path}"


_DATABASES = frozenset(("postgres", "postgresql", "redis", "rediss"))


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError(EXPECTED) from error
    sound = _AUTHORITY.fullmatch(parts.netloc) and _PATH.fullmatch(parts.path) and port != 0
    # urlsplit drops line ends and tabs in silence: the pieces must make up the whole again
    whole = parts.geturl().lower() == address.lower() and not (parts.query or parts.fragment)
    if parts.scheme not in ("http", "https") or not sound or not whole:
        raise ValueError(EXPECTED)
    return parts


def _authority(parts: SplitResult) -> str:
    match = _AUTHORITY.fullmatch(parts.netloc)
    host = match["host"].lower() if match else ""
    port = f":{parts.port}" if parts.port else ""
    return _EVERY_INTERFACE.get(host, host) + port
