"""What a call brings along: the size of its texts, its pictures, and what is said in it. Knows no tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from tramite.calls import Call, ChatCall, CompletionCall, EmbeddingCall, RerankCall
from tramite.errors import InvalidCall
from tramite.messages import Image
from tramite.pipeline.envelope import Pictures

_TEXT = attrgetter("text")
UNPRICED: Mapping[str, tuple[Any, ...]] = {
    "service_tier": ("auto", "default", "flex", "standard_only"),
    "speed": ("standard",),
    "tools": ("function", "custom", "local_shell", "shell", "apply_patch"),
    "web_search_options": (),
    "mcp_servers": ([],),
    "plugins": ([],),
    "prediction": (),
}
"""What may cost more than the tokens that go there and come back, and the values (of tools, the kinds) that do not."""
_CLIENTS_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")
"""What Anthropic has defined, and its clients run."""
_BASE64 = 4 / 3


def text_bytes(call: Call) -> int:
    """UTF-8 bytes of the call's texts."""
    text = "".join(map(_TEXT, call.messages) if type(call) is ChatCall else _texts(call))
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def pictures(call: Call) -> Pictures:
    """The pictures in the call, with the bytes that they are in a body: base64, and nothing for an address. Raises as
    `refuse_unpriced` does."""
    refuse_unpriced(getattr(call, "extra", {}))
    return attached(call)


def attached(call: Call) -> Pictures:
    """The same, whatever it may cost."""
    if not isinstance(call, ChatCall):
        return Pictures()
    parts = [part for message in call.messages if type(message.content) is tuple for part in message.content]
    found = [part for part in parts if isinstance(part, Image)]
    return Pictures(len(found), sum(int(len(part.data or b"") * _BASE64) for part in found))


def refuse_unpriced(said: Mapping[str, Any]) -> None:
    """Raise InvalidCall for what no price is known of (`UNPRICED`): a budget could not hold what it costs at most."""
    for name, value in said.items():
        if name not in UNPRICED or value is None or value in UNPRICED[name]:
            continue
        if name == "tools" and isinstance(value, list) and all(map(_is_the_clients, value)):
            continue
        raise InvalidCall(f"{name}: a budget must know what a request may cost at most: ask without it", name)


def _is_the_clients(tool: Any) -> bool:
    kind = tool.get("type", "custom") if isinstance(tool, dict) else None
    return isinstance(kind, str) and (kind in UNPRICED["tools"] or kind.startswith(_CLIENTS_TOOLS))


def texts(call: Call, value: Any) -> tuple[str, str]:
    """What was asked and what was answered, for who keeps such things. `value` is the reply, or a stream's text."""
    if isinstance(call, ChatCall):
        asked = "\n\n".join(f"{message.role}: {message.text}" for message in call.messages)
    else:
        asked = "\n".join(_texts(call))
    answered = value if isinstance(value, str) else getattr(value, "text", "")
    return asked, answered


def _texts(call: Call) -> tuple[str, ...]:
    match call:
        case ChatCall(messages=messages):
            return tuple(map(_TEXT, messages))
        case CompletionCall(prompt=prompt, suffix=suffix):
            return (prompt, suffix or "")
        case EmbeddingCall(inputs=inputs):
            return inputs
        case RerankCall(query=query, texts=texts):
            return (query, *texts)
        case _:
            return ()
