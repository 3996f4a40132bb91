"""Chats of the Responses API: one operation out of its pieces, both sides."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from tramite.calls import ChatCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE, decode_again, decoded, encode_json
from tramite.dialects.openai.fields import usage_of
from tramite.dialects.request_fields import fields_of, take
from tramite.errors import InvalidCall, ProviderError
from tramite.messages import Message
from tramite.replies import Choice, Reply, Usage

from .abilities import may_think
from .answer_out import response_object
from .errors_in import not_finished
from .fields import finish_of, status_of, usage_object
from .items_out import reply_items
from .messages_in import messages_of
from .messages_out import input_items
from .parts_in import Answer, text_of
from .reader import Reader
from .settings_in import (
    refuse_what_needs_a_store,
    take_effort,
    take_sampling,
    take_text,
    take_tool_choice,
    take_tools,
)
from .settings_out import ENCRYPTED, put_extra, put_settings, without_unsupported
from .shapes import Judged, Response, decode_judged, decode_response
from .watcher import ResponseWatcher
from .writer import Writer

EXPECTED = "a response with output"


class Chat:
    """See `dialects.base.Operation`. Nothing is stored, on neither side."""

    kind: Kind = "chat"

    def encode(self, call: ChatCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/responses`."""
        notices: list[str] = []
        call = without_unsupported(call, target, notices)
        body: dict[str, Any] = {
            "model": target.model,
            "input": input_items(call.messages, target, notices),
            "store": False,
            "include": [ENCRYPTED] if may_think(target) else [],
        }
        put_settings(body, call)
        if stream:
            body["stream"] = True
        if call.extra:
            put_extra(body, call.extra, stream)
        if not body["include"]:
            del body["include"]
        return Encoded("/responses", encode_json(body), notices=tuple(notices))

    def decode(self, body: bytes) -> Reply:
        """The reply. Raises `BadReply`, or the error that the body carries."""
        try:
            return _reply(body, body)
        except UNREADABLE:
            try:
                return decode_again(lambda mended: _reply(mended, body), body)
            except UNREADABLE as error:
                raise bad_reply(body, EXPECTED, error) from error

    def reader(self, call: ChatCall) -> StreamReader:
        """A reader for the stream that answers this call."""
        return Reader()

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it has output, and a status that is an ending."""
        try:
            judged = decoded(decode_judged, body)
            body.decode()  # the text is skipped above, and broken UTF-8 in it is no answer
        except UNREADABLE as error:
            return Signals(error=bad_reply(body, EXPECTED, error))
        usage = usage_of(judged.usage)
        called = any(item.type == "function_call" for item in judged.output or ())
        finish = finish_of(judged.status, judged.incomplete_details, called)
        if finish is None or judged.error or judged.output is None:
            return Signals(error=_failure(judged, body), usage=usage)
        return Signals(proof=True, finish=finish, usage=usage)

    def watcher(self, n: int) -> Watcher:
        """A watcher; there is one choice, however many were asked for."""
        return ResponseWatcher()

    def decode_call(self, body: bytes, path: str) -> tuple[ChatCall, bool]:
        """The call that a client sent, and whether it asked for a stream. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        refuse_what_needs_a_store(fields)
        if "input" not in fields:
            raise InvalidCall("input is missing", "input")
        messages = messages_of(fields.pop("instructions", None), fields.pop("input"))
        settings = take_sampling(fields, path)
        tools = take_tools(fields)
        choice = take_tool_choice(fields, tools)
        form, effort = take_text(fields), take_effort(fields)
        stream = bool(take(fields, "stream", bool, "true or false"))
        call = ChatCall(
            messages=messages,
            tools=tools,
            tool_choice=choice,
            response_format=form,
            reasoning_effort=effort,
            **settings,
            extra=fields,
        )
        return call, stream

    def encode_reply(self, reply: Reply, call: ChatCall) -> bytes:
        """The reply's first choice as a response."""
        choice = reply.choices[0]
        now = int(time.time())
        whole = response_object(
            call, reply.request_id or f"resp_{uuid.uuid4().hex}", reply.model or call.model or "", now
        )
        whole["status"], whole["incomplete_details"] = status_of(choice.finish)
        whole["output"] = reply_items(choice, whole["status"])
        whole["usage"] = usage_object(reply.usage)
        return msgspec.json.encode(whole)

    def writer(self, call: ChatCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return Writer(call)


def _reply(body: bytes, sent: bytes) -> Reply:
    whole = decode_response(body)
    if whole.error or whole.output is None:
        raise _failure(whole, sent)
    answer = Answer()
    for item in whole.output:
        answer.take(item)
    finish = finish_of(whole.status, whole.incomplete_details, bool(answer.calls))
    if finish is None:
        raise _failure(whole, sent)
    return Reply(
        choices=(Choice(Message("assistant", answer.content()), finish, tuple(answer.logprobs)),),
        usage=usage_of(whole.usage) or Usage(),
        model=text_of(whole.model),
        request_id=text_of(whole.id) or None,
    )


def _failure(whole: Response | Judged, body: bytes) -> ProviderError:
    """Why a body that came with a success status is no reply."""
    if whole.output is None and whole.status is None:
        payload: Any = decoded(msgspec.json.decode, body)
        return error_inside(payload, body) or bad_reply(body, EXPECTED, "no output")
    return not_finished(whole.status, whole.error, whole.incomplete_details, body)
