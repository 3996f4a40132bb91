"""Chats of the Messages API: one operation out of its pieces, both sides."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from tramite.calls import ChatCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.json_bodies import UNREADABLE, decode_again, decoded, encode_json
from tramite.dialects.request_fields import fields_of, take
from tramite.errors import InvalidCall
from tramite.messages import Message
from tramite.replies import Choice, Reply, Usage

from .abilities import abilities
from .assistant_out import reply_blocks
from .errors_in import error_inside
from .fields import explanation_of, finish_of, stop_word, usage_object, usage_of
from .messages_in import messages_of
from .messages_out import Conversation
from .parts_in import content_of
from .reader import Reader
from .settings_in import keep_cache_mark, take_output, take_sampling, take_tool_choice, take_tools, take_user
from .settings_out import MAX_TOKENS, is_plain, put_extra, put_format, put_sampling, put_tools, without_unsupported
from .shapes import decode_judged, decode_whole
from .thinking import put_thinking
from .watcher import MessageWatcher
from .writer import Writer

HEADERS = {"anthropic-version": "2023-06-01"}
"""The version whose requests may have `temperature` and `top_p`, which older models take; nothing else that we send or
read is different in 2026-10-21, where any of them is an error (platform.claude.com, "Versions")."""

EXPECTED = "a message with content"


class Chat:
    """See `dialects.base.Operation`."""

    kind: Kind = "chat"

    def encode(self, call: ChatCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/messages`."""
        notices: list[str] = []
        able = abilities(target.model)
        if not is_plain(call, target):
            call = without_unsupported(call, target, notices)
        talk = Conversation(target, able, notices)
        talk.take(call.messages)
        body: dict[str, Any] = {
            "model": target.model,
            "max_tokens": call.max_tokens or MAX_TOKENS,
            "messages": talk.turns,
        }
        if call.max_tokens is None:
            notices.append(f"{target} demands max_tokens: {MAX_TOKENS} was sent")
        system = talk.system
        if system is not None:
            body["system"] = system
        thinks = False
        if call.reasoning_effort is not None:
            thinks = put_thinking(body, call.reasoning_effort, able, target, notices)
        if call.temperature is not None or call.top_p is not None:
            put_sampling(body, call, able, thinks, target, notices)
        if call.stop:
            body["stop_sequences"] = call.stop
        if call.response_format is not None:
            put_format(body, call.response_format, target, notices)
        if call.tools or call.tool_choice is not None or call.extra:
            put_tools(body, call, target, notices)
            put_extra(body, call.extra)
        if stream:
            body["stream"] = True
        return Encoded("/messages", encode_json(body), headers=HEADERS, notices=tuple(notices))

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
        """Signals of a whole body: it has succeeded when it has content and names no error."""
        try:
            judged = decoded(decode_judged, body)
            body.decode()  # the text is skipped above, and broken UTF-8 in it is no answer
        except UNREADABLE as error:
            return Signals(error=bad_reply(body, EXPECTED, error))
        usage = usage_of(judged.usage)
        if judged.error or judged.content is None:
            return Signals(error=error_inside(body) or bad_reply(body, EXPECTED, "no content"), usage=usage)
        return Signals(proof=True, finish=finish_of(judged.stop_reason) or "unknown", usage=usage)

    def watcher(self, n: int) -> Watcher:
        """A watcher; there is one choice, however many were asked for."""
        return MessageWatcher()

    def decode_call(self, body: bytes, path: str) -> tuple[ChatCall, bool]:
        """The call that a client sent, and whether it asked for a stream. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        if "messages" not in fields:
            raise InvalidCall("messages is missing", "messages")
        keep_cache_mark(fields)
        messages = messages_of(fields.pop("system", None), fields.pop("messages"))
        settings = take_sampling(fields)
        tools = take_tools(fields)
        choice = take_tool_choice(fields)
        form, effort = take_output(fields, settings["max_tokens"])
        take_user(fields)
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
        """The reply's first choice as a message."""
        choice = reply.choices[0]
        whole: dict[str, Any] = {
            "id": reply.request_id or f"msg_{uuid.uuid4().hex}",
            "type": "message",
            "role": "assistant",
            "model": reply.model or call.model or "",
            "content": reply_blocks(choice.message),
            "stop_reason": stop_word(choice.finish),
            "stop_sequence": None,
            "usage": usage_object(reply.usage),
        }
        if reply.refusal:
            whole["stop_reason"] = "refusal"
            whole["stop_details"] = {"type": "refusal", "category": None, "explanation": reply.refusal}
        return msgspec.json.encode(whole)

    def writer(self, call: ChatCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return Writer(call)


def _reply(body: bytes, sent: bytes) -> Reply:
    whole = decode_whole(body)
    if whole.error or whole.content is None:
        raise error_inside(sent) or bad_reply(sent, EXPECTED, "no content")
    message = Message("assistant", content_of(whole.content, explanation_of(whole.stop_details)))
    return Reply(
        choices=(Choice(message, finish_of(whole.stop_reason) or "unknown"),),
        usage=usage_of(whole.usage) or Usage(),
        model=whole.model if isinstance(whole.model, str) else "",
        request_id=whole.id if whole.id and isinstance(whole.id, str) else None,
    )
