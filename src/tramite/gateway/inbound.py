"""A request as it came, read once at its top level: the facts that the pipeline must know, and the body it becomes.

Where the target speaks the client's dialect, the body is written again from its fields, with the target's name for the
model: of two `model` keys one is read and one is written, the same. Else it is translated. Knows no socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from tramite.calls import CompletionCall
from tramite.client.weighing import UNPRICED, attached, refuse_unpriced, texts
from tramite.dialects.base import Dialect, Encoded, Operation, Signals, Target, Watcher
from tramite.errors import InvalidCall, ProviderError
from tramite.messages import assistant
from tramite.pipeline.envelope import Envelope, Pictures
from tramite.pipeline.observing import Caller

from .carried import is_mixed
from .doors import RESPONSES, Door
from .forbidden import check
from .translation import Translation

_decode = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
_USAGE = Raw(b'{"include_usage":true}')
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_PICTURED = (b"image", b"\\u006", b"\\u007")
"""What a body with pictures has in it; their names may be written with escaped letters."""


class Inbound:
    """One request at one door. Raises InvalidCall for a body that is no JSON object, or names no model."""

    __slots__ = (
        *("_body", "_cap", "_mixed", "_prompts", "_translation", "always_translated", "answers", "door"),
        *("fields", "forwarded", "model", "stream", "wants_usage"),
    )

    def __init__(self, door: Door, body: bytes, model: str | None = None, forwarded: Mapping[str, str] = {}) -> None:
        self.door = door
        self._body = body
        self.forwarded = forwarded
        """Headers that go on to a target of the same dialect."""
        self._cap: int | None = None
        """The largest output that is said for the client, who said none."""
        self._translation: Translation | None = None
        self._mixed = is_mixed(body)
        """Whether its history must be written anew for whatever target."""
        self.always_translated = False
        """Whether its stream may be begun by one target and ended by another, which only a mapper can make one of."""
        try:
            self.fields = _decode(body)
            body.decode()  # what is passed on unread must be text all the same (RFC 8259, 8.1)
        except _UNREADABLE as error:
            raise InvalidCall(f"the body is no JSON object: {error}") from None
        check(door, self.fields)
        self.model = model if model is not None else self._text("model")
        self.stream = self._flag("stream")
        self._prompts = self._count_prompts()
        self.answers = (self._count("n") or 1) * self._prompts
        """How many come back."""
        self.wants_usage = True
        if self.stream and door.asks_for_usage:
            self.wants_usage = bool(self._object("stream_options").get("include_usage"))

    def __repr__(self) -> str:
        return f"Inbound({self.door!r}, model={self.model!r}, stream={self.stream})"

    def envelope(self, caller: Caller) -> Envelope:
        """The request, ready to travel."""
        return Envelope(
            kind=self.door.kind,
            model=self.model,
            body_for=self.body_for,
            receive=self.receive,
            watch=self.watch if self.stream else None,
            stream=self.stream,
            n=self.answers,
            best_of=(self._count("best_of") or 0) * self._prompts,
            caller=caller,
            text_bytes=self._size,
            pictures=self._pictures,
            max_output=self._max_output(),
            with_max_output=partial(self._with_max_output, caller) if self.door.max_output else None,
            texts=self.texts,
        )

    def body_for(self, dialect: Dialect, target: Target) -> Encoded:
        """The body that this target is asked with."""
        door = self.door
        if dialect.name != door.name or self._mixed:
            return self.translation.encode(dialect, target)
        fields = dict(self.fields)
        fields["model"] = Raw(_encode(target.model))
        if self.stream and door.asks_for_usage and not self.wants_usage and target.traits.include_usage:
            fields["stream_options"] = self._with_usage()
        if self._cap is not None:
            name = target.traits.max_tokens_field if door.kind == "chat" and door.asks_for_usage else door.max_output[0]
            fields[name] = Raw(_encode(self._cap))
        if door is RESPONSES:
            fields["store"] = Raw(b"false")  # a provider that is not told keeps it
        headers = {**door.headers, **self.forwarded} if self.forwarded else door.headers
        return Encoded(door.path, _encode(fields), headers=headers)

    def receive(self, operation: Operation, body: bytes) -> tuple[bytes, Signals]:
        """A whole body in the client's dialect, and the signals in it."""
        if self.passes(operation):
            return body, operation.judge(body)
        return self.translation.whole(operation, body)

    def watch(self, operation: Operation) -> Watcher:
        """What best watches a target's stream: only one that is translated is read as well."""
        if self.passes(operation):
            return operation.watcher(self.answers)
        return self.translation.watch(operation)

    def passes(self, operation: Operation) -> bool:
        """Whether an answer goes to the client as it came."""
        return operation is self.door.operation and not self._mixed and not self.always_translated

    @property
    def translation(self) -> Translation:
        """Between the client's dialect and others. The body is read whole when that is first needed."""
        if self._translation is None:
            said = {"model": self.model, **({} if self._cap is None else {self.door.max_output[0]: self._cap})}
            body = _encode({**self.fields, **{name: Raw(_encode(value)) for name, value in said.items() if value}})
            self._translation = Translation(self.door.dialect, self.door.kind, body, self.door.path)
        return self._translation

    def continued(self, text: str, caller: Caller) -> Envelope | None:
        """The same request with this text as the beginning of its answer."""
        call = self.translation.call
        if isinstance(call, CompletionCall):
            changes: dict[str, Any] = {"prompt": call.prompt + text}
        else:
            changes = {"messages": (*call.messages, assistant(text))}
        longer = copy(self)
        longer._translation = self.translation.replaced(**changes)
        longer._mixed = True  # what is sent is the call that was changed, and no more the body that came
        return longer.envelope(caller)

    def _with_max_output(self, caller: Caller, most: int) -> Envelope:
        """The same with a largest output, where the body says none."""
        capped = copy(self)
        capped._cap, capped._translation = most, None
        return capped.envelope(caller)

    def _max_output(self) -> int | None:
        if self._cap is not None:
            return self._cap
        said = [most for name in self.door.max_output if (most := self._count(name)) is not None]
        return max(said, default=None)  # of two, servers differ in which they follow

    def _count_prompts(self) -> int:
        """A completion's prompt may be several, each of which is answered; a list of numbers is one, in tokens."""
        raw = self.fields.get("prompt") if self.door.kind == "completion" else None
        if raw is None or bytes(memoryview(raw)[:1]) != b"[":
            return 1
        prompts = self._value("prompt")
        return 1 if not prompts or isinstance(prompts[0], int) else len(prompts)

    def _size(self) -> int:
        """An upper bound that costs nothing; pictures, which would spoil it, are not counted."""
        try:
            return len(self._body) - self._attached().bytes
        except InvalidCall:  # the target may understand it
            return len(self._body)

    def _pictures(self) -> Pictures:
        refuse_unpriced({name: self._value(name) for name in UNPRICED if name in self.fields})
        return self._attached()

    def _attached(self) -> Pictures:
        for sign in _PICTURED:
            if self._body.find(sign) >= 0:
                return attached(self.translation.call)
        return Pictures()

    def texts(self, value: Any) -> tuple[str, str]:
        """What was asked and answered: `value` is a whole body, or what has come of a stream's text. Never raises: the
        answer has come, whether or not it is understood here."""
        reply: Any = value if isinstance(value, str) else ""
        if isinstance(value, bytes) and value:
            try:
                reply = self.door.operation.decode(value)
            except ProviderError:
                reply = value.decode("utf-8", "replace")
        try:
            return texts(self.translation.call, reply)
        except InvalidCall:
            answered = reply if isinstance(reply, str) else getattr(reply, "text", "")
            return self._body.decode(), answered

    def _with_usage(self) -> Raw:
        given = self._object("stream_options")
        return Raw(_encode({**given, "include_usage": True})) if given else _USAGE

    def _value(self, name: str) -> Any:
        raw = self.fields.get(name)
        try:
            return None if raw is None else _decode_any(raw)
        except _UNREADABLE as error:
            raise InvalidCall(f"{name} cannot be read: {error}", name) from None

    def _text(self, name: str) -> str | None:
        value = self._value(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidCall(f"{name} must be text, got {value!r:.80}", name)

    def _flag(self, name: str) -> bool:
        value = self._value(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise InvalidCall(f"{name} must be true or false, got {value!r:.80}", name)

    def _count(self, name: str) -> int | None:
        value = self._value(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31):
            return value
        raise InvalidCall(f"{name} must be a whole number from 1, got {value!r:.80}", name)

    def _object(self, name: str) -> dict[str, Any]:
        value = self._value(name)
        if value is None or isinstance(value, dict):
            return value or {}
        raise InvalidCall(f"{name} must be an object, got {value!r:.80}", name)
