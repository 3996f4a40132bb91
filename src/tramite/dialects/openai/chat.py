"""Chats of the OpenAI dialect: one operation out of its pieces, both sides."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from tramite.calls import ChatCall, Kind
from tramite.dialects.base import Encoded, Follower, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.json_bodies import objects
from tramite.dialects.request_fields import fields_of, take
from tramite.errors import InvalidCall
from tramite.messages import Content, Message
from tramite.replies import Choice, Reply

from .assistant_out import assistant_object, put_beside
from .chat_reader import ChatChoices
from .fields import (
    content_of,
    finish_of,
    finish_word,
    logprobs_object,
    logprobs_of,
    usage_object,
)
from .follower import TextFollower
from .messages_in import messages_of
from .messages_out import messages_list
from .parts_in import opaque_of, reasoning_of, text_and_thinking, tool_calls_of
from .reader import Reader
from .settings_in import take_format, take_logprobs, take_sampling, take_tool_choice, take_tools
from .settings_out import finish_body, format_object, put_sampling, put_stream, tool_choice_value, tools_list
from .shapes import Delta, WholeChoice
from .watcher import TextWatcher
from .wholes import judge_text, reply_of, whole_of
from .writer import ChatWriter


class Chat:
    """See `dialects.base.Operation`."""

    kind: Kind = "chat"

    def encode(self, call: ChatCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/chat/completions`."""
        notices: list[str] = []
        # The model comes first, so that a router can route by the body's first bytes (facts A5).
        body: dict[str, Any] = {
            "model": target.model,
            "messages": messages_list(call.messages, target, notices),
        }
        put_sampling(body, call, target.traits.max_tokens_field)
        if call.logprobs is not None:
            body["logprobs"] = True
            body["top_logprobs"] = call.logprobs
        if call.tools:
            body["tools"] = tools_list(call.tools)
        if call.tool_choice is not None:
            body["tool_choice"] = tool_choice_value(call.tool_choice)
        if call.response_format is not None:
            body["response_format"] = format_object(call.response_format)
        if call.reasoning_effort is not None:
            body["reasoning_effort"] = call.reasoning_effort
        if stream:
            put_stream(body, target)
        return finish_body("/chat/completions", body, call.extra, target, notices)

    def decode(self, body: bytes) -> Reply:
        """The reply. Raises `BadReply`, or the error that the body carries."""
        return reply_of(whole_of(body), _choice)

    def reader(self, call: ChatCall) -> StreamReader:
        """A reader for the stream that answers this call."""
        return Reader(call.n or 1, ChatChoices())

    def follower(self, call: ChatCall) -> Follower:
        """A watcher and a reader in one."""
        return TextFollower(call.n or 1, ChatChoices())

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body."""
        return judge_text(body)

    def watcher(self, n: int) -> Watcher:
        """A watcher for a stream of `n` choices."""
        return TextWatcher(n)

    def decode_call(self, body: bytes, path: str) -> tuple[ChatCall, bool]:
        """The call that a client sent, and whether it asked for a stream. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        if "messages" not in fields:
            raise InvalidCall("messages is missing", "messages")
        messages = messages_of(fields.pop("messages"))
        settings = take_sampling(fields, path)
        tools = take_tools(fields)
        stream = bool(take(fields, "stream", bool, "true or false"))
        effort = take(fields, "reasoning_effort", str, "a string")
        call = ChatCall(
            messages=messages,
            tools=tools,
            tool_choice=take_tool_choice(fields),
            response_format=take_format(fields),
            reasoning_effort=effort,
            logprobs=take_logprobs(fields),
            **settings,
            extra=fields,
        )
        return call, stream

    def encode_reply(self, reply: Reply, call: ChatCall) -> bytes:
        """The reply as a `chat.completion`."""
        whole: dict[str, Any] = {
            "id": reply.request_id or f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": reply.model or call.model or "",
            "choices": [_choice_object(number, choice) for number, choice in enumerate(reply.choices)],
            "usage": usage_object(reply.usage),
        }
        if reply.system_fingerprint:
            whole["system_fingerprint"] = reply.system_fingerprint
        return msgspec.json.encode(whole)

    def writer(self, call: ChatCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return ChatWriter(call)


def _choice(choice: WholeChoice) -> Choice:
    message = choice.message or Delta()
    plain = message.content.__class__ is str and message == Delta(content=message.content)
    content = message.content if plain else _content(message)
    logprobs = () if choice.logprobs is None else logprobs_of(choice.logprobs)
    return Choice(Message("assistant", content), finish_of(choice.finish_reason) or "unknown", logprobs)


def _content(message: Delta) -> Content:
    text, thinking = text_and_thinking(message.content)
    tools, extras = tool_calls_of(message) if message.tool_calls or message.function_call else ([], {})
    refusal = message.refusal
    return content_of(
        text,
        reasoning_of(message) or thinking,
        refusal if isinstance(refusal, str) else "",
        tools,
        opaque_of(objects(message.reasoning_details), message.extra_content, extras),
    )


def _choice_object(index: int, choice: Choice) -> dict[str, Any]:
    return {
        "index": index,
        "message": _message_object(choice.message),
        "logprobs": logprobs_object(choice.logprobs),
        "finish_reason": finish_word(choice.finish),
    }


def _message_object(message: Message) -> dict[str, Any]:
    said, beside = assistant_object(message)
    put_beside(said, beside)
    said.setdefault("refusal", None)
    return said
