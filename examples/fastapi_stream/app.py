"""Answers streamed to a plain page, over a WebSocket or an EventSource. README.md says how to run it.

A page that leaves ends the request to the model too: nothing is written, and paid for, that nobody reads. Tickets are
kept in this process, so let it be one process; and nobody has to log in, so let it listen on this machine alone.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Response, WebSocket, WebSocketDisconnect
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from tramite import AsyncClient, TramiteError

HOSTS = ["127.0.0.1", "localhost"]  # its own names: a page must not get here by a name of its own (DNS rebinding)
TICKET_S = 30.0
MOST_TICKETS = 1000


class Wish(BaseModel):
    """What a page asks for."""

    prompt: str = Field(min_length=1, max_length=100_000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for all, with its connections; it is configured as everywhere (tramite.toml, the environment)."""
    async with AsyncClient() as app.state.llm:
        app.state.tickets = {}
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)


async def answer(prompt: str) -> AsyncIterator[dict[str, str]]:
    """What a page is told, over either way: `text` again and again, and then `done` (why it ended) or `error`."""
    try:
        async with app.state.llm.stream(prompt) as stream:
            async for text in stream.text:
                yield {"text": text}
        yield {"done": stream.reply.finish}
    except TramiteError as error:
        yield {"error": str(error)}


@app.get("/")
async def page() -> FileResponse:
    """The page."""
    return FileResponse(Path(__file__).with_name("index.html"))


# An EventSource can send no body: the prompt goes ahead, and what stands for it is good for one stream, and not long.


@app.post("/tickets")
async def ticket(wish: Wish) -> dict[str, str]:
    """A ticket for this prompt."""
    tickets = app.state.tickets
    if len(tickets) >= MOST_TICKETS:
        raise HTTPException(429, "too many tickets wait to be used", {"retry-after": str(int(TICKET_S))})
    name = secrets.token_urlsafe()
    tickets[name] = wish.prompt
    asyncio.get_running_loop().call_later(TICKET_S, tickets.pop, name, None)
    return {"ticket": name}


@app.get("/stream")
async def stream(ticket: str) -> Response:
    """The answer as server-sent events. Starlette cancels it when the page leaves."""
    prompt = app.state.tickets.pop(ticket, None)
    if prompt is None:  # or an EventSource that comes back by itself: 204 tells it to stay away (HTML standard, 9.2.3)
        return Response(status_code=204)

    async def events() -> AsyncIterator[str]:
        async with aclosing(answer(prompt)) as messages:
            async for message in messages:
                yield f"data: {json.dumps(message)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-store"})


@app.websocket("/ws")
async def chat(socket: WebSocket) -> None:
    """One prompt, one answer. Whatever the page does after its prompt, leaving above all, ends the answer."""
    # Browsers let every page open a WebSocket to everywhere: it is ours to see that it is our own page.
    if urlsplit(socket.headers.get("origin", "")).netloc != socket.headers.get("host"):
        await socket.close()
        return
    await socket.accept()
    with suppress(WebSocketDisconnect):
        try:
            prompt = Wish.model_validate_json(await socket.receive_text()).prompt
        except ValidationError:
            await socket.send_json({"error": 'expected {"prompt": "…"}, with something in it'})
            await socket.close()
            return
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write(socket, prompt))
            await socket.receive()
            writing.cancel()


async def write(socket: WebSocket, prompt: str) -> None:
    """The answer, message by message."""
    with suppress(WebSocketDisconnect):
        async with aclosing(answer(prompt)) as messages:
            async for message in messages:
                await socket.send_json(message)
        await socket.close()
