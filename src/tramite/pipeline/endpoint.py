"""A target ready to be asked: its provider's row, its dialect, and the transport that reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from tramite.calls import Kind
from tramite.config import Timeouts
from tramite.dialects.base import Dialect, Encoded, Operation, Target, operation
from tramite.errors import ModelLoading, Overloaded, ProviderError
from tramite.providers.addresses import without_password
from tramite.providers.prices.lookup import FREE, Price
from tramite.providers.rows import Provider
from tramite.replies import Usage
from tramite.wire.seam import Request, Transport

from .limits.retry_budget import RetryBudget
from .limits.scope import Scope
from .standing import Standing
from .users import call_user

Scopes: TypeAlias = tuple[Scope, ...]
WAKING = (502, 503, 504)
"""What is answered in front of a server that is being started (facts A5)."""


class Shared:
    """What all requests to one target have in common, whatever they ask: how it does, and what it may be asked."""

    __slots__ = ("estimate", "retries", "scopes", "standing")

    def __init__(self, scopes: Scopes = (), estimate: Callable[[int], int] = int) -> None:
        self.scopes = scopes
        """The limits' buckets that a request there touches."""
        self.estimate = estimate
        """Tokens of so many UTF-8 bytes of text."""
        self.standing = Standing()
        self.retries = RetryBudget()


class Endpoint:
    """One model at one provider. What does not change from request to request is worked out once."""

    __slots__ = (
        *("_headers", "dialect", "estimate", "free", "name", "price", "provider", "renewals", "retries", "scopes"),
        *("server", "standing", "target", "transport"),
    )

    def __init__(
        self,
        provider: Provider,
        model: str,
        dialect: Dialect,
        transport: Transport,
        price: Price | None = None,
        shared: Shared | None = None,
    ) -> None:
        self.provider = provider
        self.dialect = dialect
        self.transport = transport
        self.price = price
        self.free = price is not None and price.rates == FREE.rates
        """Whether nothing that it is asked can cost anything."""
        shared = shared or Shared()
        self.scopes, self.estimate = shared.scopes, shared.estimate
        self.standing, self.retries = shared.standing, shared.retries
        self.target = Target(provider.name, model, provider.traits)
        self.name = str(self.target)
        self.server = "" if provider.in_process else urlsplit(provider.base_url).netloc.rpartition("@")[2]
        self.renewals = 0
        """How often another secret was found after a 401."""
        self._headers: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.target}, {self.dialect.name}, {without_password(self.provider.base_url)})"

    @property
    def context_tokens(self) -> int:
        """How many tokens fit in its window; 0 where nobody says."""
        return (self.price and self.price.context_tokens) or 0

    def operation(self, kind: Kind) -> Operation:
        """The dialect's operation of this kind. Raises `Unsupported` where there is none."""
        return operation(self.dialect, kind)

    def headers(self) -> dict[str, str]:
        """What every request says: its secret, and what goes beside it. Raises `MissingSecret`."""
        if self._headers is None:
            self._headers = {
                "content-type": "application/json",
                **self.provider.further_headers(),
                **self.provider.credentials(),
            }
        return self._headers

    def request(self, encoded: Encoded, timeouts: Timeouts) -> Request:
        """The request that carries this body. Raises `MissingSecret`."""
        headers = self.headers()
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

    def hide_secret(self, error: ProviderError) -> None:
        """Mask our secret in what the provider said: some repeat the one that they refuse."""
        secret = self.provider.secret
        if secret is not None:
            error.message, error.body = secret.hidden_in(error.message), secret.hidden_in(error.body)
            error.args = (error.message,)
            error.code = error.code and secret.hidden_in(error.code)
            error.type = error.type and secret.hidden_in(error.type)

    def cost_nanousd(self, usage: Usage | None) -> int | None:
        """What this usage costs here; None where usage or price is unknown."""
        return self.price.cost_nanousd(usage) if self.price is not None and usage is not None else None

    @property
    def secret_is_slow(self) -> bool:
        """Whether the secret must still be read, from where that may take long: a command, a keyring, a function."""
        return self._headers is None and self.provider.secret is not None and self.provider.secret.blocking

    async def read_secret(self) -> None:
        """Read the secret off the loop. Raises ConfigError."""
        if self.provider.secret is not None:
            await call_user(self.provider.secret.reveal)  # it may be a function of the user's

    async def renew_secret(self, renewals: int) -> bool:
        """After a 401 of a request that began when there were so many `renewals`: whether there is another secret now.

        Another request may have renewed it meanwhile, here or for another model; else its source is read again.
        """
        secret = self.provider.secret
        if secret is None or self.renewals != renewals:
            return secret is not None
        refused, self._headers = self._headers, None
        if secret.blocking or self.headers() == refused:
            await call_user(secret.refresh)
        if self.renewals == renewals:
            self._headers = None
            self.renewals += self.headers() != refused
        return self.renewals != renewals
