"""BERT's encoder in numpy: token numbers in, one vector for each text out. Knows no tokenizer, no files, no threads.

Devlin et al. 2018, "BERT", with exact GELU, and the mean over tokens and L2 norm of Sentence-BERT (Reimers and Gurevych
2019). Texts of one batch stand one after another, without padding: all but the attention works on tokens alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

HEADS = 12
EPSILON = np.float32(1e-12)
_CACHED = 16 * 1024
"""Numbers of an activation worked on at once: they stay in a core's cache through GELU's thirty passes."""


class _Layer(NamedTuple):
    """Matrices as `x @ w` wants them; queries, keys and values are one, the queries already scaled."""

    qkv: Floats
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    attention_norm: tuple[Floats, Floats]
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    output_norm: tuple[Floats, Floats]


class _Run(NamedTuple):
    """Texts of equal length that stand side by side: where they begin, how many, how long."""

    start: int
    texts: int
    length: int

    @property
    def span(self) -> slice:
        return slice(self.start, self.start + self.texts * self.length)


class Bert:
    """The weights, ready for use. Safe from several threads: it keeps nothing between calls."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._words = weights["embeddings.word_embeddings.weight"]
        # there is one segment only, so its vector can be part of the places'
        self._places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _pair(weights, "embeddings.LayerNorm")
        count = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        self._layers = [_layer(weights, f"encoder.layer.{number}.") for number in range(count)]

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self._words.shape[1])

    def __call__(self, texts: Sequence[Sequence[int]]) -> Floats:
        """One unit vector for each text, given as token numbers; the fewer lengths there are, the faster."""
        lengths = [len(tokens) for tokens in texts]
        numbers = np.concatenate([np.asarray(tokens) for tokens in texts])
        places = np.concatenate([np.arange(length) for length in lengths])
        hidden = self._words[numbers] + self._places[places]
        _normalise(hidden, self._norm)
        runs = list(_runs(lengths))
        mixed = np.empty_like(hidden)
        for layer in self._layers:
            _attend(hidden @ layer.qkv + layer.qkv_bias, runs, mixed)
            hidden += mixed @ layer.out + layer.out_bias
            _normalise(hidden, layer.attention_norm)
            inner = hidden @ layer.up
            inner += layer.up_bias
            gelu(inner)
            hidden += inner @ layer.down + layer.down_bias
            _normalise(hidden, layer.output_norm)
        means = [hidden[run.span].reshape(run.texts, run.length, -1).mean(axis=1) for run in runs]
        vectors: Floats = np.concatenate(means)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), EPSILON)
        return vectors


def _pair(weights: Mapping[str, Floats], name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _layer(weights: Mapping[str, Floats], prefix: str) -> _Layer:
    """A layer's matrices, transposed and put together once."""

    def linear(name: str) -> tuple[Floats, Floats]:
        weight, bias = _pair(weights, prefix + name)
        return np.ascontiguousarray(weight.T), bias

    query, query_bias = linear("attention.self.query")
    scale = np.float32((query.shape[1] // HEADS) ** -0.5)
    key, key_bias = linear("attention.self.key")
    value, value_bias = linear("attention.self.value")
    return _Layer(
        np.ascontiguousarray(np.concatenate([query * scale, key, value], axis=1)),
        np.concatenate([query_bias * scale, key_bias, value_bias]),
        *linear("attention.output.dense"),
        _pair(weights, prefix + "attention.output.LayerNorm"),
        *linear("intermediate.dense"),
        *linear("output.dense"),
        _pair(weights, prefix + "output.LayerNorm"),
    )


def _runs(lengths: Sequence[int]) -> Iterator[_Run]:
    start = 0
    for length, group in groupby(lengths):
        run = _Run(start, len(list(group)), length)
        yield run
        start = run.span.stop


def _attend(qkv: Floats, runs: Sequence[_Run], mixed: Floats) -> None:
    """Scaled dot-product attention of each text with itself, into `mixed`."""
    for run in runs:
        # (text, token, q k v, head, number) to (q k v, text, head, token, number)
        split = qkv[run.span].reshape(run.texts, run.length, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)
        query, key, value = split
        scores = query @ key.swapaxes(-1, -2)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed[run.span].reshape(run.texts, run.length, HEADS, -1)[:] = (scores @ value).transpose(0, 2, 1, 3)


def _normalise(rows: Floats, norm: tuple[Floats, Floats]) -> None:
    """Layer normalisation, in place."""
    weight, bias = norm
    rows -= rows.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1])
    rows *= (1 / np.sqrt(variance + EPSILON))[:, None]
    rows *= weight
    rows += bias


# erf(x) = x P(x^2) / Q(x^2) for |x| <= 4, and beyond that it is 1 for a 32-bit float: the minimax coefficients that
# Eigen and XLA use. numpy has no erf of its own.
_P = np.array(
    [
        *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
        *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
    ],
    np.float32,
)
_Q = np.array(
    [
        *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
        -1.42647390514189e-02,
    ],
    np.float32,
)


def gelu(values: Floats) -> None:
    """x/2 (1 + erf(x/sqrt(2))), in place (Hendrycks and Gimpel 2016), to 1e-6 of its size."""
    flat = values.reshape(-1)
    for start in range(0, len(flat), _CACHED):
        _gelu(flat[start : start + _CACHED])


def _gelu(values: Floats) -> None:
    x = values * np.float32(2**-0.5)
    np.clip(x, -4, 4, out=x)
    square = x * x
    x *= _polynomial(_P, square)
    x /= _polynomial(_Q, square)
    x += 1
    x *= np.float32(0.5)
    values *= x


def _polynomial(coefficients: Floats, x: Floats) -> Floats:
    """By Horner's rule."""
    total: Floats = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= x
    total += coefficients[-1]
    return total
