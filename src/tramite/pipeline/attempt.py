"""One try at one target: send, and judge what comes back. Knows nothing of other tries."""

from __future__ import annotations

from typing import Any, NoReturn

from msgspec import Struct

from tramite.config import Timeouts
from tramite.dialects.base import Encoded, Operation, Signals, Watcher
from tramite.errors import BadReply, ConnectionBroken, DeadlineExceeded, IncompleteStream, RequestRejected, TimedOut
from tramite.wire.frames import Frame
from tramite.wire.headers import notices, request_id
from tramite.wire.ndjson import NDJSONDecoder
from tramite.wire.seam import Response
from tramite.wire.sse import SSEDecoder

from .endpoint import Endpoint
from .envelope import Envelope
from .patience import Interrupted, Patience

MAX_BODY = 256 * 1024 * 1024
"""Bytes of a whole body, decompressed: 2,048 embeddings of 3,072 numbers are about 130 MB of JSON."""
DRAIN_S = 0.1
"""After the dialect's end marker, how long to wait for the body's own end, so that the connection can be kept."""


class Whole(Struct, frozen=True, kw_only=True):
    """A whole body that was judged to be an answer, and what the edge made of it."""

    value: Any
    signals: Signals
    notices: tuple[str, ...]
    request_id: str | None


