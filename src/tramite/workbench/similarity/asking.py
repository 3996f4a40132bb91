"""One request for vectors: what is asked, and what came of it. Knows no page."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import msgspec
from msgspec import Struct

from tramite.errors import BadReply
from tramite.providers.embedded.transport import ENGLISH_ONLY
from tramite.replies import EmbeddingReply
from tramite.workbench.access import Access
from tramite.workbench.house import House

from . import measures
from .measures import Nearness


class Question(Struct, frozen=True, kw_only=True):
    """What is asked, without the key: another key gets the same vectors."""

    texts: tuple[str, ...]
    target: str | None
    """None: the default model."""
    endpoint: str = ""
    api_version: str = ""


class Answer(Struct, frozen=True):
    """How near the texts are, in the eyes of who answered, and what it took."""

    nearness: Nearness
    target: str
    width: int
    """How many numbers a vector has."""
    facts: dict[str, Any]


def question(texts: tuple[str, ...], access: Access, target: str | None) -> Question:
    """The question that these fields ask."""
    return Question(texts=texts, target=target, endpoint=access.endpoint, api_version=access.api_version)


def ask(house: House, access: Access, asked: Question) -> Future[Answer]:
    """Ask on the background loop; to cancel the future ends the request.

    Raises ConfigError at once, and TramiteError out of the future.
    """
    client = house.clients.of(access)

    async def answer() -> Answer:
        return read(asked, await client.embed(asked.texts, model=asked.target, truncate=True))

    future: Future[Answer] = house.generations.run(answer())
    return future


def read(asked: Question, reply: EmbeddingReply) -> Answer:
    """What the vectors say. Raises BadReply for vectors that cannot be compared."""
    try:
        found = measures.nearness(reply.vectors)
    except ValueError as error:
        raise BadReply("the vectors are not all of one length") from error
    if len(reply) != len(asked.texts):
        raise BadReply(f"{len(asked.texts)} vectors were asked for, and {len(reply)} came")
    return Answer(found, reply.target, len(reply.vectors[0]), facts(reply))


def facts(reply: EmbeddingReply) -> dict[str, Any]:
    """What is known of it, as the facts of any answer."""
    return {
        "target": reply.target,
        "usage": msgspec.to_builtins(reply.usage),
        "cost_nanousd": reply.cost_nanousd,
        "cached": reply.cached,
        "timings": msgspec.to_builtins(reply.timings),
        "attempts": msgspec.to_builtins(reply.attempts),
        "notices": [notice for notice in reply.notices if notice != ENGLISH_ONLY],  # which the page says itself
    }
