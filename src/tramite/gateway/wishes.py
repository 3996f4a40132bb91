"""What a request asks beyond the settings that all dialects share (`extra`), in another dialect's words.

A field that the target's dialect knows is passed on. One that asks for what is so anyway is not worth a word. One that
only steers, tags or speeds up the answer is left out with a notice. Any other may make it another answer: an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from tramite.calls import ChatCall, Kind
from tramite.dialects.base import Target
from tramite.errors import Unsupported
from tramite.messages import Opaque

Wish: TypeAlias = tuple[str, str, Any]
"""What is asked for, in our one word for it (OpenAI's, where it has one); as the client wrote it; the value."""

_OPENAI = frozenset(
    (
        *("user", "safety_identifier", "parallel_tool_calls", "service_tier", "verbosity"),
        *("prompt_cache_key", "prompt_cache_retention"),
    )
)
_GENERATION = frozenset(("best_of", "repetition_penalty", "top_k", "truncate", "typical_p", "watermark"))

_KNOWN: dict[tuple[str, Kind], frozenset[str]] = {
    ("openai", "chat"): _OPENAI,
    ("openai", "completion"): frozenset(("user",)),
    ("openai", "embedding"): frozenset(("user",)),
    ("openai-responses", "chat"): _OPENAI | {"metadata"},
    ("anthropic", "chat"): frozenset(("user", "parallel_tool_calls", "top_k")),
    ("gemini", "chat"): frozenset(("top_k",)),
    ("gemini", "embedding"): frozenset(("taskType", "title")),
    ("huggingface", "completion"): _GENERATION,
    ("huggingface", "embedding"): frozenset(("normalize", "pooling", "prompt_name", "truncation_direction")),
}
"""What each dialect takes from those who speak another."""

_AS_IT_IS: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "modalities": (["text"],),
    "parallel_tool_calls": (True,),
    "service_tier": ("auto", "default"),
    "store": (False,),
}
_ANSWERED_HERE = frozenset(("stream_options", "encoding_format"))
"""They say how the client wants its answer written, which is not the target's to do."""
_HARMLESS = frozenset(
    (
        *("user", "safety_identifier", "metadata", "labels", "service_tier", "speed", "verbosity", "prediction"),
        *("prompt_cache_key", "prompt_cache_retention", "cache_control", "context_management", "truncation"),
        *("parallel_tool_calls", "max_tool_calls", "logit_bias", "top_k", "include", "reasoning", "thinking"),
        *("repetition_penalty", "typical_p", "safetySettings", "mediaResolution"),
    )
)

_TIERS = {"auto": "auto", "standard_only": "default"}
_GENERATION_CONFIG = {"topK": "top_k", "responseModalities": "modalities", "thinkingConfig": "thinking"}


def family(dialect: str, kind: Kind) -> str:
    """The dialect whose format it is: Hugging Face's chats are OpenAI's."""
    return "openai" if (dialect, kind) == ("huggingface", "chat") else dialect


def fitted(call: Any, kind: Kind, inbound: str, outbound: str, target: Target) -> tuple[Any, list[str]]:
    """The call with what its dialect alone knows in the target's words, and the notices of what was left out.

    Raises `Unsupported`, which names the field.
    """
    ours, theirs = family(inbound, kind), family(outbound, kind)
    if ours == theirs:
        return call, []
    if isinstance(call, ChatCall):
        _refuse_foreign_parts(call, theirs, target)
    extra: dict[str, Any] = {}
    notices: list[str] = []
    known = _KNOWN.get((theirs, kind), frozenset()) - set(target.traits.unsupported)
    for name, written, value in _wishes(call.extra, ours):
        if name in known:
            extra[name] = value
        elif value in ({}, [], *_AS_IT_IS.get(name, ())):
            continue
        elif name in _HARMLESS:
            notices.append(f"{target} does not support {written}: it was left out")
        else:
            raise Unsupported(f"{target} has no word for {_shown(written, value)}", written)
    if theirs == "gemini" and "top_k" in extra:
        extra["generationConfig"] = {"topK": extra.pop("top_k")}
    return msgspec.structs.replace(call, extra=extra), notices


def _wishes(extra: dict[str, Any], dialect: str) -> Iterator[Wish]:
    for name, value in extra.items():
        if name in _ANSWERED_HERE:
            continue
        if dialect == "gemini" and name == "generationConfig":
            yield from _configured(value)
        elif dialect == "anthropic" and name == "service_tier":
            yield name, name, _TIERS.get(value) if isinstance(value, str) else value
        else:
            yield name, name, value


def _configured(config: dict[str, Any]) -> Iterator[Wish]:
    """Gemini has one place for all that it alone knows of the answer."""
    for name, value in config.items():
        word = _GENERATION_CONFIG.get(name, name)
        if word == "modalities" and isinstance(value, list):
            value = [str(one).lower() for one in value]
        yield word, f"generationConfig.{name}", value


def _shown(name: str, value: Any) -> str:
    """The field; of tools, those that are the provider's own."""
    if name != "tools" or not isinstance(value, list):
        return name
    kinds = [str(tool.get("type") or next(iter(tool), "?")) for tool in value if isinstance(tool, dict)]
    return f"tools other than the client's own functions ({', '.join(kinds):.100})"


def _refuse_foreign_parts(call: ChatCall, dialect: str, target: Target) -> None:
    """What a client put into its own messages that only its dialect knows: a document, a stored file, a search."""
    for message in call.messages:
        if message.role == "assistant" or isinstance(message.content, str):
            continue
        for part in message.content:
            if isinstance(part, Opaque) and part.dialect != dialect:
                kind = msgspec.json.decode(part.json).get("type", "state")
                raise Unsupported(
                    f"{target} takes no {kind} in a {message.role} message: the {part.dialect} dialect alone has it",
                    "messages",
                )
