"""What each dialect can say, operation by operation: the data that the contract tests go by.

A dialect joins by being in the registry and having its rows here. What a row does not name must be refused or noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tramite.calls import Kind, ResponseFormat, Tool
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
    state_first: bool = False
    """That state stands before the rest of the answer, in a stream as well."""
    finishes: tuple[str, ...] = ("stop", "length")
    usage: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    """Those of them that the wire always names: 0 where nobody knows."""
    facts: frozenset[str] = frozenset()
    """Fields of the reply beyond choices and usage."""
    logprobs: bool = False
    tool_finish: bool = True
    """That tools are called is a finish of its own. Else it is `stop` on the wire, and the calls tell."""
    whole_calls: bool = False
    """A tool call comes in one piece, at the end."""
    choices: int = 3
    """The most choices that a reply may have."""
    always: frozenset[str] = frozenset()
    """Settings that the dialect fills in where a call names none."""
    apart: frozenset[str] = frozenset()
    """Settings of which this target takes one at a time."""
    forgets: frozenset[str] = frozenset()
    """Kinds of parts that a reply has and history has not: what the model needs of them is in its state."""
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values of a setting, where the usual ones are not taken."""
    model_facts: frozenset[str] = frozenset(("owned_by", "context_tokens", "type", "loaded"))
    """What a list of models tells beside their ids."""
    named: bool = True
    """A request says which model it is for."""
    counts: bool = True
    """Vectors come with the tokens that they cost."""


_OPENAI_TRAITS = Traits(
    developer_role=True,
    base64_embeddings=True,
    echoes=("reasoning_content", "reasoning_details", "extra_content", "tool_calls.extra_content"),
)
_OPENAI = Target("openai", "gpt-4o-mini", _OPENAI_TRAITS)
_USAGE = frozenset(("cached_tokens", "cache_write_tokens", "reasoning_tokens"))
_ANTHROPIC = Target("anthropic", "claude-opus-4-6")
_CLOSED = {"title": "place", "type": "object", "properties": {}, "additionalProperties": False}
_GEMINI = Target("gemini", "gemini-2.5-flash")
_ROUTER = Target("huggingface", "org/model", Traits(serves="router"))
_CONTAINER = Target("huggingface", "tei")
_RESPONSES = Target("openai-responses", "gpt-5-mini")
_OPEN = {"type": "object", "properties": {"città": {"type": "string"}}}

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
    ("anthropic", "chat"): Support(
        target=_ANTHROPIC,
        call=CHAT - {"presence_penalty", "frequency_penalty", "seed", "logprobs", "n"},
        roles=frozenset(("system", "user", "assistant", "tool")),
        user_parts=frozenset(("text", "image", "image_url")),
        reply_parts=frozenset(("opaque", "reasoning", "tools")),
        opaque='{"type":"redacted_thinking","data":"EmwK"}',
        state_first=True,
        finishes=("stop", "length", "tool_calls", "content_filter"),
        usage=frozenset(("cached_tokens", "reasoning_tokens")),
        facts=frozenset(("model", "request_id")),
        choices=1,
        always=frozenset(("max_tokens",)),
        apart=frozenset(("temperature", "top_p", "reasoning_effort")),
        forgets=frozenset(("reasoning",)),
        values={
            "response_format": (ResponseFormat("json_schema", "place", _CLOSED),),
            "tools": ((Tool("weather", "Il tempo", _CLOSED, True), Tool("search")),),
        },
    ),
    ("gemini", "chat"): Support(
        target=_GEMINI,
        call=CHAT,
        roles=frozenset(("system", "user", "assistant", "tool")),
        user_parts=frozenset(("text", "image", "image_url", "audio")),
        reply_parts=frozenset(("opaque", "reasoning", "tools")),
        opaque='{"parts":[{"text":0,"thoughtSignature":"c2ln"}]}',
        finishes=("stop", "length", "tool_calls", "content_filter"),
        tool_finish=False,
        whole_calls=True,
        usage=frozenset(("cached_tokens", "reasoning_tokens")),
        facts=frozenset(("model", "request_id")),
        logprobs=True,
        forgets=frozenset(("reasoning",)),
        values={
            "tools": ((Tool("weather", "Il tempo", {"type": "object"}), Tool("search")),),
            "response_format": (ResponseFormat("json_object"), ResponseFormat("json_schema", "place", _OPEN)),
        },
    ),
    ("gemini", "embedding"): Support(target=_GEMINI, call=frozenset(("model", "dimensions"))),
    ("gemini", "models"): Support(target=_GEMINI, call=frozenset(), model_facts=frozenset(("context_tokens",))),
    ("anthropic", "models"): Support(target=_ANTHROPIC, call=frozenset(), model_facts=frozenset(("context_tokens",))),
    ("huggingface", "chat"): Support(
        target=_ROUTER,
        call=CHAT,
        roles=frozenset(("system", "user", "assistant", "tool")),
        user_parts=frozenset(("text", "image", "image_url", "audio")),
        reply_parts=frozenset(("refusal", "tools")),
        finishes=("stop", "length", "tool_calls", "content_filter"),
        usage=_USAGE,
        facts=frozenset(("model", "request_id", "system_fingerprint")),
        logprobs=True,
    ),
    ("huggingface", "completion"): Support(
        target=_ROUTER,
        call=(SAMPLING | {"echo"}) - {"presence_penalty", "n"},
        choices=1,
        values={
            "temperature": (0, 0.3, 1.0),
            "top_p": (0.1, 0.95),
            # what begins with the prompt is taken for a prompt that was repeated
            "prompt": ("Q: che ore sono?\nA:", "Città: 😀\n\u2028", "\\ "),
        },
        apart=frozenset(("temperature", "top_p")),
    ),
    ("huggingface", "embedding"): Support(target=_ROUTER, call=frozenset(("model", "dimensions")), counts=False),
    ("huggingface", "rerank"): Support(target=_CONTAINER, call=frozenset(), named=False),
    ("huggingface", "models"): Support(target=_ROUTER, call=frozenset()),
    ("openai-responses", "chat"): Support(
        target=_RESPONSES,
        call=CHAT - {"presence_penalty", "frequency_penalty", "stop", "seed", "n"},
        roles=frozenset(("system", "developer", "user", "assistant", "tool")),
        user_parts=frozenset(("text", "image", "image_url")),
        reply_parts=frozenset(("opaque", "reasoning", "refusal", "tools")),
        opaque='{"type":"web_search_call","id":"ws_1","status":"completed"}',
        state_first=True,
        finishes=("stop", "length", "tool_calls", "content_filter"),
        tool_finish=False,
        usage=_USAGE,
        counted=frozenset(("cached_tokens", "reasoning_tokens")),
        facts=frozenset(("model", "request_id")),
        logprobs=True,
        choices=1,
        forgets=frozenset(("reasoning",)),
    ),
    ("openai-responses", "models"): Support(target=_RESPONSES, call=frozenset()),
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
