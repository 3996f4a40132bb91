"""The items of a stream that is being written: what each has said so far, and the frames that say it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tramite.dialects.openai.parts_in import new_tool_id
from tramite.messages import ToolCall
from tramite.replies import TokenLogprob
from tramite.wire.frames import Frame

from .items_out import call_item, message_head, text_part, thinking_item, token_list


class Frames:
    """The frames of one stream, numbered, and the items that it has put out, whole as soon as they are."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._ready: list[Frame] = []
        self._number = 0

    def put(self, kind: str, **fields: Any) -> None:
        """One more frame."""
        self._ready.append(Frame(msgspec.json.encode({"type": kind, **fields, "sequence_number": self._number}), kind))
        self._number += 1

    def take(self) -> list[Frame]:
        """What is ready to go out."""
        ready, self._ready = self._ready, []
        return ready

    def open(self, item: Any) -> int:
        """An item begins; returns its index."""
        index = len(self.items)
        self.items.append(item)
        self.put("response.output_item.added", output_index=index, item=item)
        return index

    def done(self, index: int, item: Any) -> None:
        """An item is whole."""
        self.items[index] = item
        self.put("response.output_item.done", output_index=index, item=item)

    def whole(self, item: Raw) -> None:
        """An item that comes at once."""
        self.done(self.open(item), item)


class _Open:
    """An item that has begun."""

    def __init__(self, frames: Frames, item: dict[str, Any]) -> None:
        self.frames = frames
        self.item = item
        self.index = frames.open(item)

    def put(self, kind: str, **fields: Any) -> None:
        """A frame of this item."""
        self.frames.put(kind, item_id=self.item["id"], output_index=self.index, **fields)


class OpenMessage(_Open):
    """What the model says: text, refusals, each a part of the content."""

    def __init__(self, frames: Frames) -> None:
        super().__init__(frames, {**message_head("in_progress"), "content": []})
        self._said: dict[str, list[str]] = {}
        self._logprobs: list[TokenLogprob] = []

    def say(self, kind: str, text: str, logprobs: tuple[TokenLogprob, ...]) -> None:
        """More of the part of this kind (output_text or refusal)."""
        if kind not in self._said:
            self._said[kind] = []
            self.put("response.content_part.added", content_index=len(self._said) - 1, part=_part(kind, "", ()))
        self._said[kind].append(text)
        fields: dict[str, Any] = {"content_index": list(self._said).index(kind), "delta": text}
        if kind == "output_text":
            self._logprobs += logprobs
            fields["logprobs"] = token_list(logprobs)
        self.put(f"response.{kind}.delta", **fields)

    def close(self, status: str, more: dict[str, Any]) -> None:
        """It is whole."""
        content = []
        for number, (kind, pieces) in enumerate(self._said.items()):
            part = _part(kind, "".join(pieces), tuple(self._logprobs))
            fields = {name: part[name] for name in ("text", "logprobs", "refusal") if name in part}
            self.put(f"response.{kind}.done", content_index=number, **fields)
            self.put("response.content_part.done", content_index=number, part=part)
            content.append(part)
        self.frames.done(self.index, {**self.item, "status": status, "content": content, **more})


def _part(kind: str, text: str, logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any]:
    return text_part(text, logprobs) if kind == "output_text" else {"type": kind, kind: text}


class OpenThinking(_Open):
    """What the model shows of its thinking."""

    def __init__(self, frames: Frames) -> None:
        super().__init__(frames, thinking_item("", "in_progress"))
        self._said: list[str] = []
        self.put("response.reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""})

    def think(self, text: str) -> None:
        """More of it."""
        self._said.append(text)
        self.put("response.reasoning_summary_text.delta", summary_index=0, delta=text)

    def close(self, status: str, more: dict[str, Any]) -> None:
        """It is whole; `more` is the provider's own item, which goes by the id that this one began with."""
        text = "".join(self._said)
        part = {"type": "summary_text", "text": text}
        self.put("response.reasoning_summary_text.done", summary_index=0, text=text)
        self.put("response.reasoning_summary_part.done", summary_index=0, part=part)
        self.frames.done(self.index, {**self.item, "status": status, "summary": [part], **more, "id": self.item["id"]})


class OpenCall(_Open):
    """A tool that the model asks for."""

    def __init__(self, frames: Frames, id: str, name: str) -> None:
        self.id = id or new_tool_id()
        self.name = name
        super().__init__(frames, call_item(ToolCall(self.id, name, ""), {}, "in_progress"))
        self._written: list[str] = []

    def argue(self, piece: str) -> None:
        """More of the arguments."""
        self._written.append(piece)
        self.put("response.function_call_arguments.delta", delta=piece)

    def close(self, status: str, more: dict[str, Any]) -> None:
        """It is whole."""
        arguments = "".join(self._written)
        self.put("response.function_call_arguments.done", name=self.name, arguments=arguments)
        said = {"name": self.name, "arguments": arguments, "status": status}
        self.frames.done(self.index, {**self.item, **said, **more})
