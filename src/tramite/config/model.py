"""The configuration as one frozen, typed object. Knows neither files nor the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from tramite.providers.addresses import without_password
from tramite.providers.rows import Provider

from .money import Period
from .names import default_model_of, resolve

OnStreamFailure: TypeAlias = Literal["terminate", "restart", "continue"]
Choosing: TypeAlias = Literal["ordered", "weighted", "cheapest", "fastest"]
Strategy: TypeAlias = Literal["fixed", "random", "exponential", "exponential_jitter"]

FAILOVER = (
    *("throttled", "quota", "overloaded", "loading", "timeout", "connection", "bad_reply"),
    *("context", "not_found", "unsupported"),
)
"""The failures that another target may not have, by the names they have in a route's `failover`. A wrong secret and a
refusal by the content filter are not among them: going round either is a person's decision."""

FIRST_TOKEN_S = 60.0
LOCAL_FIRST_TOKEN_S = 600.0


class Route(Struct, frozen=True, kw_only=True):
    """A name for targets (`provider/model`): which is asked first, which follows, what a broken stream means."""

    targets: tuple[str, ...]
    choose: Choosing = "ordered"
    """`weighted` draws the first by `weights`; `cheapest` goes by price, `fastest` by measured time to first token."""
    weights: tuple[float, ...] = ()
    """One for each target, for `weighted`."""
    failover: tuple[str, ...] = FAILOVER
    """The failures after which the next target is asked."""
    cooldown_s: float = 30.0
    """How long a target that keeps failing is left alone, the first time; twice as long each further time."""
    on_stream_failure: OnStreamFailure = "terminate"


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider or a model may be asked at most; None is no limit of ours."""

    requests_per_second: float | None = None
    requests_per_minute: float | None = None
    requests_per_day: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None


class Retry(Struct, frozen=True, kw_only=True):
    """How often a failed try is repeated (`attempts` includes the first), and how long it waits in between."""

    attempts: int = 5
    strategy: Strategy = "exponential_jitter"
    base_s: float = 0.5
    max_s: float = 8.0


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long each part of a request may take. `max_wait_s` is for a limit, `start_timeout_s` for a model that is
    being loaded, `deadline_s` for everything."""

    connect_s: float = 5.0
    write_s: float = 30.0
    pool_s: float = 30.0
    first_token_s: float | None = None
    """None where nobody set it: see `first_token`."""
    stall_s: float = 30.0
    max_wait_s: float = 30.0
    start_timeout_s: float = 600.0
    deadline_s: float = 600.0

    def first_token(self, provider: Provider, stream: bool) -> float | None:
        """How long silence may last at the start. What was set holds for every reply, the default for streams alone:
        a reasoning model's whole reply is silent for long. Local servers get more, for slow prefill, and so do those
        that were asked to hold the request while they wake up."""
        if self.first_token_s is not None:
            return self.first_token_s
        if not stream:
            return None
        awake_s = LOCAL_FIRST_TOKEN_S if provider.local else FIRST_TOKEN_S
        return awake_s + (provider.scale_up_timeout_s or 0.0)


class ModelFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user says about a model: dollars per million tokens, how much fits in its window, its tokenizer's file."""

    input_per_million: float | None = None
    output_per_million: float | None = None
    context_tokens: int | None = None
    tokenizer: str | None = None


class Store(Struct, frozen=True, kw_only=True):
    """Where ledger and conversations are kept; an empty `url` is SQLite in the user's data directory."""

    url: str = ""
    keep_text: bool = False
    """Whether the ledger keeps prompts and answers too, with what looks like a secret taken out."""
    keep_days: int = 90
    """How long the ledger keeps an entry."""

    def __repr__(self) -> str:
        return f"Store(url={without_password(self.url)!r})"


class State(Struct, frozen=True, kw_only=True):
    """Where limits are counted: `memory` (one process), `file` (one machine), `redis://…` (many).

    Empty where nobody said: then it is `memory` for the library and `file` for programs that start several processes.
    `off` keeps no limits and learns none.
    """

    url: str = ""
    if_unreachable: Literal["refuse", "local"] = "refuse"
    """When the shared counters cannot be reached: refuse requests, or let each process count alone."""

    def __repr__(self) -> str:
        return f"State(url={without_password(self.url)!r})"


