"""A target ready to be asked: its provider's row, its dialect, and the transport that reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tramite.calls import Kind
from tramite.config import Timeouts
from tramite.dialects.base import Dialect, Encoded, Operation, Target, operation
from tramite.errors import ModelLoading, Overloaded, ProviderError
from tramite.providers.prices.lookup import Price
from tramite.providers.rows import Provider
from tramite.replies import Usage
from tramite.wire.seam import Request, Transport

WAKING = (502, 503, 504)
"""What is answered in front of a server that is being started (facts A5)."""


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
                **self.provider.further_headers(),
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

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that a failure status carries, at this target: one that sleeps while nobody asks is waking up."""
        error = self.dialect.decode_error(status, headers, body)
        unsaid = type(error) is Overloaded and error.code is None and error.type is None
        if not (self.provider.cold_starts and unsaid and status in WAKING):
            return error
        waking = ModelLoading(
            f"the endpoint is waking up: {error.message}",
            status=status,
            retry_after_s=error.retry_after_s,
            body=error.body,
        )
        waking.request_id = error.request_id
        return waking

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
