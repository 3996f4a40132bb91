"""Vectors on stdout or in a file, and how near they are. Knows no model."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections.abc import Sequence
from itertools import combinations
from operator import mul
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from tramite.errors import InvalidCall, MissingExtra
from tramite.replies import EmbeddingReply

from . import facts
from .terminal import Terminal, table

Form: TypeAlias = Literal["json", "csv", "npz"]
Vector: TypeAlias = Sequence[float]
_SUFFIXES: dict[str, Form] = {".json": "json", ".csv": "csv", ".npz": "npz"}


def form(named: Form | None, output: str | None) -> Form:
    """The form that was named, else that of the file's suffix, else JSON. Raises InvalidCall, MissingExtra."""
    chosen = named or _SUFFIXES.get(Path(output).suffix.lower() if output else ".json")
    if chosen is None:
        raise InvalidCall(f"{output} does not say in which form: end it in .json, .csv or .npz, or give --format")
    if chosen == "npz":
        _numpy()
        if output is None and sys.stdout.isatty():
            raise InvalidCall("npz is binary: name a file with -o, or redirect stdout")
    return chosen


def write(written: Form, texts: Sequence[str], reply: EmbeddingReply, output: str | None, terminal: Terminal) -> None:
    """The vectors in this form, to the file or to stdout. A file is whole or not there. Raises OSError."""
    data = {"json": _json, "csv": _csv, "npz": _npz}[written](texts, reply)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(output).expanduser()
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    width = len(reply.vectors[0]) if reply.vectors else 0
    terminal.note(f"{len(reply.vectors)} vectors of {width} dimensions are in {path}")


def check_pairs(texts: Sequence[str]) -> None:
    """Raise InvalidCall where there is nothing to compare."""
    if len(texts) < 2:
        raise InvalidCall("--similarity compares two texts or more, and there is one")


def show_pairs(texts: Sequence[str], found: Sequence[Vector], terminal: Terminal, as_json: bool) -> None:
    """Cosine, dot product and Euclidean distance of each pair."""
    pairs = [
        {"a": texts[i], "b": texts[j], **_nearness(found[i], found[j])} for i, j in combinations(range(len(texts)), 2)
    ]
    if as_json:
        terminal.line(facts.json_text(pairs))
        return
    names = ("cosine", "dot", "euclidean")
    rows = [[str(pair["a"]), str(pair["b"]), *(f"{pair[name]:.4f}" for name in names)] for pair in pairs]
    table(["text", "and text", *names], rows)


def _nearness(a: Vector, b: Vector) -> dict[str, float]:
    dot = math.fsum(map(mul, a, b))
    lengths = math.hypot(*a) * math.hypot(*b)
    return {"cosine": dot / lengths if lengths else 0.0, "dot": dot, "euclidean": math.dist(a, b)}


def _json(texts: Sequence[str], reply: EmbeddingReply) -> bytes:
    told = {
        "model": reply.model,
        "target": reply.target,
        "usage": msgspec.to_builtins(reply.usage),
        "cost_nanousd": reply.cost_nanousd,
        "notices": list(reply.notices),
        "texts": list(texts),
        "vectors": reply.vectors,
    }
    return msgspec.json.encode(told) + b"\n"


def _csv(texts: Sequence[str], reply: EmbeddingReply) -> bytes:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["text", *(f"v{number}" for number in range(len(reply.vectors[0])))])
    for text, vector in zip(texts, reply.vectors, strict=True):
        rows.writerow([text, *(repr(value) for value in vector)])
    return written.getvalue().encode()


def _npz(texts: Sequence[str], reply: EmbeddingReply) -> bytes:
    _numpy()
    import numpy

    written = io.BytesIO()
    vectors = numpy.asarray(reply.vectors, dtype=numpy.float32)
    numpy.savez(written, vectors=vectors, texts=numpy.asarray(texts), target=numpy.asarray(reply.target))
    return written.getvalue()


def _numpy() -> None:
    from importlib.util import find_spec

    if find_spec("numpy") is None:
        raise MissingExtra("npz files need numpy, which is not installed: run pip install numpy, or take --format csv")