class Gateway(Struct, frozen=True, kw_only=True):
    """Where our own server listens."""

    host: str = "127.0.0.1"
    port: int = 4000
    workers: int = 1
    hosts: tuple[str, ...] = ()
    """Names under which it may be reached beside those of this machine's loopback and `host`: a page of another's must
    not get at it by a name of its own (DNS rebinding)."""
    origins: tuple[str, ...] = ()
    """Web pages of other origins that may use it; none by default."""
    max_body_mb: int = 64
    max_requests: int = 1000
    """Requests under way at once in one worker; what is beyond is told to come back."""
    drain_s: float = 30.0
    """How long streams may go on after the gateway was told to stop."""
    access_log: bool = False


class Cap(Struct, frozen=True):
    """So many billionths of a dollar in each hour, day or month (UTC), or in all."""

    nanousd: int
    per: Period


class Budget(Struct, frozen=True, kw_only=True):
    """What may be spent: all its caps hold at once."""

    limit: tuple[Cap, ...]
    max_output_tokens: int = 4096
    """Sent along where a request names no `max_tokens`, so that its worst case is known."""


class Cache(Struct, frozen=True, kw_only=True):
    """Whether an answer may be given again to the very same call, and for how long."""

    enabled: bool = False
    ttl_s: float = 86_400.0
    shared: bool = False
    """Whether one key's answers may be given to another."""
    max_temperature: float = 0.0
    """A call that asks for more is always answered anew: it wants to be surprised."""


class Choice(Struct, frozen=True):
    """The model that is used when none is named, and why it is this one."""

    model: str
    because: str


EACH_ADDRESS = "address"


class Config(Struct, frozen=True, kw_only=True):
    """All that is configured. Where each value comes from is in `origins`, by dotted key."""

    default_model: str | None = None
    default_provider: str | None = None
    providers: Mapping[str, Provider] = {}
    """The catalogue, what was said of its providers, and providers of the user's own."""
    routes: Mapping[str, Route] = {}
    limits: Mapping[str, Limits] = {}
    """By `provider` or `provider/model`; by `EACH_ADDRESS`, what each client address may take."""
    retry: Retry = Retry()
    timeouts: Timeouts = Timeouts()
    models: Mapping[str, ModelFacts] = {}
    """By `provider/model`."""
    budgets: Mapping[str, Budget] = {}
    """By the name of a key of ours; `global` is for everything."""
    store: Store = Store()
    state: State = State()
    cache: Cache = Cache()
    gateway: Gateway = Gateway()
    origins: Mapping[str, str] = {}
    """`default`, a file's path, `env NAME`, `.env NAME`, `argument` …"""
    notices: tuple[str, ...] = ()
    """What was found and not used, or should be done another way; for `tramite doctor`."""
    files: tuple[Path, ...] = ()
    """The files that were read."""

    def resolve(self, model: str | None = None) -> list[tuple[Provider, str]]:
        """The targets that a name stands for, in order: a route's, or one. Without a name: the default's.

        The list is empty only where no model was named and there is no default. A name such as `lmstudio/` gives an
        empty model: ask the server which it has loaded. Raises UnknownProvider, ConfigError, with the nearest names.
        """
        if model is None:
            choice = self.default
            return [] if choice is None else resolve(self, choice.model)
        return resolve(self, model)

    @property
    def default(self) -> Choice | None:
        """The model for when none is named: the configured one, else that of the first provider with a secret."""
        if self.default_model is not None:
            return Choice(self.default_model, f"default_model, from {self.origins.get('default_model', 'argument')}")
        for provider in self.providers.values():
            if provider.secret is not None and provider.default_model:
                name = f"{provider.name}/{default_model_of(provider)}"
                return Choice(name, f"there is a secret: {provider.secret.origin}")
        return None

    def route(self, model: str | None) -> Route | None:
        """The route of this name (or the default's), where it is one."""
        if model is None:
            choice = self.default
            model = choice.model if choice else ""
        return self.routes.get(model)
