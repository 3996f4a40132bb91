"""Hugging Face's addresses: what each of them is, and what is none. Decides; does no I/O.

Sources: huggingface.co/docs/inference-providers, huggingface.co/docs/inference-endpoints (guides: autoscaling), as of
2026-11; the old host's own answer, 410.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from tramite.calls import Kind

from .rows import Provider

DIALECT = "huggingface"
ROUTER = "router.huggingface.co"
DEDICATED = ".endpoints.huggingface.cloud"
CONTAINER_BATCH = 32
"""The most inputs of one request that TEI takes, unless it is started otherwise (`--max-client-batch-size`)."""

_RETIRED = "api-inference.huggingface.co"
_PAGES = frozenset(("huggingface.co", "www.huggingface.co", "hf.co"))
_CONSOLES = frozenset(("endpoints.huggingface.co", "ui.endpoints.huggingface.co", "api.endpoints.huggingface.cloud"))
_KINDS: dict[str, tuple[Kind, ...]] = {
    "containers": ("chat", "completion", "embedding", "rerank", "models"),
    "tgi": ("chat", "completion", "models"),
    "tei": ("embedding", "rerank"),
    "task": ("completion", "embedding"),
    "router": ("chat", "completion", "embedding", "models"),
}

_USE_ROUTER = f"use the provider huggingface (huggingface/MODEL), or base_url https://{ROUTER}"
_USE_ENDPOINT = f"a dedicated endpoint's address ends in {DEDICATED}, and stands on its page"


def refusal(address: str, dialect: str) -> str:
    """Why an address is none to be asked, and which to use; empty for those that may be."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host == _RETIRED:
        return f"this host is retired and answers 410: {_USE_ROUTER}"
    if host in _PAGES and parts.path.startswith("/spaces"):
        return f"this is the page of a Space, and no inference endpoint: {_USE_ROUTER}; {_USE_ENDPOINT}"
    if host.endswith(".hf.space") and dialect == DIALECT:
        return (
            f"this is a Space, and no inference endpoint: {_USE_ROUTER}; {_USE_ENDPOINT}. "
            'If a server of the OpenAI dialect runs in it, set dialect = "openai"'
        )
    if host in _PAGES:
        return f"this is a page for people, and no inference endpoint (any more): {_USE_ROUTER}"
    if host in _CONSOLES:
        return f"endpoints are managed here, and not asked: {_USE_ENDPOINT}"
    return ""


def addressed(provider: Provider, said: frozenset[str]) -> Provider:
    """The provider with what follows from its address, but for what is `said`. Others are as they were."""
    host = urlsplit(provider.base_url).hostname or ""
    if host.endswith(DEDICATED) and "cold_starts" not in said:
        provider = msgspec.structs.replace(provider, cold_starts=True)
    if provider.dialect != DIALECT:
        return provider
    return _as_served(provider, _serves(provider, host, said), said)


def _serves(provider: Provider, host: str, said: frozenset[str]) -> str:
    if "serves" not in said and host == ROUTER:
        return "router"
    if "serves" not in said and host.endswith(DEDICATED):
        return "containers"
    return provider.traits.serves


def _as_served(provider: Provider, serves: str, said: frozenset[str]) -> Provider:
    root = provider.base_url.removesuffix("/v1")
    if serves == "openai":
        return msgspec.structs.replace(provider, dialect="openai", base_url=f"{root}/v1")
    known: dict[str, object] = {
        "kinds": _KINDS[serves],
        "embed_batch": CONTAINER_BATCH,
        # A container has one model, and takes any name for it; this is the usual one.
        "default_model": provider.default_model if serves == "router" else provider.default_model or "tgi",
    }
    return msgspec.structs.replace(
        provider,
        base_url=root,
        traits=msgspec.structs.replace(provider.traits, serves=serves),
        **{key: value for key, value in known.items() if key not in said},
    )
