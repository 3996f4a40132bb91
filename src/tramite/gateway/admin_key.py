"""Who may administer: whoever has the admin key; without one, this machine. Knows nothing of what is behind it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from ipaddress import ip_address

from tramite.config import Gateway

from .asgi import App, Receive, Scope, Send, respond
from .doors import CHAT
from .failures import response
from .keys import KeyRefused, refused, secret_of

VARIABLE = "TRAMITE_ADMIN_KEY"
CHALLENGE = ((b"www-authenticate", b'Bearer realm="tramite"'),)
_PASSED_ON = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"))
"""What a proxy adds: then it is not this machine that asks, though it is this machine that connects."""


class AdminKey:
    """The key that the environment holds; an empty one is none. `gateway` tells what is configured now."""

    def __init__(self, value: str, gateway: Callable[[], Gateway]) -> None:
        self._digest = _digest(value) if value else b""
        self._gateway = gateway

    def __repr__(self) -> str:
        return f"AdminKey({'set' if self._digest else 'not set'})"

    @property
    def is_open(self) -> bool:
        """Whether this machine may administer without any key; to be said when the gateway starts."""
        return not self._digest and is_alone(self._gateway())

    def refusal(self, scope: Scope) -> KeyRefused | None:
        """Why this request may not administer; None where it may."""
        if not self._digest:
            if self.is_open and is_from_here(scope):
                return None
            said = f"without an admin key this is for this machine alone: set {VARIABLE} where the gateway starts"
            return refused(said, "admin_key_not_set", 403)
        secret = secret_of(scope)
        if not secret:
            return refused("this needs the admin key: authorization: Bearer …", "missing_api_key")
        if not hmac.compare_digest(_digest(secret), self._digest):
            return refused(f"that is not the admin key, the one in {VARIABLE}", "invalid_api_key")
        return None

    def guard(self, page: App) -> App:
        """The page, for those who may administer."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            refusal = self.refusal(scope)
            if refusal is None:
                await page(scope, receive, send)
                return
            status, headers, body = response(CHAT.dialect, refusal)
            await respond(send, status, [*headers, *CHALLENGE] if status == 401 else headers, body)

        return guarded


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_alone(settings: Gateway) -> bool:
    """Whether no other machine is meant to reach it, by itself or through a proxy that has a name."""
    return is_loopback(settings.host) and not settings.hosts


def is_from_here(scope: Scope) -> bool:
    """Whether this machine asks, and not a proxy on it for somebody else."""
    client = scope.get("client")
    here = client is not None and is_loopback(client[0])
    return here and not any(name in _PASSED_ON for name, _ in scope["headers"])


def _digest(text: str) -> bytes:
    """Of one length, so that comparing tells nothing of how long the key is."""
    return hmac.digest(b"tramite admin key", text.encode(), "sha256")
