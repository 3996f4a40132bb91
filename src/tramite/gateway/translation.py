"""One client's request for a target of another dialect, and the answer on its way back. Pure; knows no HTTP.

It works between a dialect and itself as well: for a history that holds what another dialect's target left there
(`carried.is_mixed`), and for a stream that one target begins and another ends.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import ChatCall, Kind
from tramite.client.core import received, watcher_for
from tramite.dialects.base import Dialect, Encoded, Operation, Signals, StreamReader, Target, Watcher, operation
from tramite.dialects.json_bodies import UNREADABLE
from tramite.errors import BadReply, InvalidCall
from tramite.messages import Message, Opaque, Reasoning
from tramite.replies import Choice, Reply
from tramite.wire.frames import Frame

from .carried import carrier, is_mixed, restored
from .wishes import family, fitted

_IDS: dict[str, tuple[str, ...]] = {
    "openai": ("chatcmpl-", "cmpl-"),
    "openai-responses": ("resp_",),
    "anthropic": ("msg_",),
    "gemini": ("",),
}
"""How the ids of answers begin: a client may look at them."""


class Translation:
    """One inbound request, whatever its targets speak. The body is decoded once, when that is first needed."""

    def __init__(self, inbound: Dialect, kind: Kind, body: bytes, path: str) -> None:
        self.inbound = inbound
        self.kind = kind
        self._operation = operation(inbound, kind)
        self._body = body
        self._path = path
        self._decoded: tuple[Any, bool] | None = None

    @property
    def call(self) -> Any:
        """What is asked. Raises InvalidCall."""
        return self._read()[0]

    @property
    def streamed(self) -> bool:
        """Whether a stream is asked for. Raises InvalidCall."""
        return self._read()[1]

    def replaced(self, **changes: Any) -> Translation:
        """The same request with other settings or messages."""
        other = Translation(self.inbound, self.kind, self._body, self._path)
        other._decoded = msgspec.structs.replace(self.call, **changes), self.streamed
        return other

    def encode(self, dialect: Dialect, target: Target) -> Encoded:
        """The call in the target's words. Raises InvalidCall, and `Unsupported` for what they cannot say."""
        call, notices = fitted(self.call, self.kind, self.inbound.name, dialect.name, target)
        try:
            encoded = operation(dialect, self.kind).encode(call, target, self.streamed)
        except UNREADABLE as error:
            raise InvalidCall(f"what came back of an earlier answer cannot be read: {error}", "messages") from error
        if not notices:
            return encoded
        return msgspec.structs.replace(encoded, notices=(*notices, *encoded.notices))

    def whole(self, spoken: Operation, body: bytes) -> tuple[bytes, Signals]:
        """A target's whole answer in the client's words. Raises BadReply, or the error that the body carries."""
        reply, signals = received(self.call, spoken, body)
        if isinstance(reply, Reply):
            name = family(self.inbound.name, self.kind)
            id = own_id(reply.request_id or "", name) or None
            choices = tuple([_with_carrier(choice, name) for choice in reply.choices])
            reply = msgspec.structs.replace(reply, request_id=id, choices=choices)
        return self._operation.encode_reply(reply, self.call), signals

    def watch(self, spoken: Operation) -> Watcher:
        """What best watches a target's stream: it reads it as well, where its dialect can do both at once."""
        return watcher_for(self.call, spoken)

    def stream(self, spoken: Operation, watcher: Watcher | None = None) -> Mapper:
        """What turns a target's stream into the client's; `watcher` is the one that notes its frames."""
        mapper = Mapper(self.inbound, self._operation, self.call)
        mapper.follow(spoken, watcher)
        return mapper

    def _read(self) -> tuple[Any, bool]:
        if self._decoded is None:
            try:
                call, streamed = self._operation.decode_call(self._body, self._path)
            except UNREADABLE as error:  # what was to be kept as it is, and cannot be written again
                raise InvalidCall(f"the request's body cannot be read: {error}") from error
            if isinstance(call, ChatCall) and is_mixed(self._body):
                call = msgspec.structs.replace(call, messages=tuple(map(restored, call.messages)))
            self._decoded = call, streamed
        return self._decoded


