"""Which embedding model to begin with, which ones know Italian, and when results are not to be trusted.

Knows names of models, and no page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import Literal, TypeAlias

from tramite.errors import TramiteError
from tramite.providers.embedded import package
from tramite.providers.embedded.language import looks_foreign
from tramite.providers.local import places
from tramite.workbench.access import Access
from tramite.workbench.house import House

ENGLISH = ("embedded", "all-minilm-l6-v2")
DEMO = ("demo", "hash")
MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
USUAL = {
    "openai": "text-embedding-3-small",
    "gemini": "gemini-embedding-001",
    "mistral": "mistral-embed",
    "local": MULTILINGUAL,
    **dict((ENGLISH, DEMO)),
}
"""What to ask a provider for vectors with; its default model writes text."""

Chosen: TypeAlias = tuple[str, str]
"""A provider and a model."""
Doubt: TypeAlias = Literal["", "demo", "english"]

_HINTS = re.compile(
    r"multilingual|bge-m3|embeddinggemma|embedding-gemma|qwen3-embed|arctic-embed-?(?:.-)?(?:v)?2|embed-text-v2"
)
_PAID = ("openai", "gemini")
_LIBRARIES = ("torch", "transformers", "huggingface_hub")
_PATIENCE_S = 0.5


def first(house: House) -> Chosen:
    """The embedded model where it is installed, else the demo, which no model is behind."""
    try:
        package.check_installed()
    except TramiteError:
        return DEMO
    return ENGLISH if ENGLISH[0] in house.config.providers else DEMO


def multilingual(house: House, typed: Collection[str] = ()) -> Chosen | None:
    """A model that knows Italian and can be had now: on this machine, else at a provider whose key is there.

    `typed` names the providers whose keys were typed.
    """
    rows = house.config.providers
    if "local" in rows and _is_here(MULTILINGUAL):
        return "local", MULTILINGUAL
    for name in ("lmstudio", "ollama"):
        listing = house.models.of(Access(provider=name), _PATIENCE_S) if name in rows else None
        for model in listing.models if listing is not None else ():
            if _HINTS.search(model.lower()):
                return name, model
    return next(((name, USUAL[name]) for name in _PAID if name in rows and (rows[name].ready or name in typed)), None)


def doubt(target: str, texts: Sequence[str]) -> Doubt:
    """Why what this model (`provider/model`) says of these texts is not to be trusted, if so."""
    if target.startswith("demo/"):
        return "demo"
    return "english" if "all-minilm" in target.lower() and looks_foreign(texts) else ""


def _is_here(model: str) -> bool:
    """Whether transformers could run it, with nothing to fetch. Loads nothing."""
    if any(find_spec(name) is None for name in _LIBRARIES):
        return False
    try:
        places.find(model)
    except TramiteError:
        return False
    return True
