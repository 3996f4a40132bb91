"""Completions of the OpenAI dialect: one operation out of its pieces, both sides."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from tramite.calls import CompletionCall, Kind
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.request_fields import fields_of, take
from tramite.errors import InvalidCall
from tramite.messages import Message
from tramite.replies import Choice, Reply, TokenLogprob

from .completion_fields import CompletionChoices, completion_logprobs, completion_logprobs_object
from .fields import finish_of, finish_word, usage_object
from .reader import Reader
from .settings_in import take_sampling
from .settings_out import finish_body, put_sampling, put_stream
from .shapes import WholeChoice
from .watcher import TextWatcher
from .wholes import judge_text, reply_of, whole_of
from .writer import Writer


class Completions:
    """See `dialects.base.Operation`."""

    kind: Kind = "completion"

    def encode(self, call: CompletionCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/completions`."""
        body: dict[str, Any] = {"model": target.model, "prompt": call.prompt}
        put_sampling(body, call, "max_tokens")
        if call.suffix is not None:
            body["suffix"] = call.suffix
        if call.echo:
            body["echo"] = True
        if call.logprobs is not None:
            body["logprobs"] = call.logprobs
        if stream:
            put_stream(body, target)
        return finish_body("/completions", body, call.extra, target, [])

    def decode(self, body: bytes) -> Reply:
        """The reply. Raises `BadReply`, or the error that the body carries."""
        return reply_of(whole_of(body), _choice)

    def reader(self, call: CompletionCall) -> StreamReader:
        """A reader for the stream that answers this call."""
        return Reader(call.n or 1, CompletionChoices())

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body."""
        return judge_text(body)

    def watcher(self, n: int) -> Watcher:
        """A watcher for a stream of `n` choices."""
        return TextWatcher(n)

    def decode_call(self, body: bytes, path: str) -> tuple[CompletionCall, bool]:
        """The call that a client sent, and whether it asked for a stream. Unknown fields stay in `extra`."""
        fields = fields_of(body)
        prompt = _prompt(take(fields, "prompt", (str, list), "a string"))
        settings = take_sampling(fields, path)
        stream = bool(take(fields, "stream", bool, "true or false"))
        call = CompletionCall(
            prompt=prompt,
            suffix=take(fields, "suffix", str, "a string"),
            echo=bool(take(fields, "echo", bool, "true or false")),
            logprobs=take(fields, "logprobs", int, "a whole number"),
            **settings,
            extra=fields,
        )
        return call, stream

    def encode_reply(self, reply: Reply, call: CompletionCall) -> bytes:
        """The reply as a `text_completion`."""
        whole: dict[str, Any] = {
            "id": reply.request_id or f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": reply.model or call.model or "",
            "choices": [
                _choice_object(number, choice.message.text, choice.logprobs, finish_word(choice.finish))
                for number, choice in enumerate(reply.choices)
            ],
            "usage": usage_object(reply.usage),
        }
        if reply.system_fingerprint:
            whole["system_fingerprint"] = reply.system_fingerprint
        return msgspec.json.encode(whole)

    def writer(self, call: CompletionCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return CompletionWriter(call)


class CompletionWriter(Writer):
    """A completion's frames: text alone."""

    prefix = "cmpl-"
    object = "text_completion"

    def _opening(self) -> dict[str, Any]:
        return {}

    def _choice(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> dict[str, Any]:
        return _choice_object(index, delta.get("content", ""), logprobs, finish)


def _choice(choice: WholeChoice) -> Choice:
    text = choice.text if isinstance(choice.text, str) else ""
    finish = finish_of(choice.finish_reason) or "unknown"
    return Choice(Message("assistant", text), finish, completion_logprobs(choice.logprobs))


def _choice_object(index: int, text: str, logprobs: tuple[TokenLogprob, ...], finish: str | None) -> dict[str, Any]:
    return {
        "index": index,
        "text": text,
        "logprobs": completion_logprobs_object(logprobs),
        "finish_reason": finish,
    }


def _prompt(prompt: object) -> str:
    """A string, or a list of one: several prompts in one request are several calls, and tokens are no text."""
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if prompt is None:
        raise InvalidCall("prompt is missing", "prompt")
    raise InvalidCall("prompt must be one string: send one request for each prompt, and text, not tokens", "prompt")
