"""Every error a user can meet, in one tree, divided by what to do about it. Knows no wire format and no transport.

TramiteError
├── ConfigError              fix the configuration
│   ├── UnknownProvider
│   ├── MissingSecret
│   ├── MissingExtra
│   ├── NoModelConfigured
│   └── UntrustedConfig
├── InvalidCall              fix the call; nothing was sent            (a ValueError too)
│   └── Unsupported          this target cannot do it; another may
├── LimitExceeded            one of our own limits would keep it waiting too long
├── BudgetExceeded           one of our own budgets would be passed
├── StoreFailed              the ledger cannot be written; nothing was sent
├── DeadlineExceeded         `deadline_s` is over, whatever it was spent on (a TimeoutError too)
├── SchemaMismatch           the answer does not validate; the reply is kept
├── ReplyRefused             your retry predicate refused every answer; the last one is kept
├── ToolLoopExceeded         the model kept calling tools
└── ProviderError            the provider, or the way there; carries status, code, request id …
    ├── ConnectFailed        nothing was sent
    ├── ConnectionBroken     sent, then lost: may have been billed
    ├── TimedOut             `first_token_s` or `stall_s` is over       (a TimeoutError too)
    ├── Throttled            429 with hope: wait and ask again
    ├── QuotaExhausted       money or the day's quota is gone: waiting seconds will not help
    ├── Overloaded           500 … 599: the provider has trouble of its own
    ├── ModelLoading         a cold start: the model will be there soon
    ├── AuthenticationFailed 401, 403
    ├── ModelNotFound        404 for the model or deployment
    ├── RequestRejected      400, 413, 422: the provider does not accept this request
    │   ├── ContextTooLong
    │   └── ContentFiltered
    ├── BadReply             a 200 that is not an answer: HTML, empty, broken JSON
    └── IncompleteStream     the stream ended without its proof of success; `partial` is kept
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import Event
    from .replies import Attempt, Reply


class TramiteError(Exception):
    """The root of every error of this library."""

    attempts: tuple[Attempt, ...] = ()
    """What was tried before the error was raised, the failed try included."""


class ConfigError(TramiteError):
    """The configuration is wrong; the message names file, key, value and what was expected."""


class UnknownProvider(ConfigError):
    """No provider has this name; the message offers the nearest ones."""


class MissingSecret(ConfigError):
    """A provider needs a secret that is nowhere to be found; the message names the variable to set."""


class MissingExtra(ConfigError):
    """An optional part is not installed; the message names the command that installs it."""


class NoModelConfigured(ConfigError):
    """No model was named, none is configured, and no provider has a secret."""


class UntrustedConfig(ConfigError):
    """A file of the current folder asks for something that only a trusted file may ask for."""


class InvalidCall(TramiteError, ValueError):
    """What was asked is not possible; nothing was sent. `field` names the setting at fault, where there is one."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Unsupported(InvalidCall):
    """The target lacks this operation or setting; another target may have it."""


class LimitExceeded(TramiteError):
    """One of our own limits would keep the request waiting longer than it may."""


class BudgetExceeded(TramiteError):
    """The worst case of this request would pass a budget.

    `budget` is its name, `retry_after_s` the time until there is money again: None where waiting will not help.
    """

    def __init__(self, message: str, budget: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.budget = budget
        self.retry_after_s = retry_after_s


class StoreFailed(TramiteError):
    """The store could not take what must be on disk before a request is sent."""


class DeadlineExceeded(TramiteError, TimeoutError):
    """`deadline_s` is over. `partial` holds the text that a stream had brought."""

    partial: str = ""


class _WithReply(TramiteError):
    """An answer came, and is not what was wanted; `reply` keeps the last one."""

    def __init__(self, message: str, reply: Reply) -> None:
        super().__init__(message)
        self.reply = reply

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (str(self), self.reply), self.__dict__)


class SchemaMismatch(_WithReply):
    """The answer does not validate against the schema."""


class ReplyRefused(_WithReply):
    """The retry predicate refused the answer for the last time."""


class ToolLoopExceeded(_WithReply):
    """The model asked for tools more often than `max_tool_rounds`."""


class ProviderError(TramiteError):
    """What a provider answered, or the way there.

    `status` is the HTTP status (a mid-stream error rides inside a 200), `code` and `type` are the provider's own words,
    `retry_after_s` the wait it asks for, `body` an excerpt of what it sent, `partial` the text a stream had brought.
    """

    retryable = False
    """Whether the same request may succeed at the same target."""
    maybe_billed = False
    """Whether the provider may have charged for it."""
    throttle = False
    """Whether it only asks to wait: then the try is not counted."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        retry_after_s: float | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.type = type
        self.retry_after_s = retry_after_s
        self.body = body
        self.provider: str | None = None
        self.model: str | None = None
        self.request_id: str | None = None
        self.partial = ""

    def at(self, provider: str, model: str, request_id: str | None = None) -> ProviderError:
        """Say where it happened; returns itself."""
        self.provider, self.model = provider, model
        self.request_id = request_id or self.request_id
        return self

    def __str__(self) -> str:
        where = f"{self.provider}/{self.model}: " if self.provider else ""
        facts = [f"status {self.status}" if self.status else "", self.code or self.type or ""]
        facts.append(f"request {self.request_id}" if self.request_id else "")
        known = ", ".join(fact for fact in facts if fact)
        return f"{where}{self.message}{f' ({known})' if known else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message,), self.__dict__)


class ConnectFailed(ProviderError):
    """No connection: name, refusal, TLS, proxy. Nothing was sent."""

    retryable = True


class ConnectionBroken(ProviderError):
    """The connection was lost after the request had been sent."""

    retryable = True
    maybe_billed = True


class TimedOut(ProviderError, TimeoutError):
    """The provider was silent for longer than `first_token_s` or `stall_s`."""

    retryable = True
    maybe_billed = True


class Throttled(ProviderError):
    """Too many requests; `retry_after_s` tells how long to wait, where the provider said it."""

    retryable = True
    throttle = True


class QuotaExhausted(ProviderError):
    """Money or a day's quota ran out; asking again within seconds cannot help."""


class Overloaded(ProviderError):
    """The provider has trouble of its own (500 … 599, or an overload error inside a stream)."""

    retryable = True


class ModelLoading(ProviderError):
    """The model is being loaded; `retry_after_s` is the provider's estimate, often wrong."""

    retryable = True


class AuthenticationFailed(ProviderError):
    """The secret is wrong, expired, or may not do this (401, 403)."""


class ModelNotFound(ProviderError):
    """The provider has no such model or deployment, or it is not yours to use."""


class RequestRejected(ProviderError):
    """The provider does not accept this request; the same request will fail again."""


class ContextTooLong(RequestRejected):
    """Prompt and asked-for output do not fit in the model's context window; `index` is an embedding input's."""

    index: int | None = None


class ContentFiltered(RequestRejected):
    """The provider's content filter refused the prompt; `categories` where it named them."""

    maybe_billed = True
    categories: tuple[str, ...] = ()


class BadReply(ProviderError):
    """A success status whose body is no answer: HTML, empty, broken JSON, broken UTF-8."""

    retryable = True
    maybe_billed = True
    events: tuple[Event, ...] = ()
    """What a `StreamReader` had read of the same frames before the one that is broken."""


class IncompleteStream(ProviderError):
    """The stream ended without its proof of success; the text so far is in `partial`."""

    retryable = True
    maybe_billed = True
