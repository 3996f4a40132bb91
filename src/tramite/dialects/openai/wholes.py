"""What chats and completions share of whole replies: is it one, how did it end, what did it cost. No calls, no text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Signals
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE, decoded
from tramite.errors import ProviderError
from tramite.replies import Choice, Reply, Usage

from .fields import finish_of, has_failed, usage_of
from .shapes import Judged, JudgedChoice, Whole, WholeChoice, decode_judged, decode_whole
from .watcher import broken_off

EXPECTED = "a reply with choices"


def whole_of(body: bytes) -> Whole:
    """The reply's shape. Raises `BadReply`, or the error that the body carries."""
    try:
        whole = decoded(decode_whole, body)
    except UNREADABLE as error:
        raise bad_reply(body, EXPECTED, error) from error
    failure = _failure(whole, whole.choices, body)
    if failure is not None:
        raise failure
    return whole


def reply_of(whole: Whole, choice: Callable[[WholeChoice], Choice]) -> Reply:
    """The reply, its choices as the operation reads them."""
    return Reply(
        choices=tuple([choice(said) for said in whole.choices or ()]),
        usage=usage_of(whole.usage, whole.x_groq) or Usage(),
        model=whole.model if isinstance(whole.model, str) else "",
        request_id=whole.id if whole.id and isinstance(whole.id, str) else None,
        system_fingerprint=whole.system_fingerprint or None,
    )


def judge_text(body: bytes) -> Signals:
    """Signals of a whole body: it has succeeded when it has choices and names no error. Never raises."""
    try:
        judged = decoded(decode_judged, body)
        body.decode()  # the text is skipped above, and broken UTF-8 in it is no answer
    except UNREADABLE as error:
        return Signals(error=bad_reply(body, EXPECTED, error))
    usage = usage_of(judged.usage, judged.x_groq)
    failure = _failure(judged, judged.choices, body)
    if failure is not None or not judged.choices:
        return Signals(error=failure, usage=usage)
    finish = finish_of(judged.choices[0].finish_reason) or "unknown"
    return Signals(proof=True, finish=finish, usage=usage)


def _failure(
    reply: Whole | Judged, choices: Sequence[WholeChoice | JudgedChoice] | None, body: bytes
) -> ProviderError | None:
    if reply.error or not choices:
        payload: Any = decoded(msgspec.json.decode, body)
        return error_inside(payload, body) or (None if choices else bad_reply(body, EXPECTED, "no choices"))
    for choice in choices:
        if choice.error or has_failed(choice.finish_reason):
            return broken_off(choice.error, choice.finish_reason, body)
        if choice.message is None and choice.text is None:
            return bad_reply(body, EXPECTED, "a choice without a message")
    return None
