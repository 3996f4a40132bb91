"""Text generation, in the classic shape and in TGI's, which differ in their paths: one operation, both sides."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import CompletionCall, Kind
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Encoded, Signals, StreamReader, StreamWriter, Target, Watcher
from tramite.dialects.json_bodies import UNREADABLE, decoded, encode_json, text_of
from tramite.messages import Message
from tramite.replies import Choice, Reply, Usage

from .cutting import trimmed
from .errors_in import failure_in
from .fields import details_object, finish_of, finish_word, logprobs_of, token_object, top_objects, usage_of
from .parameters_in import call_of
from .parameters_out import parameters_object, put_extra
from .paths import model_of, task_path
from .reader import GenerationReader
from .shapes import Details, RatedDetails, Whole, decode_judged, decode_rated_whole, decode_whole
from .watcher import GenerationWatcher
from .writer import GenerationWriter

_EXPECTED = "a generated text"


class Generation:
    """See `dialects.base.Operation`."""

    kind: Kind = "completion"

    def encode(self, call: CompletionCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/generate`, `/generate_stream` or a model of the router's."""
        notices: list[str] = []
        body: dict[str, Any] = {"inputs": call.prompt, "parameters": parameters_object(call, target, notices)}
        put_extra(body, call)
        path = task_path(target, "/generate_stream" if stream else "/generate")
        if stream and not path.endswith("/generate_stream"):
            body["stream"] = True
        return Encoded(path, encode_json(body), notices=tuple(notices))

    def decode(self, body: bytes) -> Reply:
        """The reply, as it came: a repeated prompt is still in it. Raises `BadReply`, or the error in the body."""
        return self.decode_for(body, None)

    def decode_for(self, body: bytes, call: CompletionCall | None) -> Reply:
        """The reply to this call (see `dialects.base.decode_for`)."""
        rated = call is None or call.logprobs is not None
        wholes = _wholes(body, decode_rated_whole if rated else decode_whole)
        choices = [choice for whole in wholes for choice in _choices(whole, call)]
        return Reply(choices=tuple(choices), usage=usage_of(wholes[0].details) or Usage())

    def reader(self, call: CompletionCall) -> StreamReader:
        """A reader for the stream that answers this call."""
        return GenerationReader(call)

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it has a text and names no error. Never raises."""
        try:
            judged = decoded(decode_judged, body)
            body.decode()  # the text is skipped above, and broken UTF-8 in it is no answer
        except UNREADABLE as error:
            return Signals(error=bad_reply(body, _EXPECTED, error))
        found = judged if isinstance(judged, list) else [judged]
        if not found or any(one.error or not bytes(one.generated_text).startswith(b'"') for one in found):
            return Signals(error=failure_in(body, _EXPECTED, "no generated_text"))
        return Signals(proof=True, finish=finish_of(found[0].details), usage=usage_of(found[0].details))

    def watcher(self, n: int) -> Watcher:
        """A watcher for a stream."""
        return GenerationWatcher()

    def decode_call(self, body: bytes, path: str) -> tuple[CompletionCall, bool]:
        """The call that a client sent, and whether it asked for a stream."""
        call, stream = call_of(body, model_of(path))
        return call, stream or path.partition("?")[0].endswith("/generate_stream")

    def encode_reply(self, reply: Reply, call: CompletionCall) -> bytes:
        """The reply in TGI's shape; in a list, as the classic API has it, where the request named its model."""
        first, *others = reply.choices
        whole: dict[str, Any] = {"generated_text": first.message.text}
        if call.extra.get("details", True):
            whole["details"] = details = _details(first, call, reply.usage)
            if others:
                details["best_of_sequences"] = [
                    {"generated_text": other.message.text, **_details(other, call, Usage())} for other in others
                ]
        return msgspec.json.encode(whole if call.model is None else [whole])

    def writer(self, call: CompletionCall) -> StreamWriter:
        """A writer for the stream that answers this call."""
        return GenerationWriter(call)


def _wholes(body: bytes, decode: Any) -> list[Whole]:
    """The generations. Raises `BadReply`, or the error in the body."""
    try:
        found = decoded(decode, body)
    except UNREADABLE as error:
        raise bad_reply(body, _EXPECTED, error) from error
    wholes: list[Whole] = found if isinstance(found, list) else [found]
    if not wholes or any(whole.error or not isinstance(whole.generated_text, str) for whole in wholes):
        raise failure_in(body, _EXPECTED, "no generated_text")
    return wholes


def _choices(whole: Whole, call: CompletionCall | None) -> list[Choice]:
    """The generation, and those that it is the best of."""
    details = whole.details
    found = [_choice(whole.generated_text, details, call)]
    if details is not None and details.best_of_sequences:
        found += [_choice(other.generated_text, other, call) for other in details.best_of_sequences]
    return found


def _choice(text: object, details: Details | None, call: CompletionCall | None) -> Choice:
    said = text_of(text)
    logprobs = logprobs_of(details) if isinstance(details, RatedDetails) else ()
    return Choice(Message("assistant", said if call is None else trimmed(said, call)), finish_of(details), logprobs)


def _details(choice: Choice, call: CompletionCall, usage: Usage) -> dict[str, Any]:
    said = details_object(finish_word(choice.finish, call.stop), usage)
    said["prefill"] = []
    said["tokens"] = [token_object(token) for token in choice.logprobs]
    if any(token.top for token in choice.logprobs):
        said["top_tokens"] = [top_objects(token) for token in choice.logprobs]
    return said
