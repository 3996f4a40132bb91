"""How many tokens a text has: counted where a tokenizer is at hand, else estimated from what the model has shown.

Nothing is ever downloaded: a tokenizer is a file that the user names, or an encoding that tiktoken has on disk already.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

LONG_TEXT = 20_000
"""From so many characters on, counting leaves the event loop."""
BYTES_PER_TOKEN = 3.5
"""Before anything is known: between English (about 4.4) and code or Italian (about 3.3) with current vocabularies."""
_MEMORY = 0.98
"""How much of what was learned is kept at each observation: the last fifty count most."""

# The files that tiktoken itself would fetch; it keeps them under the SHA-1 of their address.
_ENCODINGS = {
    "o200k_base": "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
    "cl100k_base": "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
}


class TokenCount(Struct, frozen=True):
    """A number of tokens and how it was found: `exact`, `learned` from this model's usage, or a `guess`."""

    tokens: int
    how: Literal["exact", "learned", "guess"]


class TokenRatios:
    """Bytes per token, learned per model from real usage. Thread-safe enough: a lost observation does no harm."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def observe(self, model: str, size: int, tokens: int | None) -> None:
        """A request whose text has `size` UTF-8 bytes was counted as `tokens` by the provider."""
        if tokens and size:
            known_bytes, known_tokens = self._seen.get(model, (0.0, 0.0))
            self._seen[model] = (known_bytes * _MEMORY + size, known_tokens * _MEMORY + tokens)

    def estimate(self, model: str, size: int) -> TokenCount:
        """Tokens of `size` bytes, rounded up."""
        known = self._seen.get(model)
        ratio = known[0] / known[1] if known else BYTES_PER_TOKEN
        return TokenCount(-int(-size / ratio // 1), "learned" if known else "guess")


async def count(text: str, model: str, tokenizer: Path | None, ratios: TokenRatios) -> TokenCount:
    """The tokens of a text for a model: exact where its tokenizer is here. Raises MissingExtra, ConfigError."""
    exact = _counter(tokenizer, model)
    if exact is None:
        return ratios.estimate(model, len(text.encode("utf-8", "surrogatepass")))
    if len(text) < LONG_TEXT:
        return TokenCount(exact(text), "exact")
    return TokenCount(await asyncio.to_thread(exact, text), "exact")


def _counter(tokenizer: Path | None, model: str) -> Callable[[str], int] | None:
    if tokenizer is not None:
        return _from_file(tokenizer)
    provider, _, name = model.partition("/")
    if provider not in ("openai", "openai-responses", "azure"):
        return None
    return _from_tiktoken("cl100k_base" if name.startswith(("gpt-4-", "gpt-3.5", "text-embedding")) else "o200k_base")


@lru_cache(maxsize=8)
def _from_file(path: Path) -> Callable[[str], int]:
    from tramite.errors import ConfigError, MissingExtra

    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra("counting with a tokenizer needs tokenizers: pip install 'tramite[tokens]'") from None
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001 - the library raises nothing more special
        raise ConfigError(f"{file} is no tokenizer: {error}") from None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=2)
def _from_tiktoken(encoding: str) -> Callable[[str], int] | None:
    """tiktoken's encoding, if its file is on disk: without it, tiktoken would download it."""
    try:
        import tiktoken
    except ImportError:
        return None
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    cache = Path(folder) if folder else Path(tempfile.gettempdir()) / "data-gym-cache"
    if not (cache / hashlib.sha1(_ENCODINGS[encoding].encode(), usedforsecurity=False).hexdigest()).exists():
        return None
    known = tiktoken.get_encoding(encoding)
    return lambda text: len(known.encode_ordinary(text))