async def ask(endpoint: Endpoint, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Whole:
    """One request, one whole answer. Raises ProviderError, DeadlineExceeded."""
    operation = endpoint.operation(envelope.kind)
    encoded = envelope.body_for(endpoint.dialect, endpoint.target)
    first_s = timeouts.first_token(endpoint.provider, stream=False)
    response = await _send(endpoint, encoded, timeouts, patience, first_s)
    try:
        body = await _body(response, patience, timeouts)
    finally:
        response.close()
    value, signals = envelope.receive(operation, body)
    if signals.error is not None:
        raise signals.error
    if not signals.proof:
        raise BadReply("the answer is no answer that this dialect knows", status=response.status, body=_excerpt(body))
    return Whole(
        value=value,
        signals=signals,
        notices=encoded.notices + notices(response.headers),
        request_id=request_id(response.headers),
    )


class Upstream:
    """A streamed body under way. `frames()` gives what has come, nothing once the stream is proven whole."""

    def __init__(
        self, response: Response, operation: Operation, watcher: Watcher, patience: Patience, stall_s: float
    ) -> None:
        self.operation = operation
        self.watcher = watcher
        self.notices: tuple[str, ...] = ()
        self.request_id = request_id(response.headers)
        self._response = response
        self._decoder: SSEDecoder | NDJSONDecoder = SSEDecoder()
        self._patience = patience
        self._stall_s = stall_s
        self._held: list[Frame] = []
        self._began = False
        self._first = b""
        self._at_end = False

    async def open(self, first_token_s: float | None) -> None:
        """Wait until there is something to show, so that what fails before it can be tried again unseen."""
        until = self._patience.elapsed_s() + first_token_s if first_token_s is not None else None
        while not (self.watcher.content or self.watcher.proof):
            left = None if until is None else max(0.0, until - self._patience.elapsed_s())
            frames = await self._read(left)
            self._held += frames
            if not frames and self._at_end:
                self._check_end()
                return

    async def frames(self) -> list[Frame]:
        """The next frames; an empty list when the stream has come to its proven end.

        Raises IncompleteStream, or what the provider said went wrong; text that came before is given out first.
        """
        if self._held:
            held, self._held = self._held, []
            return held
        while not self._at_end:
            frames = await self._read(self._stall_s)
            if frames:
                return frames
        self._check_end()
        return []

    def close(self) -> None:
        """Let the connection go, at once."""
        self._response.close()

    async def _read(self, silence_s: float | None) -> list[Frame]:
        if self.watcher.error is not None:
            raise self.watcher.error
        if self.watcher.ended:
            await self._drain()
            return []
        try:
            chunk = await self._patience.wait(self._response.__anext__(), silence_s)
        except StopAsyncIteration:
            self._at_end = True
            return self._note(self._decoder.flush())
        except ConnectionBroken as error:
            self._at_end = True
            if self.watcher.proof:
                return []
            raise IncompleteStream(f"the stream broke off: {error.message}", status=self._response.status) from error
        except Interrupted as interrupted:
            _translate(interrupted, "silent for too long in the middle of the stream", silence_s)
        frames = self._decoder.feed(chunk)
        if not frames and not self._began:
            self._first = (self._first + chunk)[:200]
        return self._note(frames)

    def _note(self, frames: list[Frame]) -> list[Frame]:
        watcher = self.watcher
        self._began = self._began or bool(frames)
        for position, frame in enumerate(frames):
            watcher.note(frame)
            if watcher.error is not None:
                if position == 0:
                    raise watcher.error
                return frames[:position]
        return frames

    async def _drain(self) -> None:
        self._at_end = True
        if self._response.rest() is not None:
            return
        try:
            await self._patience.wait(self._response.__anext__(), DRAIN_S)
        except (StopAsyncIteration, ConnectionBroken):
            pass
        except Interrupted as interrupted:
            if interrupted.cause == "closed":
                raise

    def _check_end(self) -> None:
        self.watcher.close()
        if self.watcher.error is not None:
            raise self.watcher.error
        if self.watcher.proof:
            return
        status = self._response.status
        if not self._began:
            if not self._first:
                raise BadReply("the stream was empty: not one event came", status=status)
            came = self._response.headers.get("content-type", "a body without a content type")
            raise BadReply(f"a stream was asked for, and {came} came: {_excerpt(self._first)!r}", status=status)
        raise IncompleteStream("the stream ended without its proof of success", status=status)


async def ask_stream(endpoint: Endpoint, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Upstream:
    """One request, and its stream up to the first content. Raises ProviderError, DeadlineExceeded."""
    operation = endpoint.operation(envelope.kind)
    encoded = envelope.body_for(endpoint.dialect, endpoint.target)
    first_s = timeouts.first_token(endpoint.provider, stream=True)
    began = patience.elapsed_s()
    response = await _send(endpoint, encoded, timeouts, patience, first_s)
    watcher = envelope.watch(operation) if envelope.watch is not None else operation.watcher(envelope.n)
    upstream = Upstream(response, operation, watcher, patience, timeouts.stall_s)
    upstream.notices = encoded.notices + notices(response.headers)
    try:
        await _refuse_if_not_a_stream(response, patience, timeouts, operation)
        await upstream.open(None if first_s is None else first_s - (patience.elapsed_s() - began))
    except BaseException:
        upstream.close()
        raise
    return upstream


async def _send(
    endpoint: Endpoint, encoded: Encoded, timeouts: Timeouts, patience: Patience, first_s: float | None
) -> Response:
    """The response, once it is known to be a success; else the provider's error."""
    try:
        response = await patience.wait(endpoint.transport.send(endpoint.request(encoded, timeouts)), first_s)
    except Interrupted as interrupted:
        _translate(interrupted, "no answer", first_s)
    if response.status < 300:
        return response
    try:
        if response.status < 400:
            where = response.headers.get("location", "elsewhere")
            raise RequestRejected(
                f"it redirects to {where[:200]}; secrets do not follow: set base_url to that address if you trust it",
                status=response.status,
            )
        body = await _body(response, patience, timeouts)
    finally:
        response.close()
    raise endpoint.failure(response.status, response.headers, body)


async def _body(response: Response, patience: Patience, timeouts: Timeouts) -> bytes:
    """The whole body, each piece of it within `stall_s`."""
    if (whole := response.rest()) is not None:
        return whole
    chunks: list[bytes] = []
    size = 0
    try:
        while size <= MAX_BODY:
            chunk = await patience.wait(response.__anext__(), timeouts.stall_s)
            chunks.append(chunk)
            size += len(chunk)
        raise BadReply(f"the answer is larger than {MAX_BODY:,} bytes", status=response.status)
    except StopAsyncIteration:
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except Interrupted as interrupted:
        _translate(interrupted, "silent for too long in the middle of the answer", timeouts.stall_s)


async def _refuse_if_not_a_stream(
    response: Response, patience: Patience, timeouts: Timeouts, operation: Operation
) -> None:
    """An answer that is plainly JSON or HTML where a stream was asked for: an error in disguise, or a wrong address."""
    content_type = response.headers.get("content-type", "")
    if not content_type.startswith(("application/json", "text/html")):
        return
    body = await _body(response, patience, timeouts)
    raise operation.judge(body).error or BadReply(
        f"a stream was asked for, and {content_type} came", status=response.status, body=_excerpt(body)
    )


def _translate(interrupted: Interrupted, what: str, silence_s: float | None) -> NoReturn:
    if interrupted.cause == "silence":
        raise TimedOut(f"{what} ({silence_s:.3g} s)" if silence_s else what) from None
    if interrupted.cause == "deadline":
        raise DeadlineExceeded(f"deadline_s is over: {what}") from None
    raise interrupted


def _excerpt(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")
