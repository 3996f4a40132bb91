"""How many Python functions a call and a frame run through: what CPU time comes from, and the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any

from bench import bodies, subjects
from tramite import AsyncClient, system, user
from tramite.wire.seam import Request

MOST_FOR_A_CALL = 130
"""It was 120 when this was written, asyncio's own included."""
MOST_FOR_A_FRAME = 6
"""It was 5."""

PROMPT = [system(subjects.SYSTEM), user(subjects.USER)]
MODEL = f"openai/{bodies.MODEL}"


class Canned:
    """A transport whose answers are here already."""

    def __init__(self, pieces: int = 0) -> None:
        self._chat = bodies.chat()
        self._stream = b"".join(bodies.stream_frames(bodies.PIECES[:pieces]))

    async def send(self, request: Request) -> CannedResponse:
        if b'"stream":true' in request.body:
            return CannedResponse("text/event-stream", self._stream)
        return CannedResponse("application/json", self._chat)

    async def aclose(self) -> None:
        pass


class CannedResponse:
    status = 200

    def __init__(self, content_type: str, body: bytes) -> None:
        self.headers = {"content-type": content_type}
        self._body = body

    def __aiter__(self) -> CannedResponse:
        return self

    async def __anext__(self) -> bytes:
        if not self._body:
            raise StopAsyncIteration
        return self.rest()

    def rest(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def read(self) -> bytes:
        return self.rest()

    def close(self) -> None:
        self._body = b""


async def functions_run(act: Callable[[], Awaitable[Any]]) -> int:
    """How many Python functions run, the second time; one that is awaited counts each time it goes on."""
    await act()
    count = 0

    def see(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(see)
    try:
        await act()
    finally:
        sys.setprofile(None)
    return count


def client(transport: Canned) -> AsyncClient:
    return AsyncClient(subjects.tramite_config("http://127.0.0.1:9/v1"), transport=transport)


async def test_a_call_runs_through_few_functions() -> None:
    llm = client(Canned())
    count = await functions_run(lambda: llm.chat(PROMPT, model=MODEL, temperature=0.7, max_tokens=60))
    assert count <= MOST_FOR_A_CALL


async def test_a_frame_runs_through_few_functions() -> None:
    async def read(llm: AsyncClient) -> str:
        async with llm.stream(PROMPT, model=MODEL) as stream:
            return "".join([text async for text in stream.text])

    short, long = [await functions_run(partial(read, client(Canned(pieces)))) for pieces in (50, 150)]
    assert (long - short) / 100 <= MOST_FOR_A_FRAME
