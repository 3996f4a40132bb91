"""What the headers of a response tell of how it came about. Knows no body."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import lru_cache

from tramite.pipeline.envelope import Delivery, Opened
from tramite.pipeline.governing import Governor
from tramite.pipeline.limits.views import Left
from tramite.pipeline.observing import Caller
from tramite.wire.headers import NOTICES, join_notices
from tramite.wire.rate_limits import go_duration

from .asgi import JSON, Headers, Message, Send

_NOTICES = NOTICES.encode()


def of_delivery(delivery: Delivery) -> Headers:
    """Of a whole answer: target, tries, cost (billionths of a dollar), time in the gateway's own hands, notices."""
    headers = [
        JSON,
        (b"x-tramite-target", _ascii(str(delivery.target))),
        (b"x-tramite-attempts", str(len(delivery.attempts)).encode()),
        (b"x-tramite-overhead-ms", b"%.2f" % (_overhead_s(delivery) * 1000)),
    ]
    if delivery.cost_nanousd is not None:
        headers.append((b"x-tramite-cost-nanousd", str(delivery.cost_nanousd).encode()))
    if delivery.request_id:
        headers.append((b"x-tramite-upstream-request-id", _ascii(delivery.request_id)))
    if delivery.notices:
        headers.append((_NOTICES, join_notices(delivery.notices).encode()))
    return headers


def of_earlier(target: str) -> Headers:
    """Of an answer that is given again: by whom it was, and that it cost nothing."""
    return [
        JSON,
        (b"x-tramite-target", _ascii(target)),
        (b"x-tramite-attempts", b"0"),
        (b"x-tramite-cost-nanousd", b"0"),
        (b"x-tramite-cached", b"true"),
    ]


def of_opened(opened: Opened) -> Headers:
    """Of a stream that begins: its cost is not known yet."""
    headers = [
        (b"x-tramite-target", _ascii(str(opened.target))),
        (b"x-tramite-attempts", str(len(opened.attempts) + 1).encode()),
    ]
    if opened.request_id:
        headers.append((b"x-tramite-upstream-request-id", _ascii(opened.request_id)))
    if opened.notices:
        headers.append((_NOTICES, join_notices(opened.notices).encode()))
    return headers


def with_limits(send: Send, governor: Governor, caller: Caller) -> Send:
    """A `send` that tells a caller, at the head of whatever answer, what is left of the limits of their key."""
    if caller.limits is None:
        return send

    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            requests, tokens = governor.left(caller)
            message["headers"] = [*message["headers"], *_of_limit(b"requests", requests), *_of_limit(b"tokens", tokens)]
        return send(message)

    return sending


def _of_limit(what: bytes, left: Left | None) -> Headers:
    """One limit in OpenAI's form."""
    if left is None:
        return []
    return [
        (b"x-ratelimit-limit-" + what, b"%d" % left.most if left.most % 1 == 0 else b"%g" % left.most),
        (b"x-ratelimit-remaining-" + what, b"%d" % left.remaining),
        (b"x-ratelimit-reset-" + what, go_duration(left.reset_s).encode()),
    ]


def _overhead_s(delivery: Delivery) -> float:
    """What was spent in neither tries nor waits."""
    timings = delivery.timings
    return max(0.0, timings.total_s - timings.waited_s - sum(attempt.duration_s for attempt in delivery.attempts))


@lru_cache(256)
def _ascii(text: str) -> bytes:
    """Names come from configurations and providers: a header takes printable ASCII."""
    return "".join([char if " " <= char <= "~" else "?" for char in text[:200]]).encode()
