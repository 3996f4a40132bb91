"""Which local servers answer, and which model they have loaded. Asks the addresses of local providers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tramite.calls import Kind
from tramite.errors import ConfigError, ModelNotFound, ProviderError
from tramite.wire.seam import Request, Transport

from .rows import Provider

if TYPE_CHECKING:
    from tramite.config import Config

PROBE_S = 1.0
"""A server on this machine that needs longer to list its models is not found; it can still be named."""
MAX_LIST_BYTES = 4 * 1024 * 1024
_EMBEDDING_WORDS = ("embed", "minilm", "bge-", "e5-", "gte-", "rerank")


class Listed(Struct, frozen=True):
    """A model as a server lists it. LM Studio alone says what it is (`type`) and whether it is loaded (`state`)."""

    id: str
    type: str = ""
    state: str = ""


class _Listing(Struct, frozen=True):
    data: list[Listed]


async def answering(
    config: Config, transport_of: Callable[[Provider], Transport], limit_s: float = PROBE_S
) -> list[Provider]:
    """The local providers whose server answers with at least one model to chat with, in the catalogue's order."""
    local = [row for row in config.providers.values() if row.local and not row.in_process and "chat" in row.kinds]
    found = await asyncio.gather(*(_answers(row, transport_of(row), limit_s) for row in local))
    return [row for row, answers in zip(local, found, strict=True) if answers]


async def loaded_model(provider: Provider, transport: Transport, kind: Kind = "chat") -> str:
    """The model that a local server has loaded for this kind of call.

    Raises ModelNotFound, naming what is there; ProviderError where the server does not answer.
    """
    models = await _native(provider, transport) or await models_of(provider, transport)
    chosen = choose(models, kind)
    if chosen is None:
        names = ", ".join(model.id for model in models[:8]) or "no model at all"
        what = "embedding model" if kind == "embedding" else "chat model"
        error = ModelNotFound(
            f"{provider.title or provider.name} has no {what} loaded (it lists {names}): "
            f"load one, or name one as {provider.name}/MODEL"
        )
        raise error.at(provider.name, "")
    return chosen


def choose(models: Sequence[Listed], kind: Kind) -> str | None:
    """The first model that is loaded, as far as the server tells, and of the right sort for this kind of call."""
    wanted = kind == "embedding"
    able = [model for model in models if _is_embedding(model) == wanted and model.state in ("", "loaded")]
    return able[0].id if able else None


async def models_of(provider: Provider, transport: Transport, limit_s: float = 10.0) -> list[Listed]:
    """What the server lists at /models. Raises ProviderError."""
    return await _list(provider, transport, f"{provider.base_url}/models", limit_s)


async def _answers(provider: Provider, transport: Transport, limit_s: float) -> bool:
    try:
        return choose(await models_of(provider, transport, limit_s), "chat") is not None
    except (ProviderError, ConfigError):
        return False


async def _native(provider: Provider, transport: Transport) -> list[Listed]:
    """LM Studio's own list, which says what is loaded; empty where there is none."""
    if provider.name != "lmstudio":
        return []
    root = provider.base_url.removesuffix("/v1")
    try:
        return await _list(provider, transport, f"{root}/api/v0/models", 10.0)
    except ProviderError:
        return []


async def _list(provider: Provider, transport: Transport, url: str, limit_s: float) -> list[Listed]:
    headers = {"accept": "application/json", **provider.credentials()}
    request = Request(method="GET", url=url, headers=headers, connect_s=limit_s, max_body=MAX_LIST_BYTES)
    try:
        async with asyncio.timeout(limit_s):
            response = await transport.send(request)
            try:
                body = await response.read()
            finally:
                response.close()
    except TimeoutError:
        raise ProviderError(f"{url} did not answer within {limit_s:g} s").at(provider.name, "") from None
    if response.status != 200:
        raise ProviderError(f"{url} answered with status {response.status}", status=response.status).at(
            provider.name, ""
        )
    try:
        return msgspec.json.decode(body, type=_Listing).data
    except msgspec.DecodeError:
        raise ProviderError(f"{url} did not answer with a list of models").at(provider.name, "") from None


def _is_embedding(model: Listed) -> bool:
    if model.type in ("llm", "vlm", "embeddings"):
        return model.type == "embeddings"
    return any(word in model.id.lower() for word in _EMBEDDING_WORDS)
