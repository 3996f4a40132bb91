"""A Messages stream as Anthropic's servers write one, out of whole blocks. Written from their documentation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tramite.wire.frames import Frame

USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 5, "output_tokens": 1}
Block = dict[str, Any]


def frame(**said: Any) -> Frame:
    """One event; real ones end in spaces, so that their length does not tell what they say."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Frame(f"{text[:-1]}   }}".encode(), said["type"])


def start(**message: Any) -> Frame:
    known = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1", "content": [], "usage": USAGE}
    return frame(type="message_start", message={**known, "stop_reason": None, "stop_sequence": None, **message})


def finish(reason: str | None = "end_turn", usage: Any = None, **delta: Any) -> Frame:
    said = {"stop_reason": reason, "stop_sequence": None, **delta}
    return frame(type="message_delta", delta=said, usage={"output_tokens": 7} if usage is None else usage)


STOP = frame(type="message_stop")
PING = Frame(b'{"type": "ping"}', "ping")


def more(index: int, **delta: Any) -> Frame:
    return frame(type="content_block_delta", index=index, delta=delta)


def block_frames(index: int, block: Block, size: int = 7) -> Iterator[Frame]:
    """A block in pieces of `size` characters, as each kind of block comes."""
    kind = block["type"]
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}.get(kind, {})
    if kind in ("tool_use", "server_tool_use"):
        empty = {"input": {}}
    begun = {name: value for name, value in block.items() if not (name == "citations" and kind == "text")}
    yield frame(type="content_block_start", index=index, content_block={**begun, **empty})
    if kind == "text":
        for citation in block.get("citations", ()):
            yield more(index, type="citations_delta", citation=citation)
        yield from (more(index, type="text_delta", text=piece) for piece in _pieces(block["text"], size))
    elif kind == "thinking":
        yield from (more(index, type="thinking_delta", thinking=piece) for piece in _pieces(block["thinking"], size))
        yield more(index, type="signature_delta", signature=block["signature"])
    elif "input" in empty:
        yield more(index, type="input_json_delta", partial_json="")
        written = json.dumps(block["input"]) if block["input"] else ""
        yield from (more(index, type="input_json_delta", partial_json=piece) for piece in _pieces(written, size))
    yield frame(type="content_block_stop", index=index)


def stream(blocks: Iterable[Block], reason: str = "end_turn", size: int = 7) -> list[Frame]:
    """A whole stream that succeeds."""
    frames = [start()]
    for index, block in enumerate(blocks):
        frames += block_frames(index, block, size)
    return [*frames, finish(reason), STOP]


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
