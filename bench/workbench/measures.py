"""The measurements: each begins a workbench of its own, does what somebody would do, and says how long it took."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from playwright.sync_api import Browser
from websockets.asyncio.client import connect

from tramite.messages import assistant, user
from tramite.store import sqlite_url
from tramite.store.conversations import Conversations, Node, new_id

from . import browsing
from .provider import Provider, providing
from .serving import STORE, Served, healthy, serving
from .session import Session


class Crowd(Struct):
    """Several who read at once."""

    late_s: list[float]
    """From each word's sending to its being shown, of all sessions."""
    in_chromium_s: list[float]
    missing: int
    """Words that were never shown while they were written, or not all of them at the end."""
    errors: list[str]
    idle_mb: float
    most_mb: float


@contextmanager
def world(
    model: str = "paced", tokens: int = 60, interval_s: float = 0.1, port: int = 0
) -> Iterator[tuple[Provider, Served]]:
    """A provider and a workbench before it."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        providing(tokens, interval_s) as provider,
        serving(Path(folder), provider.url, model, port) as served,
    ):
        yield provider, served


def starts(browser: Browser, rounds: int) -> tuple[list[float], list[float], float]:
    """From the start of the process until it is well, and until somebody can write, in a browser that has been there;
    and in one that has not; in seconds. The port is always the same, as it is for a user: a browser keeps what it has
    loaded by address."""
    well: list[float] = []
    usable: list[float] = []
    port = _free_port()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, browsing.somebodys(browser, profile) as context:
        for _ in range(rounds + 1):
            with world(port=port) as (_, served):
                well.append(healthy(served))
            with world(port=port) as (_, served):
                page = context.new_page()
                browsing.wait_until_usable(page, served.url)
                usable.append(time.monotonic() - served.began)
                page.close()
    return well[1:], usable[1:], usable[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def tokens(browser: Browser) -> list[float]:
    """From each token's sending to its being on the screen, with nobody else there; in seconds."""
    with world() as (provider, served):
        healthy(served)
        page = browsing.usable(browser, served.url)
        browsing.say(page, "hello alone1")
        browsing.over(page)
        seen = browsing.seen(page)
        page.context.close()
    return [seen[word] - sent for word, sent in provider.sent.items() if word in seen]


def stops(browser: Browser, rounds: int, before_the_first_token: bool) -> list[float]:
    """From the click to the provider's seeing that nobody wants more; in seconds."""
    found: list[float] = []
    with world("silent" if before_the_first_token else "paced", 10_000) as (provider, served):
        healthy(served)
        page = browsing.usable(browser, served.url)
        for number in range(rounds):
            said = f"stop{number}"
            browsing.say(page, f"hello {said}")
            if before_the_first_token:
                browsing.until(lambda said=said: said in provider.asked, page)  # type: ignore[misc]
            else:
                browsing.until(lambda said=said: f"{said}-9" in browsing.seen(page), page)  # type: ignore[misc]
            clicked = browsing.stop(page)
            browsing.until(lambda said=said: said in provider.left, page)  # type: ignore[misc]
            found.append(provider.left[said] - clicked)
            browsing.over(page)
        page.context.close()
    return found


def long_conversation(messages: int, rounds: int) -> list[float]:
    """An interaction with a conversation of so many messages: from its message to the end of its run; in seconds."""

    async def interact(url: str, id: str) -> list[float]:
        async with connected(url) as socket:
            session = Session(socket, f"c={id}")
            await session.run()
            took = [await session.run() for _ in range(rounds)]
            if session.errors:
                raise RuntimeError(f"the page failed: {session.errors}")
            return took

    with world() as (_, served):
        healthy(served)
        id = _fill(served.log.with_name(STORE), messages)
        with ThreadPoolExecutor(1) as thread:  # Playwright's loop has this one
            return thread.submit(lambda: asyncio.run(interact(served.url, id))).result()


def crowd(browser: Browser, in_chromium: int, others: int) -> Crowd:
    """So many sessions that stream at once."""
    with world(tokens=200, interval_s=0.05) as (provider, served):
        healthy(served)
        pages = [browsing.usable(browser, served.url) for _ in range(in_chromium)]
        found = Crowd([], [], 0, [], served.resident_mb(), 0.0)
        done = threading.Event()
        watcher = threading.Thread(target=_weigh, args=(served, found, done))
        sessions = threading.Thread(target=lambda: asyncio.run(_read(served.url, others, provider, found)))
        watcher.start()
        sessions.start()
        for number, page in enumerate(pages):
            browsing.say(page, f"hello chromium{number}")
        for number, page in enumerate(pages):
            browsing.over(page)
            seen = browsing.seen(page)
            found.in_chromium_s += _late(provider, f"chromium{number}", seen, found)
            page.context.close()
        sessions.join()
        done.set()
        watcher.join()
        found.late_s += found.in_chromium_s
        if log := served.log.read_text():
            found.errors.append(log)
    return found


async def _read(url: str, how_many: int, provider: Provider, found: Crowd) -> None:
    async def one(number: int) -> None:
        async with connected(url) as socket:
            session = Session(socket)
            await session.run()
            await session.run(f"hello socket{number}")
            found.errors += session.errors
            found.late_s += _late(provider, f"socket{number}", session.seen, found)

    await asyncio.gather(*(one(number) for number in range(how_many)))


def connected(url: str) -> connect:
    """A socket as Streamlit's page opens it."""
    return connect(url.replace("http", "ws") + "/_stcore/stream", subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]


def _late(provider: Provider, said: str, seen: dict[str, float], found: Crowd) -> list[float]:
    words = [f"{said}-{number}" for number in range(provider.tokens)]
    found.missing += sum(word not in seen or word not in provider.sent for word in words)
    return [seen[word] - provider.sent[word] for word in words if word in seen and word in provider.sent]


def _weigh(served: Served, found: Crowd, done: threading.Event) -> None:
    while not done.wait(0.1):
        found.most_mb = max(found.most_mb, served.resident_mb())


def _fill(store: Path, messages: int) -> str:
    """Put a conversation there; its id."""
    kept = Conversations.at(sqlite_url(store))
    made = kept.create()
    nodes = [
        Node(
            id=new_id(),
            conversation_id=made.id,
            message=user(f"question {number}")
            if number % 2 == 0
            else assistant(f"**answer** {number} " + "word " * 200),
        )
        for number in range(messages)
    ]
    for before, node in pairwise(nodes):
        node.parent_id = before.id
    kept.add(*nodes, leaf=nodes[-1].id)
    kept.close()
    return made.id
