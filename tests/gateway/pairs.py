"""Every inbound dialect beside every outbound one: what both can say, and how a client of each keeps an answer."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.dialects.support import MATRIX, Support
from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects import registry
from tramite.dialects.base import Target, Traits
from tramite.gateway.translation import Translation
from tramite.messages import Message, Text
from tramite.replies import Usage

INBOUND = ("openai", "openai-responses", "anthropic", "gemini")
CHATS = [(inbound, outbound) for inbound in INBOUND for outbound in registry.NAMES]
PATHS = {"gemini": "/v1beta/models/m:generateContent"}
STREAMED = {"gemini": "/v1beta/models/m:streamGenerateContent"}
ECHOES = ("reasoning_content", "reasoning_details", "extra_content", "tool_calls.extra_content")
TARGETS = {
    "openai": Target("openai", "gpt-5", Traits(developer_role=True, echoes=ECHOES)),
    "openai-responses": Target("openai-responses", "gpt-5-mini"),
    "anthropic": Target("anthropic", "claude-opus-4-6"),
    "gemini": Target("gemini", "gemini-2.5-flash"),
    "huggingface": Target("huggingface", "org/model", Traits(serves="router", echoes=ECHOES)),
}
STATES = {
    "openai": '{"reasoning_details":[{"type":"reasoning.encrypted","data":"gAAA","index":0}]}',
    "openai-responses": '{"at":[0,0,0],"item":{"type":"reasoning","summary":[],"encrypted_content":"gAAA"}}',
    "anthropic": '{"type":"thinking","thinking":"hmm…","signature":"EqQB+/=="}',
    "gemini": '{"parts":[{"call":"call_1","thoughtSignature":"c2ln"}]}',
}
"""State as each dialect keeps it, of an answer that calls `call_1`."""
STATES["huggingface"] = STATES["openai"]

_CLOSED = {"type": "object", "properties": {"città": {"type": "string"}}, "additionalProperties": False}


def state_of(dialect: str) -> str:
    """Whose state the answers of this dialect hold."""
    return "openai" if dialect == "huggingface" else dialect


def shared(inbound: str, outbound: str) -> Support:
    """What can be said in both dialects, other than state."""
    ours, theirs = MATRIX[inbound, "chat"], MATRIX[outbound, "chat"]
    return Support(
        target=theirs.target,
        call=ours.call & theirs.call - {"model"},
        roles=ours.roles & theirs.roles - {"developer"},
        user_parts=ours.user_parts & theirs.user_parts,
        reply_parts=ours.reply_parts & theirs.reply_parts - {"opaque"},
        finishes=tuple(finish for finish in ours.finishes if finish in theirs.finishes),
        usage=ours.usage & theirs.usage,
        facts=frozenset(("model",)),
        logprobs=ours.logprobs and theirs.logprobs,
        tool_finish=ours.tool_finish and theirs.tool_finish,
        choices=min(ours.choices, theirs.choices),
        always=ours.always | theirs.always,
        apart=ours.apart | theirs.apart,
        forgets=ours.forgets | theirs.forgets | {"reasoning", "refusal"},
        values={
            "tools": ((Tool("weather", "Il tempo", _CLOSED), Tool("search")),),
            "response_format": (ResponseFormat("json_schema", "place", _CLOSED),),
        },
    )


def translation(inbound: str, body: bytes, stream: bool = False) -> Translation:
    """A chat that came in."""
    return Translation(registry.get(inbound), "chat", body, (STREAMED if stream else PATHS).get(inbound, "/v1/chat"))


def asked(inbound: str, call: ChatCall | None = None, stream: bool = False) -> Translation:
    """The same, of a client that asks this."""
    call = call or ChatCall(messages=(Message("user", "Ciao"),), max_tokens=99)
    body = registry.get(inbound).operations["chat"].encode(call, TARGETS[inbound], stream).body
    return translation(inbound, body, stream)


def plain(call: ChatCall) -> dict[str, Any]:
    """What a call says, whatever the form: the words of a schema that are its name, and how content is cut into parts,
    are not told apart."""
    said = {name: getattr(call, name) for name in call.__struct_fields__ if name not in ("messages", "model", "extra")}
    form = call.response_format
    if form is not None and form.schema is not None:
        said["response_format"] = {name: value for name, value in form.schema.items() if name != "title"}
    said["messages"] = [message_of(message) for message in call.messages]
    return said


def message_of(message: Message) -> tuple[Any, ...]:
    """A message, however its content is cut."""
    others = [part for part in message.parts if not isinstance(part, Text)]
    return message.role, message.text, others, message.tool_call_id


def counted(usage: Usage) -> Usage:
    """Zero and unknown are the same to a client whose dialect has no word for unknown."""
    names = ("cached_tokens", "cache_write_tokens", "reasoning_tokens")
    return msgspec.structs.replace(usage, **{name: getattr(usage, name) or None for name in names})
