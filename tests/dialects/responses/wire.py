"""Bodies and frames of the Responses API, made short."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tramite.assembly import Assembler
from tramite.calls import ChatCall
from tramite.dialects.base import Encoded, Target, Traits, Watcher
from tramite.dialects.responses import RESPONSES
from tramite.events import Event
from tramite.messages import Message, Opaque, user
from tramite.replies import Reply
from tramite.wire.frames import Frame

CHAT = RESPONSES.operations["chat"]
CALL = ChatCall(messages=(user("?"),), model="m")
TARGET = Target("openai-responses", "gpt-5-mini")
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 6,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 16,
}


def text(said: str, **fields: Any) -> dict[str, Any]:
    """A message item that says this."""
    content = [{"type": "output_text", "text": said, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **fields}


def call(
    name: str = "weather", id: str = "call_1", arguments: str = '{"city":"Roma"}', **fields: Any
) -> dict[str, Any]:
    """A tool call."""
    said = {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name, "arguments": arguments}
    return {**said, "status": "completed", **fields}


def thought(*summary: str, id: str = "rs_1", **fields: Any) -> dict[str, Any]:
    """A reasoning item."""
    return {"type": "reasoning", "id": id, "summary": [{"type": "summary_text", "text": s} for s in summary], **fields}


def search(id: str = "ws_1") -> dict[str, Any]:
    """An item of a tool that the provider runs."""
    return {"type": "web_search_call", "id": id, "status": "completed", "action": {"type": "search", "query": "x"}}


def whole(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A response."""
    said = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "error": None}
    return {**said, "incomplete_details": None, "output": list(output), "usage": USAGE, **fields}


def decode(*output: dict[str, Any], **fields: Any) -> Reply:
    """The reply behind it."""
    reply: Reply = CHAT.decode(json.dumps(whole(*output, **fields)).encode())
    return reply


def frame(kind: str, **fields: Any) -> Frame:
    """An event of a stream."""
    name = kind if kind in ("error", "keepalive") else f"response.{kind}"
    return Frame(json.dumps({"type": name, "sequence_number": 1, **fields}).encode(), name)


def delta(said: str, kind: str = "output_text", index: int = 0, **fields: Any) -> Frame:
    """More of a message, or of something else."""
    return frame(f"{kind}.delta", output_index=index, item_id="x", delta=said, **fields)


def added(item: dict[str, Any], index: int = 0) -> Frame:
    """An item that begins."""
    return frame("output_item.added", output_index=index, item=item)


def done(item: dict[str, Any], index: int = 0) -> Frame:
    """An item that is whole."""
    return frame("output_item.done", output_index=index, item=item)


def read(frames: Iterable[Frame]) -> list[Event]:
    """The events in these frames."""
    return CHAT.reader(CALL).read(list(frames))


def assembled(frames: Iterable[Frame]) -> Reply:
    """The reply that they make."""
    assembler = Assembler()
    assembler.feed(read(frames))
    return assembler.reply()


def watched(frames: Iterable[Frame]) -> Watcher:
    """How the stream stands after these frames."""
    watcher = CHAT.watcher(1)
    for one in frames:
        watcher.note(one)
    watcher.close()
    return watcher


def encode(*messages: Message, stream: bool = False, traits: Traits | None = None, **settings: Any) -> Encoded:
    """A call as it goes out."""
    target = TARGET if traits is None else Target(TARGET.provider, TARGET.model, traits)
    return CHAT.encode(ChatCall(messages=messages or (user("?"),), **settings), target, stream)


def sent(*messages: Message, **settings: Any) -> dict[str, Any]:
    """Its body."""
    body: dict[str, Any] = json.loads(encode(*messages, **settings).body)
    return body


def given_back(message: Message) -> list[dict[str, Any]]:
    """An earlier answer as items of the next turn's input."""
    items: list[dict[str, Any]] = sent(user("a"), message, user("b"))["input"]
    return items[1:-1]


def kept(message: Message) -> list[Any]:
    """What an answer keeps for the next turn."""
    return [json.loads(part.json) for part in message.parts if isinstance(part, Opaque)]
