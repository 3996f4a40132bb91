"""One try at one target: send, and judge what comes back. Knows nothing of other tries."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tramite.config import Timeouts
from tramite.dialects.base import Operation, Signals
from tramite.errors import BadReply, ConnectionBroken, IncompleteStream, RequestRejected, TimedOut
from tramite.providers.addresses import without_password
from tramite.wire import tap
from tramite.wire.frames import Frame
from tramite.wire.headers import notices, request_id
from tramite.wire.ndjson import NDJSONDecoder
from tramite.wire.seam import Response
from tramite.wire.sse import SSEDecoder

from .endpoint import Endpoint
from .envelope import Envelope
from .passage import Passage
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


async def ask(passage: Passage, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Whole:
    """One request, one whole answer. Raises ProviderError, DeadlineExceeded."""
    endpoint = passage.endpoint
    operation = endpoint.operation(envelope.kind)
    first_s = timeouts.first_token(endpoint.provider, stream=False)
    response = await _send(passage, timeouts, patience, first_s)
    try:
        left_s = None if first_s is None else passage.began_s + first_s - patience.elapsed_s()
        body = await _body(response, endpoint, timeouts, patience, left_s)
    finally:
        response.close()
    value, signals = envelope.receive(operation, body)
    if signals.error is not None:
        raise signals.error
    if not signals.proof:
        raise BadReply("the answer is no answer that this dialect knows", status=response.status, body=_excerpt(body))
    passage.value, passage.usage, passage.finish = value, signals.usage, signals.finish
    return Whole(
        value=value,
        signals=signals,
        notices=passage.encoded.notices + notices(response.headers),
        request_id=passage.request_id,
    )


class Upstream:
    """A streamed body under way. `frames()` gives what has come, nothing once the stream is proven whole."""

    def __init__(
        self, passage: Passage, envelope: Envelope, response: Response, patience: Patience, stall_s: float
    ) -> None:
        self.passage = passage
        self._endpoint = endpoint = passage.endpoint
        self.operation = operation = endpoint.operation(envelope.kind)
        self.watcher = envelope.watch(operation) if envelope.watch is not None else operation.watcher(envelope.n)
        self.notices = passage.encoded.notices + notices(response.headers)
        self._response = response
        self._decoder: SSEDecoder | NDJSONDecoder = (
            NDJSONDecoder() if endpoint.dialect.framing == "ndjson" else SSEDecoder()
        )
        self._patience = patience
        self._stall_s = stall_s
        self._stalled = f"silent for {stall_s:g} s in the middle of the stream (stall_s)"
        self._held: list[Frame] = []
        self._began = False
        self._first = b""
        self._at_end = False

    async def open(self, first_token_s: float | None) -> None:
        """Wait until there is something to show, so that what fails before it can be tried again unseen."""
        began_s = self.passage.began_s
        while not (self.watcher.content or self.watcher.proof):
            if first_token_s is None:
                frames = await self._read(None, "")
            else:
                left_s = max(0.0, began_s + first_token_s - self._patience.elapsed_s())
                frames = await self._read(left_s, f"no token within {first_token_s:g} s (first_token_s)")
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
            frames = await self._read(self._stall_s, self._stalled)
            if frames:
                return frames
        self._check_end()
        return []

    def close(self) -> None:
        """Let the connection go, at once; note how far it came."""
        self.passage.usage, self.passage.finish = self.watcher.usage, self.watcher.finish
        self._response.close()

    async def _read(self, silence_s: float | None, too_long: str) -> list[Frame]:
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
            raise _late(interrupted, self._patience, self._endpoint, too_long) from None
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


async def ask_stream(passage: Passage, envelope: Envelope, timeouts: Timeouts, patience: Patience) -> Upstream:
    """One request, and its stream up to the first content. Raises ProviderError, DeadlineExceeded."""
    endpoint = passage.endpoint
    first_s = timeouts.first_token(endpoint.provider, stream=True)
    response = await _send(passage, timeouts, patience, first_s)
    try:
        upstream = Upstream(passage, envelope, response, patience, timeouts.stall_s)
        if response.headers.get("content-type", "").lower().startswith(("application/json", "text/html")):
            await _refuse(response, endpoint, timeouts, patience, upstream.operation)
        await upstream.open(first_s)
        passage.first_token_s = patience.elapsed_s() - passage.began_s
    except BaseException:
        response.close()
        raise
    return upstream


async def _send(passage: Passage, timeouts: Timeouts, patience: Patience, first_s: float | None) -> Response:
    """The response, once it is known to be a success; else the provider's error."""
    endpoint = passage.endpoint
    if endpoint.secret_is_slow:
        await patience.in_time(endpoint.read_secret(), f"reading the secret for {endpoint.target}")
    request = endpoint.request(passage.encoded, timeouts)
    passage.sent = True
    try:
        response = await patience.wait(endpoint.transport.send(request), first_s)
        if (listen := tap.LISTENER.get()) is not None:
            response = listen(request, response)
    except Interrupted as interrupted:
        raise _late(interrupted, patience, endpoint, f"no answer within {first_s or 0:g} s (first_token_s)") from None
    passage.status, passage.request_id = response.status, request_id(response.headers)
    if passage.permit is not None:
        passage.permit.answered(response.headers)
    if response.status < 300:
        return response
    try:
        if response.status < 400:
            raise _redirected(response)
        body = await _body(response, endpoint, timeouts, patience, timeouts.stall_s)
    finally:
        response.close()
    raise endpoint.failure(response.status, response.headers, body)