class Mapper:
    """One stream on its way to its client. Nothing that says its end is written before `end()`, which comes after the
    proof; state for the next turn comes with it."""

    def __init__(self, inbound: Dialect, spoken: Operation, call: Any) -> None:
        self.broken: BadReply | None = None
        """A frame that only decoding showed to be broken: the pipeline's to judge (`athrow`), before anything else."""
        self.notices: list[str] = []
        """What the stream itself told that was not done as asked."""
        self._inbound = inbound
        self._call = call
        self._dialect = family(inbound.name, spoken.kind)
        self._writer = spoken.writer(call)
        self._write = self._writer.write
        self._reader: StreamReader
        self._introduced = self._resumed = False
        self._thought: set[int] = set()
        self._states: dict[int, list[Opaque]] = {}
        self._finished: list[ev.Finished] = []
        self.text: list[str] = []
        """What has come of the answer, where it is kept (`keeps`): for a target that is to go on with it."""
        self.keeps = False
        self.beyond_text = False
        """Whether more than text has come."""

    def follow(self, spoken: Operation, watcher: Watcher | None = None) -> None:
        """From here on the frames are this operation's."""
        followed: Any = watcher  # a follower has read what it has noted
        self._reader = followed if hasattr(followed, "read") else spoken.reader(self._call)

    def resume(self, spoken: Operation, watcher: Watcher | None = None) -> None:
        """The next target goes on with the text of the one that broke off. State of either does not fit the whole."""
        self.follow(spoken, watcher)
        self.broken = None
        self._resumed = True
        self._states.clear()
        self._finished.clear()

    def map(self, frames: list[Frame]) -> list[Frame]:
        """These frames in the client's words. Never raises: what comes after a frame that cannot be read is lost, and
        `broken` says so."""
        events: Any
        try:
            events = self._reader.read(frames)
        except BadReply as error:
            self.broken = error
            events = error.events
        written: list[Frame] = []
        for event in events:
            if event.__class__ is ev.TextDelta:
                if self.keeps:
                    self.text.append(event.text)
                written += self._write(event)
            else:
                self._rarer(event, written)
        return written

    def end(self) -> list[Frame]:
        """What closes a stream that is proven whole. Raises the BadReply of one that is not."""
        if self.broken is not None:
            raise self.broken
        written: list[Frame] = []
        for index, parts in self._states.items():
            shown = None if index in self._thought else ""
            written += self._write(ev.OpaqueDelta(carrier(parts, self._dialect, shown), index))
        for finished in self._finished:
            written += self._write(finished)
        return [*written, *self._writer.end()]

    def error(self, error: Exception) -> list[Frame]:
        """What tells the client, in mid-stream, that it failed."""
        return self._inbound.encode_stream_error(error)

    def _rarer(self, event: ev.Event, written: list[Frame]) -> None:
        match event:
            case ev.Finished():
                self._finished.append(event)
            case ev.OpaqueDelta() if self._resumed:
                pass
            case ev.OpaqueDelta(part, index) if part.dialect != self._dialect:
                self._states.setdefault(index, []).append(part)
            case ev.ModelReported(model, id, fingerprint):
                if not self._introduced:
                    self._introduced = True
                    written += self._write(ev.ModelReported(model, own_id(id, self._dialect), fingerprint))
            case ev.Noticed(text):
                self.notices.append(text)
            case ev.ToolCallDelta() | ev.RefusalDelta():
                self.beyond_text = True
                written += self._write(event)
            case ev.ReasoningDelta(_, index):
                self.beyond_text = True
                self._thought.add(index)
                written += self._write(event)
            case _:
                written += self._write(event)


def own_id(id: str, dialect: str) -> str:
    """The answer's id where it has the shape of this dialect's; empty, so that a new one is made, where it has not."""
    return id if id.startswith(_IDS[dialect]) else ""


def _with_carrier(choice: Choice, dialect: str) -> Choice:
    """The choice with what other dialects want back in the one part that this dialect's clients give back."""
    parts = choice.message.parts
    foreign = [part for part in parts if isinstance(part, Opaque) and part.dialect != dialect]
    if not foreign:
        return choice
    thought = "".join([part.text for part in parts if isinstance(part, Reasoning)])
    rest = [part for part in parts if part not in foreign]
    message = Message("assistant", (carrier(foreign, dialect, thought), *rest))
    return msgspec.structs.replace(choice, message=message)
