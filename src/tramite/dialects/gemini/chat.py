"""Chats of the Gemini dialect (generateContent and streamGenerateContent): one operation out of its pieces, both sides.

`extra` is merged into the body from the top, objects into objects: `{"generationConfig": {"topK": 40}}`,
`{"safetySettings": […]}`, `{"tools": [{"googleSearch": {}}]}`; names in Google's spelling.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import msgspec

from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import ChatCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.json_bodies import UNREADABLE, decoded, encode_json
from tramite.errors import ProviderError
from tramite.messages import Message
from tramite.replies import Choice, Reply, Usage

from .asked import Fields
from .errors_in import blocked, error_inside, no_answer
from .fields import FAILED, finish_of, finish_word, logprobs_object, logprobs_of, reason_of, usage_object, usage_of
from .follower import TextFollower
from .messages_in import messages_of
from .messages_out import contents_of, model_parts
from .paths import STREAM, model_and_method, path_of
from .reader import Reader
from .settings_in import take_settings
from .settings_out import settings_object
from .shapes import Answer, Candidate, Judged, decode_answer, decode_judged, raw_part
from .turn import Turn
from .watcher import TextWatcher
from .writer import Writer

_EXPECTED = "an answer with candidates"


class Chat:
    """See `dialects.base.Operation`."""

    kind: Kind = "chat"

    def encode(self, call: ChatCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to the model's own path."""
        notices: list[str] = []
        contents, system = contents_of(call.messages, target, notices)
        body: dict[str, Any] = {"contents": contents}
        if system:
            body["systemInstruction"] = {"parts": system}
        body |= settings_object(call, target, notices)
        path = path_of(target.model, STREAM if stream else "generateContent")
        return Encoded(path, encode_json(body), notices=tuple(notices))

    def decode(self, body: bytes) -> Reply:
        """The reply. Raises `BadReply`, or the error that the body carries."""
        try:
            answer = decoded(decode_answer, body)
            if not answer.error and answer.candidates:
                return _reply(answer, answer.candidates, body)
        except UNREADABLE as error:
            raise error_inside(body) or bad_reply(body, _EXPECTED, error) from error
        raise _failure(answer, body)

    def reader(self, call: ChatCall) -> StreamReader:
        """A reader for the stream that answers this call."""
        return Reader()

    def follower(self, call: ChatCall) -> TextFollower:
        """A watcher and a reader in one."""
        return TextFollower(call.n or 1)

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it has candidates, and none that failed. Never raises."""
        try:
            judged = decoded(decode_judged, body)
            body.decode()  # the text is skipped above, and broken UTF-8 in it is no answer
        except UNREADABLE as error:
            return Signals(error=error_inside(body) or bad_reply(body, _EXPECTED, error))
        usage = usage_of(judged.usage_metadata)
        if judged.error or not judged.candidates:
            return Signals(error=_failure(judged, body), usage=usage)
        for candidate in judged.candidates:
            reason = reason_of(candidate.finish_reason)
            if reason in FAILED:
                return Signals(error=no_answer(reason, candidate.finish_message, body), usage=usage)
        first = judged.candidates[0]
        parts = first.content.parts if first.content is not None else None
        called = any(part.function_call is not None for part in parts or ())
        return Signals(proof=True, finish=finish_of(reason_of(first.finish_reason), called), usage=usage)

    def watcher(self, n: int) -> Watcher:
        """A watcher for a stream of `n` candidates."""
        return TextWatcher(n)

    def decode_call(self, body: bytes, path: str) -> tuple[ChatCall, bool]:
        """The call that a client sent; its path names the model, and whether it asks for a stream."""
        model, method = model_and_method(path)
        fields = Fields(body)
        named = fields.take("model", str)
        messages = messages_of(fields)
        settings = take_settings(fields)
        return ChatCall(messages=messages, model=model or named, **settings), method == STREAM

    def encode_reply(self, reply: Reply, call: ChatCall) -> bytes:
        """The reply as a `GenerateContentResponse`."""
        whole: dict[str, Any] = {
            "candidates": [_candidate_object(index, choice) for index, choice in enumerate(reply.choices)],
            "modelVersion": reply.model or call.model or "",
            "responseId": reply.request_id or uuid.uuid4().hex,
        }
        usage = usage_object(reply.usage)
        if usage is not None:
            whole["usageMetadata"] = usage
        return msgspec.json.encode(whole)

    def writer(self, call: ChatCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return Writer(call)


def _reply(answer: Answer, candidates: list[Candidate], body: bytes) -> Reply:
    id = answer.response_id if isinstance(answer.response_id, str) else ""
    return Reply(
        choices=tuple([_choice(candidate, number, id, body) for number, candidate in enumerate(candidates)]),
        usage=usage_of(answer.usage_metadata) or Usage(),
        model=answer.model_version if isinstance(answer.model_version, str) else "",
        request_id=id or None,
    )


def _failure(answer: Answer | Judged, body: bytes) -> ProviderError:
    """Why there are no candidates."""
    refusal = None if answer.error else blocked(answer.prompt_feedback, body)
    return error_inside(body) or refusal or bad_reply(body, _EXPECTED, "no candidates")


def _choice(candidate: Candidate, number: int, id: str, body: bytes) -> Choice:
    reason = reason_of(candidate.finish_reason)
    parts = candidate.content.parts if candidate.content is not None else None
    logprobs = () if candidate.logprobs_result is None else logprobs_of(candidate.logprobs_result)
    if parts and len(parts) == 1 and parts[0].text.__class__ is str and not parts[0].thought:
        only = parts[0]
        if only.function_call is None and not only.thought_signature:
            return Choice(Message("assistant", only.text), finish_of(reason, False), logprobs)
    turn, assembler = Turn(number, id), Assembler()
    events: list[ev.Event] = []
    turn.add(parts or (), partial(raw_part, body, number), events)
    turn.end(events)
    for event in events:
        assembler.add(msgspec.structs.replace(event, index=0) if number else event)
    message = assembler.reply().message
    if turn.images:
        message = Message("assistant", (*message.parts, *turn.images))
    return Choice(message, finish_of(reason, turn.called), logprobs)


def _candidate_object(index: int, choice: Choice) -> dict[str, Any]:
    said: dict[str, Any] = {
        "content": {"role": "model", "parts": model_parts(choice.message, None, [])},
        "finishReason": finish_word(choice.finish),
        "index": index,
    }
    if choice.logprobs:
        said["logprobsResult"] = logprobs_object(choice.logprobs)
    return said
