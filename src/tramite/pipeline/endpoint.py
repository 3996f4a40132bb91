"""A target ready to be asked: its provider's row, its dialect, and the transport that reaches it."""

from __future__ import annotations

import asyncio

from tramite.calls import Kind
from tramite.config import Timeouts
from tramite.dialects.base import Dialect, Encoded, Operation, Target, operation
from tramite.providers.prices.lookup import Price
from tramite.providers.rows import Provider
from tramite.replies import Usage
from tramite.wire.seam import Request, Transport


class Endpoint:
    """One model at one provider. What does not change from request to request is worked out once."""

    __slots__ = ("_headers", "dialect", "price", "provider", "target", "transport")

    def __init__(
        self, provider: Provider, model: str, dialect: Dialect, transport: Transport, price: Price | None = None
    ) -> None:
        self.provider = provider
        self.dialect = dialect
        self.transport = transport
        self.price = price
        self.target = Target(provider.name, model, provider.traits)
        self._headers: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.target}, {self.dialect.name}, {self.provider.base_url})"

    def operation(self, kind: Kind) -> Operation:
        """The dialect's operation of this kind. Raises `Unsupported` where there is none."""
        return operation(self.dialect, kind)

    def request(self, encoded: Encoded, timeouts: Timeouts) -> Request:
        """The request that carries this body. Raises `MissingSecret`."""
        headers = self._headers
        if headers is None:
            headers = {
                "content-type": "application/json",
                **self.provider.credentials(),
            }
            self._headers = headers
        return Request(
            method=encoded.method,
            url=self.provider.url(encoded.path, self.target.model),
            headers={**headers, **encoded.headers} if encoded.headers else headers,
            body=encoded.body,
            connect_s=timeouts.connect_s,
            write_s=timeouts.write_s,
            pool_s=timeouts.pool_s,
        )

    def cost_nanousd(self, usage: Usage | None) -> int | None:
        """What this usage costs here; None where usage or price is unknown."""
        return self.price.cost_nanousd(usage) if self.price is not None and usage is not None else None

    async def read_secret(self) -> None:
        """Read the secret where that may take long (a command, a keyring), off the loop. Raises ConfigError."""
        secret = self.provider.secret
        if secret is not None and secret.blocking:
            await asyncio.to_thread(secret.reveal)

    async def renew_secret(self) -> bool:
        """Read the secret again, after a 401; True when it is another one now."""
        secret = self.provider.secret
        if secret is None:
            return False
        self._headers = None
        return await asyncio.to_thread(secret.refresh)