async def _body(
    response: Response, endpoint: Endpoint, timeouts: Timeouts, patience: Patience, first_s: float | None
) -> bytes:
    """The whole body: its beginning within `first_s`, each piece after it within `stall_s`."""
    if (whole := response.rest()) is not None:
        return whole
    chunks: list[bytes] = []
    size = 0
    silence_s = first_s
    try:
        while size <= MAX_BODY:
            chunk = await patience.wait(response.__anext__(), silence_s)
            chunks.append(chunk)
            size += len(chunk)
            silence_s = timeouts.stall_s
        raise BadReply(f"the answer is larger than {MAX_BODY:,} bytes", status=response.status)
    except StopAsyncIteration:
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except Interrupted as interrupted:
        limit = "stall_s" if silence_s == timeouts.stall_s else "first_token_s"
        silent = f"silent for {silence_s or 0:.3g} s in the middle of the answer ({limit})"
        raise _late(interrupted, patience, endpoint, silent) from None


async def _refuse(
    response: Response, endpoint: Endpoint, timeouts: Timeouts, patience: Patience, operation: Operation
) -> None:
    """An answer that is plainly JSON or HTML where a stream was asked for: an error in disguise, or a wrong address."""
    body = await _body(response, endpoint, timeouts, patience, timeouts.stall_s)
    signals = operation.judge(body)
    if signals.error is not None:
        raise signals.error
    what = f"a stream was asked for, and {response.headers['content-type']} came"
    error = BadReply(what, status=response.status, body=_excerpt(body))
    if signals.proof:
        error.message = "a stream was asked for, and a whole answer came: this server does not stream, ask it without"
        error.retryable = False  # it would send, and charge for, another one
    raise error


def _redirected(response: Response) -> RequestRejected:
    """A redirect's query may hold a signature, or the request's own secret: it is not repeated."""
    where = without_password(response.headers.get("location", "elsewhere").partition("?")[0])
    return RequestRejected(
        f"it redirects to {where[:200]}; secrets do not follow: set base_url to that address if you trust it",
        status=response.status,
    )


def _late(interrupted: Interrupted, patience: Patience, endpoint: Endpoint, silence: str) -> Exception:
    """The error that an interruption is."""
    if interrupted.cause == "silence":
        return TimedOut(silence)
    return patience.translated(interrupted, f"waiting for {endpoint.target}")


def _excerpt(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")
