"""What becomes of each setting at a provider: asked of the very code that would send it, so that it cannot be wrong.

A setting is sent, left out with a notice, or refused; never dropped in silence. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from tramite.calls import Call, ChatCall, CompletionCall, EmbeddingCall, Kind, ResponseFormat, Tool
from tramite.dialects import registry
from tramite.dialects.base import Target
from tramite.errors import InvalidCall
from tramite.messages import Audio, Image, Opaque, assistant, system, tool_result, user
from tramite.messages import ToolCall as Asked

from .rows import Provider

Fate: TypeAlias = Literal["sent", "notice", "refused", "dropped"]
"""`dropped` must never be seen: a test looks for it at every row."""

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
_SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
_TOOL = Tool("probe", "A probe.", _SCHEMA)
_ASKED = Asked("call_probe", "probe", '{"n":1}')

_SAMPLING: Mapping[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.25},
    "top_p": {"top_p": 0.75},
    "max_tokens": {"max_tokens": 321},
    "presence_penalty": {"presence_penalty": 0.5},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "stop": {"stop": ("§stop§",)},
    "seed": {"seed": 4711},
    "logprobs": {"logprobs": 2},
    "n": {"n": 2},
    "extra": {"extra": {"probe_extra": 1}},
}
_CHAT: Mapping[str, dict[str, Any]] = {
    **_SAMPLING,
    "reasoning_effort": {"reasoning_effort": "low"},
    "tools": {"tools": (_TOOL,)},
    "tool_choice": {"tools": (_TOOL,), "tool_choice": "required"},
    "tool results": {"messages": (user("hi"), assistant(_ASKED), tool_result(_ASKED, "42")), "tools": (_TOOL,)},
    "json": {"response_format": ResponseFormat("json_object")},
    "schema": {"response_format": ResponseFormat("json_schema", "probe", _SCHEMA)},
    "system": {"messages": (system("§system§"), user("hi"))},
    "images": {"messages": (user("hi", Image(data=_PNG)),)},
    "image urls": {"messages": (user("hi", Image(url="https://example.org/a.png")),)},
    "audio": {"messages": (user("hi", Audio(b"RIFF")),)},
    "state of others": {"messages": (user("hi"), assistant("ho", Opaque("another", "{}")), user("hi"))},
}
_COMPLETION: Mapping[str, dict[str, Any]] = {**_SAMPLING, "suffix": {"suffix": "§suffix§"}, "echo": {"echo": True}}
_EMBEDDING: Mapping[str, dict[str, Any]] = {"dimensions": {"dimensions": 64}, "extra": {"extra": {"probe_extra": 1}}}

PROBES: Mapping[Kind, Mapping[str, dict[str, Any]]] = {
    "chat": _CHAT,
    "completion": _COMPLETION,
    "embedding": _EMBEDDING,
}
_BASES: Mapping[Kind, Call] = {
    "chat": ChatCall(messages=(user("hi"),), max_tokens=100),
    "completion": CompletionCall(prompt="hi", max_tokens=100),
    "embedding": EmbeddingCall(inputs=("hi",)),
}


def features(provider: Provider, model: str = "model") -> dict[Kind, dict[str, Fate]]:
    """For each operation that the provider has, what becomes of each setting."""
    dialect = registry.get(provider.dialect)
    return {
        kind: {setting: _fate(provider, model, kind, changes) for setting, changes in PROBES[kind].items()}
        for kind in provider.kinds
        if kind in PROBES and kind in dialect.operations
    }


def _fate(provider: Provider, model: str, kind: Kind, changes: dict[str, Any]) -> Fate:
    operation = registry.get(provider.dialect).operations[kind]
    target = Target(provider.name, model, provider.traits)
    plain = operation.encode(_BASES[kind], target, False)
    try:
        probed = operation.encode(msgspec.structs.replace(_BASES[kind], **changes), target, False)
    except InvalidCall:
        return "refused"
    if set(probed.notices) - set(plain.notices):
        return "notice"
    said = (probed.body, probed.path, probed.headers) != (plain.body, plain.path, plain.headers)
    return "sent" if said else "dropped"
