"""The squares of numbers as pictures, and as files. Knows no Streamlit."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from . import sentences
from .measures import MEASURES, Measure, Nearness

READABLE = 10
"""So many sentences still leave room for a number in each field, on a phone too."""
_CELL, _AROUND, _MOST_HEIGHT = 36, 130, 760
_LABELS = 60
"""With more sentences, the rows are numbered only."""


class Titles(NamedTuple):
    """The words of a picture."""

    measure: str
    first: str
    second: str
    by: dict[Measure, str]


def chart(texts: Sequence[str], found: Nearness, measure: Measure, titles: Titles) -> alt.LayerChart | alt.FacetChart:
    """A field for each pair: the brighter, the nearer. Whole sentences stand in the tooltips."""
    known = _pairs(found)
    low, high = _bounds(found, measure)
    colour = alt.Color(
        f"{measure}:Q",
        title=titles.measure,
        scale=alt.Scale(scheme="viridis", domain=[low, high], reverse=measure == "euclidean"),
        legend=alt.Legend(orient="bottom", gradientLength=180),
    )
    base = (
        alt.Chart({"values": known})
        .transform_lookup(lookup="a", from_=_lookup(texts, ["label", "text"]), as_=["label", "first"])
        .transform_lookup(lookup="b", from_=_lookup(texts, ["text"]), as_=["second"])
        .encode(
            x=alt.X("b:O", title=None, axis=alt.Axis(orient="top", labelAngle=0, labelOverlap=True, ticks=False)),
            y=alt.Y("label:N", title=None, sort=alt.EncodingSortField("a", "min"), axis=_rows(len(texts))),
            tooltip=[
                alt.Tooltip("first:N", title=titles.first),
                alt.Tooltip("second:N", title=titles.second),
                *(alt.Tooltip(f"{name}:Q", title=titles.by[name], format=".4f") for name in MEASURES),
            ],
        )
    )
    layers = [base.mark_rect().encode(color=colour)]
    if len(texts) <= READABLE:
        layers.append(_numbers(base, measure, low, high))
    return alt.layer(*layers).properties(height=min(_MOST_HEIGHT, _CELL * len(texts) + _AROUND))


def csv_of(texts: Sequence[str], found: Nearness, measure: Measure) -> bytes:
    """One square with its sentences; an empty field where there is no number."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([measure, *texts])
    for text, row in zip(texts, found.by(measure).tolist(), strict=True):
        rows.writerow([text, *("" if math.isnan(value) else repr(value) for value in row)])
    return written.getvalue().encode("utf-8-sig")  # by which spreadsheets know the encoding


def _rows(count: int) -> alt.Axis:
    if count > _LABELS:
        return alt.Axis(labels=False, ticks=False)
    return alt.Axis(labelLimit=130, ticks=False, labelFlush=False)


def _numbers(base: alt.Chart, measure: Measure, low: float, high: float) -> alt.Chart:
    """The values, dark on bright and bright on dark."""
    near = 0.53 if measure == "euclidean" else 0.47  # of viridis, where dark and white letters are read as well
    middle = low + (high - low) * near
    bright = f"datum.{measure} < {middle}" if measure == "euclidean" else f"datum.{measure} > {middle}"
    size = ".2f" if max(abs(low), abs(high)) < 100 else ".3s"
    numbers: alt.Chart = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{measure}:Q", format=size),
        color=alt.condition(bright, alt.value("#111111"), alt.value("#ffffff")),
    )
    return numbers


def _bounds(found: Nearness, measure: Measure) -> tuple[float, float]:
    known = [value for row in found.by(measure).tolist() for value in row if not math.isnan(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    return low, high if high > low else low + 1.0


def _lookup(texts: Sequence[str], fields: list[str]) -> alt.LookupData:
    rows = [
        {"number": number, "label": label, "text": text}
        for number, (label, text) in enumerate(zip(sentences.labels(texts, 22), texts, strict=True), 1)
    ]
    return alt.LookupData(data={"values": rows}, key="number", fields=fields)


def _pairs(found: Nearness) -> list[dict[str, Any]]:
    squares = {name: found.by(name).round(6).tolist() for name in MEASURES}
    places = range(len(found.cosine))
    return [
        {"a": a + 1, "b": b + 1, **{name: _number(square[a][b]) for name, square in squares.items()}}
        for a in places
        for b in places
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
