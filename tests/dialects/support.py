"""What each dialect can say, operation by operation: the data that the contract tests go by.

A dialect joins by being in the registry and having its rows here. What a row does not name must be refused or noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tramite.calls import Kind
from tramite.dialects import registry
from tramite.dialects.base import Dialect, Operation, Target, Traits

SAMPLING = frozenset(
    (
        *("model", "temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty"),
        *("stop", "seed", "logprobs", "n"),
    )
)
CHAT = SAMPLING | {"tools", "tool_choice", "response_format", "reasoning_effort"}


@dataclass(frozen=True)
class Support:
    """What one operation can say of calls, messages and replies."""

    target: Target
    call: frozenset[str]
    roles: frozenset[str] = frozenset()
    user_parts: frozenset[str] = frozenset()
    reply_parts: frozenset[str] = frozenset()
    opaque: str = "{}"
    """The JSON of a piece of state as this dialect keeps it."""
    finishes: tuple[str, ...] = ("stop", "length")
    usage: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    """Fields of the reply beyond choices and usage."""
    logprobs: bool = False


_OPENAI_TRAITS = Traits(
    developer_role=True,
    base64_embeddings=True,
    echoes=("reasoning_content", "reasoning_details", "extra_content", "tool_calls.extra_content"),
)
_OPENAI = Target("openai", "gpt-4o-mini", _OPENAI_TRAITS)
_USAGE = frozenset(("cached_tokens", "cache_write_tokens", "reasoning_tokens"))

MATRIX: dict[tuple[str, Kind], Support] = {
    ("openai", "chat"): Support(
        target=_OPENAI,
        call=CHAT,
        roles=frozenset(("system", "developer", "user", "assistant", "tool")),
        user_parts=frozenset(("text", "image", "image_url", "audio")),
        reply_parts=frozenset(("opaque", "reasoning", "refusal", "tools")),
        opaque='{"reasoning_details":[{"type":"reasoning.encrypted","data":"gAAA","index":0}]}',
        finishes=("stop", "length", "tool_calls", "content_filter"),
        usage=_USAGE,
        facts=frozenset(("model", "request_id", "system_fingerprint")),
        logprobs=True,
    ),
    ("openai", "completion"): Support(
        target=_OPENAI,
        call=SAMPLING | {"suffix", "echo"},
        usage=_USAGE,
        facts=frozenset(("model", "request_id", "system_fingerprint")),
        logprobs=True,
    ),
    ("openai", "embedding"): Support(
        target=_OPENAI, call=frozenset(("model", "dimensions")), facts=frozenset(("model",))
    ),
    ("openai", "models"): Support(target=_OPENAI, call=frozenset()),
}


def operations(*kinds: Kind) -> Iterator[tuple[str, Kind]]:
    """Every dialect's operations of these kinds (of all, without arguments), as parameters."""
    for name in registry.NAMES:
        for kind in registry.get(name).operations:
            if kind in kinds or not kinds:
                yield name, kind


def found(name: str, kind: Kind) -> tuple[Dialect, Operation, Support]:
    """The dialect, its operation, and what that one can say."""
    dialect = registry.get(name)
    return dialect, dialect.operations[kind], MATRIX[name, kind]
