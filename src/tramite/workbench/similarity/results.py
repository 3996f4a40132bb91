"""What came of it, drawn: the facts, the squares, the nearest sentences, what an example shows, what it all means."""

from __future__ import annotations

import math

import streamlit as st

from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame, markdown

from . import choosing, examples, heatmap, measures, sentences
from .asking import Answer, Question
from .examples import Example
from .heatmap import Titles
from .measures import MEASURES, Measure

PAGE = "similarity"
_WELL, _BADLY = 0.99, 0.67
"""Shares of sentences whose nearest means the same: an example has worked, or has not."""


def draw(question: Question, found: Answer, t: Words) -> None:
    """All of it."""
    texts = question.texts
    st.caption(line(found, t))
    doubt = choosing.doubt(found.target, texts)
    if doubt == "demo":
        st.warning(t("similarity.doubt_demo"), icon=":material/science:")
    elif doubt == "english":
        st.warning(t("similarity.doubt_english"), icon=":material/translate:")
    for notice in found.facts["notices"]:
        st.caption(f":material/info: {markdown.plain(notice)}")
    if example := examples.of(texts):
        _shows(example, found, t)
    measure = _measure(t)
    st.caption(t(f"similarity.scale_{measure}"))
    titles = Titles(
        _name(measure, t),
        t("similarity.first"),
        t("similarity.second"),
        {one: _name(one, t) for one in MEASURES},
    )
    st.altair_chart(heatmap.chart(texts, found.nearness, measure, titles), width="stretch", theme="streamlit")
    _table(texts, found, measure, t)
    _nearest(texts, found, measure, t)


def line(found: Answer, t: Words) -> str:
    """Who answered, with what, for how much, in which time."""
    usage, timings = found.facts["usage"], found.facts["timings"]
    words = [markdown.plain(found.target), t("similarity.width", count=f"{found.width:,}")]
    if (tokens := usage.get("input_tokens")) is not None:
        mark = "≈ " if usage.get("source") in ("estimated", "partial") else ""
        words.append(mark + t("similarity.tokens", count=f"{tokens:,}"))
    words.append(t("answer.cached") if found.facts["cached"] else answer.cost(found.facts["cost_nanousd"], t))
    words.append(t("answer.total", seconds=f"{timings.get('total_s', 0.0):.2f}"))
    if len(found.facts["attempts"]) > 1:
        words.append(t("answer.attempts", count=len(found.facts["attempts"])))
    return " · ".join(words)


def explanation(t: Words) -> None:
    """What the numbers mean, for whoever wants to know."""
    with st.expander(t("similarity.what"), icon=":material/school:"):
        st.markdown(t("similarity.what_vectors"))
        for measure in MEASURES:
            st.markdown(f"- **{_name(measure, t)}**: {t(f'similarity.what_{measure}')}")
        st.markdown(t("similarity.what_same"))
        st.markdown(t("similarity.what_polysemy"))
        st.markdown(t("similarity.what_language"))


def _measure(t: Words) -> Measure:
    key = frame.kept(f"{PAGE}.measure", MEASURES[0])
    chosen = st.segmented_control(
        t("similarity.measure"),
        MEASURES,
        key=key,
        format_func=lambda one: _name(one, t),
        required=True,
    )
    return chosen or MEASURES[0]


def _name(measure: Measure, t: Words) -> str:
    return t(f"similarity.{measure}")


def _shows(example: Example, found: Answer, t: Words) -> None:
    """Whether the sentences lie together by what they mean, as the numbers say it."""
    contrast = measures.contrast(found.nearness, example.groups)
    share = contrast.near / contrast.of
    key = "works" if share >= _WELL else "partly" if share > _BADLY else "fails"
    text = t(
        f"similarity.{key}",
        word=example.name,
        same=_number(contrast.same),
        other=_number(contrast.other),
        near=contrast.near,
        of=contrast.of,
    )
    if choosing.doubt(found.target, example.texts) == "english":
        text += " " + t("similarity.chance")
    st.markdown(text)


def _table(texts: tuple[str, ...], found: Answer, measure: Measure, t: Words) -> None:
    with st.expander(t("similarity.table"), icon=":material/table:"):
        names = sentences.labels(texts, 60)
        square = found.nearness.by(measure).round(4).tolist()
        rows = [
            {t("similarity.sentence"): name, **{str(other): _known(value) for other, value in enumerate(row, 1)}}
            for name, row in zip(names, square, strict=True)
        ]
        st.dataframe(rows, hide_index=True, placeholder="–", width="stretch")
        st.download_button(
            t("similarity.download", measure=_name(measure, t)),
            lambda: heatmap.csv_of(texts, found.nearness, measure),
            f"{PAGE}-{measure}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _nearest(texts: tuple[str, ...], found: Answer, measure: Measure, t: Words) -> None:
    st.subheader(t("similarity.nearest"), anchor=False)
    names = sentences.labels(texts, 90)
    key = frame.kept(f"{PAGE}.chosen", 0)
    if st.session_state[key] not in range(len(texts)):
        st.session_state[key] = 0
    place = st.selectbox(t("similarity.of_which"), range(len(texts)), key=key, format_func=lambda one: names[one])
    rows = [
        {_name(measure, t): 0.0, t("similarity.sentence"): texts[other]}
        | {_name(one, t): _known(float(found.nearness.by(one)[place, other])) for one in MEASURES}
        for other in measures.neighbours(found.nearness, place, measure)
    ]
    st.caption(t("similarity.ordered", measure=_name(measure, t)))
    numbers = {_name(one, t): st.column_config.NumberColumn(format="%.4f", width="small") for one in MEASURES}
    st.dataframe(rows, hide_index=True, placeholder="–", width="stretch", column_config=numbers)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
