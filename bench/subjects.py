"""The libraries under measurement, each used as its own README says: a call, a stream, an embedding. Measures nothing.

All get the same messages and settings. `by hand` (aiohttp and msgspec, nothing checked) is the floor, not a competitor.
Imports nothing but the library that is asked for, since it also runs under interpreters that have no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from . import bodies

KEY = "sk-none"
SYSTEM, USER = "Sei un copywriter.", "Scrivi un titolo SEO per Firenze."
MESSAGES: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]
TEXTS = ["Cosa fare sulle Alpi in autunno"] * bodies.VECTORS
PACKAGES = {"tramite": "tramite", "openai": "openai", "litellm": "litellm", "by hand": "aiohttp"}


@dataclass(frozen=True)
class Async:
    """What an asynchronous library can do. `call` and `stream` give the text, `embed` the number of vectors."""

    call: Callable[[], Awaitable[Any]]
    stream: Callable[[], Awaitable[str]]
    embed: Callable[[], Awaitable[int]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Sync:
    """The same without await."""

    call: Callable[[], Any]
    stream: Callable[[], str]
    embed: Callable[[], int]
    close: Callable[[], None]


def installed(library: str) -> bool:
    """Whether this interpreter has it."""
    return find_spec(PACKAGES[library]) is not None


def release(library: str) -> str:
    """The version that this interpreter has."""
    return version(PACKAGES[library])


def tramite_config(url: str) -> Any:
    """The configuration as a user's environment would give it."""
    from tramite import config

    return config.load(environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url})


def _tramite(url: str) -> Async:
    from tramite import AsyncClient, system, user

    client = AsyncClient(tramite_config(url))
    messages = [system(SYSTEM), user(USER)]
    model = f"openai/{bodies.MODEL}"

    async def call() -> str:
        return (await client.chat(messages, model=model, temperature=0.7, max_tokens=60)).text

    async def stream() -> str:
        async with client.stream(messages, model=model, temperature=0.7, max_tokens=60) as stream:
            return "".join([piece async for piece in stream.text])

    async def embed() -> int:
        return len((await client.embed(TEXTS, model="openai/text-embedding-3-small")).vectors)

    return Async(call, stream, embed, client.aclose)


def _tramite_sync(url: str) -> Sync:
    from tramite import Client, system, user

    client = Client(tramite_config(url))
    messages = [system(SYSTEM), user(USER)]
    model = f"openai/{bodies.MODEL}"

    def call() -> str:
        return client.chat(messages, model=model, temperature=0.7, max_tokens=60).text

    def stream() -> str:
        with client.stream(messages, model=model, temperature=0.7, max_tokens=60) as stream:
            return "".join(stream.text)

    def embed() -> int:
        return len(client.embed(TEXTS, model="openai/text-embedding-3-small").vectors)

    return Sync(call, stream, embed, client.close)


CHAT: dict[str, Any] = {"model": bodies.MODEL, "messages": MESSAGES, "temperature": 0.7, "max_tokens": 60}
STREAM: dict[str, Any] = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
EMBED: dict[str, Any] = {"model": "text-embedding-3-small", "input": TEXTS}


def _content(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


def _openai(url: str) -> Async:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=KEY, base_url=url)

    async def call() -> Any:
        return (await client.chat.completions.create(**CHAT)).choices[0].message.content

    async def stream() -> str:
        chunks = await client.chat.completions.create(**STREAM)
        return "".join([_content(chunk) async for chunk in chunks])

    async def embed() -> int:
        return len((await client.embeddings.create(**EMBED)).data)

    return Async(call, stream, embed, client.close)


def _openai_sync(url: str) -> Sync:
    from openai import OpenAI

    client = OpenAI(api_key=KEY, base_url=url)

    def call() -> Any:
        return client.chat.completions.create(**CHAT).choices[0].message.content

    def stream() -> str:
        return "".join([_content(chunk) for chunk in client.chat.completions.create(**STREAM)])

    def embed() -> int:
        return len(client.embeddings.create(**EMBED).data)

    return Sync(call, stream, embed, client.close)


def _litellm(url: str) -> Async:
    import litellm  # type: ignore[import-not-found]  # not among our dependencies

    place = {"api_base": url, "api_key": KEY}
    chat = {**CHAT, "model": f"openai/{bodies.MODEL}", **place}

    async def call() -> Any:
        return (await litellm.acompletion(**chat)).choices[0].message.content

    async def stream() -> str:
        chunks = await litellm.acompletion(**{**STREAM, **chat})
        return "".join([_content(chunk) async for chunk in chunks])

    async def embed() -> int:
        return len((await litellm.aembedding(**{**EMBED, "model": "openai/text-embedding-3-small"}, **place)).data)

    async def close() -> None:
        pass

    return Async(call, stream, embed, close)


def _litellm_sync(url: str) -> Sync:
    import litellm

    place = {"api_base": url, "api_key": KEY}
    chat = {**CHAT, "model": f"openai/{bodies.MODEL}", **place}

    def call() -> Any:
        return litellm.completion(**chat).choices[0].message.content

    def stream() -> str:
        return "".join([_content(chunk) for chunk in litellm.completion(**{**STREAM, **chat})])

    def embed() -> int:
        return len(litellm.embedding(**{**EMBED, "model": "openai/text-embedding-3-small"}, **place).data)

    return Sync(call, stream, embed, lambda: None)


def _by_hand(url: str) -> Async:
    import aiohttp
    import msgspec

    session = aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"})

    async def call() -> Any:
        async with session.post(f"{url}/chat/completions", data=msgspec.json.encode(CHAT), headers=JSON) as response:
            return msgspec.json.decode(await response.read())["choices"][0]["message"]["content"]

    async def stream() -> str:
        pieces: list[str] = []
        async with session.post(f"{url}/chat/completions", data=msgspec.json.encode(STREAM), headers=JSON) as response:
            rest = b""
            async for data in response.content.iter_any():
                *events, rest = (rest + data).split(b"\n\n")
                chunks = [msgspec.json.decode(event[6:]) for event in events if event != b"data: [DONE]"]
                pieces += [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]]
        return "".join(pieces)

    async def embed() -> int:
        async with session.post(f"{url}/embeddings", data=msgspec.json.encode(EMBED), headers=JSON) as response:
            return len(msgspec.json.decode(await response.read())["data"])

    return Async(call, stream, embed, session.close)


JSON = {"content-type": "application/json"}


ASYNC: dict[str, Callable[[str], Async]] = {
    "tramite": _tramite,
    "openai": _openai,
    "litellm": _litellm,
    "by hand": _by_hand,
}
SYNC: dict[str, Callable[[str], Sync]] = {"tramite": _tramite_sync, "openai": _openai_sync, "litellm": _litellm_sync}


def has(library: str, face: str) -> bool:
    """Whether there is such a use of the library."""
    return library in (ASYNC if face == "async" else SYNC)
