"""The keyword arguments of the client's methods: settings of a call, and how it is to be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, TypedDict, TypeVar, get_args

import msgspec

from tramite.calls import ChatCall, CompletionCall, Effort, EmbeddingCall, RerankCall, ResponseFormat, Tool
from tramite.config import Timeouts
from tramite.errors import InvalidCall
from tramite.messages import Prompt, as_messages, as_text
from tramite.pipeline.observing import NOBODY, Caller, Priority
from tramite.pipeline.retry import Retry

C = TypeVar("C", bound=ChatCall | CompletionCall | EmbeddingCall | RerankCall)


class Delivery(TypedDict, total=False):
    """How a call is carried out. Seconds; what is left out comes from the configuration."""

    retry: Retry
    deadline_s: float
    first_token_s: float
    stall_s: float
    connect_s: float
    write_s: float
    pool_s: float
    max_wait_s: float
    start_timeout_s: float
    key: str
    """Under whose name it is booked, and whose budget it has to keep to."""
    priority: Priority
    cache: bool
    """Whether an earlier answer to the same call will do, whatever `[cache]` says of such calls."""


class SamplingOptions(Delivery, total=False):
    """Settings of `calls.Sampling`, which says what they mean."""

    model: str | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    stop: str | Sequence[str]
    seed: int | None
    logprobs: int | None
    n: int | None
    extra: Mapping[str, Any]


class ChatOptions(SamplingOptions, total=False):
    """Settings of `calls.ChatCall`."""

    tool_choice: str | None
    response_format: ResponseFormat | None
    reasoning_effort: Effort | None


class CompletionOptions(SamplingOptions, total=False):
    """Settings of `calls.CompletionCall`."""

    suffix: str | None
    echo: bool


class EmbeddingOptions(Delivery, total=False):
    """Settings of `calls.EmbeddingCall`."""

    model: str | None
    dimensions: int | None
    truncate: bool
    extra: Mapping[str, Any]


class RerankOptions(Delivery, total=False):
    """Settings of `calls.RerankCall`."""

    model: str | None
    top_n: int | None
    truncate: bool
    extra: Mapping[str, Any]


_MOST_S = 1e10
"""Some 300 years. Who wants no limit at all says `math.inf`."""
_DELIVERY = frozenset(Delivery.__annotations__)


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the call, and those of its delivery. Raises InvalidCall for a time limit that is none."""
    if not options:
        return {}, {}
    settings = {name: value for name, value in options.items() if name not in _DELIVERY}
    if len(settings) == len(options):
        return settings, {}
    return settings, {name: _delivered(name, options[name]) for name in options if name in _DELIVERY}


def _delivered(name: str, value: Any) -> Any:
    if name == "priority":
        if value not in get_args(Priority):
            raise InvalidCall(f"priority must be one of {', '.join(get_args(Priority))}, got {value!r}", name)
        return value
    if name == "cache":
        if not isinstance(value, bool):
            raise InvalidCall(f"cache must be True or False, got {value!r:.80}", name)
        return value
    if name == "key":
        return as_text(value, name)
    if name == "retry":
        if value is not None and not isinstance(value, Retry):
            raise InvalidCall(f"retry must be a tramite.Retry, got {value!r}", name)
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and value > 0 and (value <= _MOST_S or value == inf)):
        raise InvalidCall(f"{name} must be a number of seconds above 0, got {value!r}", name)
    return float(value)


def timeouts(base: Timeouts, delivery: Mapping[str, Any]) -> Timeouts:
    """The configured time limits with those of one call laid over them."""
    changes = {name: value for name, value in delivery.items() if name in Timeouts.__struct_fields__}
    return msgspec.structs.replace(base, **changes) if changes else base


def caller(delivery: Mapping[str, Any]) -> Caller:
    """Who asks, where the options say so. The gateway knows more of its callers, and says it as `caller`."""
    if "caller" in delivery:
        known: Caller = delivery["caller"]
        return known
    who = {name: delivery[name] for name in ("key", "priority") if name in delivery}
    return Caller(**who) if who else NOBODY


def chat_call(prompt: Prompt | ChatCall, settings: dict[str, Any], tools: Sequence[Tool] = ()) -> ChatCall:
    """A ChatCall out of whatever `chat()` was given."""
    if isinstance(prompt, ChatCall):
        return changed(prompt, {**settings, "tools": (*prompt.tools, *tools)} if tools else settings)
    return _built(ChatCall, {**settings, "messages": as_messages(prompt), "tools": tuple(tools)})


def completion_call(prompt: str | CompletionCall, settings: dict[str, Any]) -> CompletionCall:
    """A CompletionCall out of whatever `complete()` was given."""
    if isinstance(prompt, CompletionCall):
        return changed(prompt, settings)
    return _built(CompletionCall, {**settings, "prompt": prompt})


def embedding_call(inputs: str | Iterable[str] | EmbeddingCall, settings: dict[str, Any]) -> EmbeddingCall:
    """An EmbeddingCall out of whatever `embed()` was given."""
    if isinstance(inputs, EmbeddingCall):
        return changed(inputs, settings)
    texts = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    return _built(EmbeddingCall, {**settings, "inputs": texts})


def rerank_call(query: str | RerankCall, texts: Iterable[str], settings: dict[str, Any]) -> RerankCall:
    """A RerankCall out of whatever `rerank()` was given."""
    if isinstance(query, RerankCall):
        return changed(query, settings)
    return _built(RerankCall, {**settings, "query": query, "texts": tuple(texts)})


def changed(call: C, settings: dict[str, Any]) -> C:
    """The call with other settings."""
    try:
        return msgspec.structs.replace(call, **settings) if settings else call
    except TypeError as error:
        raise _unknown(type(call), error) from None


def _built(cls: type[C], settings: dict[str, Any]) -> C:
    try:
        return cls(**settings)
    except TypeError as error:
        raise _unknown(cls, error) from None


def _unknown(cls: type[Any], error: TypeError) -> InvalidCall:
    known = ", ".join(
        field
        for field in cls.__struct_fields__
        if field not in ("messages", "prompt", "inputs", "query", "texts", "tools")
    )
    return InvalidCall(f"{error}; known settings are {known}; for one that a provider alone has, use extra={{…}}")
