"""Models of this process behind the seam: requests in the OpenAI dialect decoded, answered, encoded. Knows no model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from tramite.calls import Kind
from tramite.dialects.base import StreamWriter
from tramite.dialects.openai import OPENAI
from tramite.errors import BadReply, InvalidCall, ModelNotFound, ProviderError
from tramite.events import Event
from tramite.wire.headers import NOTICES, join_notices
from tramite.wire.seam import Request
from tramite.wire.sse import encode

_KINDS: dict[str, Kind] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
    "/v1/embeddings": "embedding",
    "/v1/models": "models",
}


class Telling(Protocol):
    """An answer under way."""

    notices: tuple[str, ...]

    async def next(self) -> list[Event]:
        """The next events; none once it is whole. Raises ProviderError. May be cancelled and asked again."""
        ...

    def close(self) -> None:
        """Nobody listens any more. Idempotent, never waits."""
        ...


Answer = Callable[[Any], Awaitable[Any]]
"""From a call to its reply, whose `notices` reach the caller. Raises InvalidCall, ProviderError."""
Tell = Callable[[Any], Awaitable[Telling]]
"""From a call to an answer in pieces. What can be refused is refused here, before the first of them."""


class Serving:
    """A transport to models of this process: one function for each kind of call."""

    def __init__(self, answers: Mapping[Kind, Answer], tell: Tell | None = None) -> None:
        self._answers = answers
        self._tell = tell

    def __repr__(self) -> str:
        return f"Serving({', '.join(self._answers)})"

    async def send(self, request: Request) -> Served:
        """The answer, or its beginning. A ConfigError (a package that is missing) is raised as it is."""
        try:
            return await self._answer(request)
        except (InvalidCall, ProviderError) as error:
            status, body = OPENAI.encode_error(error)
            again = {"x-should-retry": "true" if getattr(error, "retryable", False) else "false"}
            return Served(status, _JSON | again, body, request.max_body)

    async def aclose(self) -> None:
        """Nothing is kept open: models stay in memory, where other clients of this process find them."""

    async def _answer(self, request: Request) -> Served:
        path = urlsplit(request.url).path
        kind = _KINDS.get(path)
        answer = self._answers.get(kind) if kind else None
        if kind is None or answer is None:
            raise ModelNotFound(f"there is no {path} here: it has {', '.join(self._answers)}", status=404)
        operation = OPENAI.operations[kind]
        call, stream = operation.decode_call(request.body, path)
        if not stream:
            reply = await answer(call)
            body = operation.encode_reply(reply, call)
            return Served(200, _JSON | _said(reply.notices), body, request.max_body)
        if self._tell is None:
            raise InvalidCall(f"the {kind} operation is not streamed here", "stream")
        telling = await self._tell(call)
        headers = {"content-type": "text/event-stream; charset=utf-8"} | _said(telling.notices)
        return Served(200, headers, _Frames(telling, operation.writer(call)), request.max_body)


_JSON = {"content-type": "application/json"}


def _said(notices: tuple[str, ...]) -> dict[str, str]:
    return {NOTICES: join_notices(notices)} if notices else {}


class _Frames:
    """Events as the bytes of a stream."""

    def __init__(self, telling: Telling, writer: StreamWriter) -> None:
        self._telling = telling
        self._writer = writer
        self._over = False

    async def next(self) -> bytes:
        """The next bytes; none at the end."""
        while not self._over:
            try:
                events = await self._telling.next()
            except ProviderError as error:
                self._over = True
                return b"".join(map(encode, OPENAI.encode_stream_error(error)))
            self._over = not events
            frames = [frame for event in events for frame in self._writer.write(event)]
            if self._over:
                frames = self._writer.end()
            if frames:
                return b"".join(map(encode, frames))
        return b""

    def close(self) -> None:
        self._over = True
        self._telling.close()


class Served:
    """An answer; see `tramite.wire.seam.Response`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | _Frames, max_body: int) -> None:
        self.status = status
        self.headers = headers
        self._body = body
        self._max_body = max_body

    def __repr__(self) -> str:
        return f"Served(status={self.status})"

    def __aiter__(self) -> Served:
        return self

    async def __anext__(self) -> bytes:
        if isinstance(self._body, bytes):
            chunk, self._body = self._body, b""
        else:
            chunk = await self._body.next()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def rest(self) -> bytes | None:
        """The body, where it is whole and was not read yet."""
        if not isinstance(self._body, bytes):
            return None
        body, self._body = self._body, b""
        return body

    async def read(self) -> bytes:
        """The rest of the body. Raises BadReply past the request's `max_body`."""
        body = bytearray()
        async for chunk in self:
            body += chunk
            if len(body) > self._max_body:
                self.close()
                raise BadReply(f"the body is larger than {self._max_body} bytes", status=self.status)
        return bytes(body)

    def close(self) -> None:
        """Leave: what is still being written is written no further."""
        if isinstance(self._body, bytes):
            self._body = b""
        else:
            self._body.close()
