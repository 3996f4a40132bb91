"""The model in memory: texts to tokens, tokens to vectors, one batch at a time. Knows no loop and no wire format."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from safetensors.numpy import load_file
from tokenizers import Tokenizer

from . import package
from .bert import Bert, Floats

WINDOW = 256
"""Tokens that it reads at most, its two marks included: max_seq_length of its sentence_bert_config.json."""


class Model:
    """all-MiniLM-L6-v2. Safe from several threads."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / package.TOKENIZER))
        # its file asks for 128 tokens, always: not what sentence-transformers does, and too much for a short text
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.bert = Bert(load_file(folder / package.WEIGHTS))

    def tokens(self, texts: Iterable[str]) -> list[list[int]]:
        """The token numbers of each text, however many; the first and the last are marks.

        One text at a time: the library's own batches use threads that do not survive a fork.
        """
        return [self._tokenizer.encode(text).ids for text in texts]

    def vectors(self, texts: Sequence[Sequence[int]]) -> Floats:
        """One unit vector for each text, given as at most `WINDOW` token numbers."""
        return self.bert(texts)


def cut(tokens: list[int]) -> list[int]:
    """The first `WINDOW` tokens, with the mark at their end."""
    return tokens if len(tokens) <= WINDOW else [*tokens[: WINDOW - 1], tokens[-1]]


_loaded: list[Model] = []
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)  # the parent may have been loading


def load() -> Model:
    """The one model of this process, loaded when it is first asked for. Blocks; raises MissingExtra, ConfigError."""
    with _lock:
        if not _loaded:
            _loaded.append(Model(package.folder()))
        return _loaded[0]
