"""Below the answers: what they took in a table, which was best, and how two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from tramite.store.conversations import Node
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.rounds import Round
from tramite.workbench.ui import answer, frame, markdown

from . import columns, difference, measures, votes
from .measures import Measured


def draw(one: Round, house: House, t: Words) -> None:
    """For answers that are over."""
    st.subheader(t("compare.measures"))
    measured = [measures.of(node) for node in one.answers]
    statuses = [node.status for node in one.answers]
    st.table(table(measured, statuses, t), hide_index=True, width="content", alt=t("compare.measures"))
    st.markdown("\n".join(f"- {line}" for line in words(measured, t)))
    with_text = [(place, node) for place, node in enumerate(one.answers, 1) if node.message.text]
    if with_text:
        _vote(one, with_text, house, t)
    if len(with_text) > 1:
        _difference(with_text, t)


def table(measured: Sequence[Measured], statuses: Sequence[str], t: Words) -> dict[str, list[str]]:
    """A column for each answer, as above, and a row for each measure; texts are Markdown."""
    rows: list[tuple[str, Callable[[Measured], str]]] = [
        (t("compare.row_input"), lambda one: _number(one.input_tokens, ",")),
        (t("compare.row_output"), lambda one: _number(one.output_tokens, ",")),
        (t("compare.row_cost"), lambda one: "?" if one.cost_nanousd is None else answer.cost(one.cost_nanousd, t)),
        (t("compare.row_first"), lambda one: _number(one.first_token_s, ".2f", " s")),
        (t("compare.row_total"), lambda one: _number(one.total_s, ".2f", " s")),
        (t("compare.row_speed"), lambda one: _number(one.tokens_per_s, ".0f")),
    ]
    found = {t("compare.row_answer"): [t("compare.row_status"), *(name for name, _ in rows)]}
    for place, (one, status) in enumerate(zip(measured, statuses, strict=True), start=1):
        column = f"{place} · {markdown.plain(one.name)}"
        found[column] = [t(f"compare.status_{status}"), *(tell(one) for _, tell in rows)]
    return found


def words(measured: Sequence[Measured], t: Words) -> list[str]:
    """Which was cheapest and fastest, said in words."""
    known: list[tuple[str, Callable[[Measured], float | None]]] = [
        ("cheapest", lambda one: one.cost_nanousd),
        ("first", lambda one: one.first_token_s),
        ("fastest", lambda one: one.total_s),
    ]
    told: list[str] = []
    for name, what in known:
        places = measures.least(measured, what)
        if len(places) == len(measured):
            told.append(t(f"compare.{name}_all"))
        elif places:
            names = ", ".join(f"{place} ({markdown.plain(measured[place - 1].name)})" for place in places)
            told.append(t(f"compare.{name}", which=f"**{names}**"))
    return told


def _vote(one: Round, with_text: Sequence[tuple[int, Node]], house: House, t: Words) -> None:
    key = f"vote.{one.question.id}"
    names = {node.id: columns.label(place, node, t) for place, node in with_text}
    names[votes.TIE] = t("compare.tie")
    cast = votes.of(one.question)
    if key not in st.session_state:
        st.session_state[key] = cast if cast in names else None

    def keep() -> None:
        votes.cast(house.stored, one.question, st.session_state[key])

    st.radio(t("compare.best"), list(names), key=key, format_func=names.__getitem__, on_change=keep)
    if cast:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/how_to_vote: {t('compare.voted')}")
            st.button(
                t("compare.take_back"), key=f"{key}.back", type="tertiary", on_click=_take_back, args=(house, one, key)
            )


def _take_back(house: House, one: Round, key: str) -> None:
    votes.cast(house.stored, one.question, None)
    st.session_state.pop(key, None)


def _difference(with_text: Sequence[tuple[int, Node]], t: Words) -> None:
    if not st.toggle(t("compare.difference"), key=frame.kept("compare.difference", False)):
        return
    texts: dict[int, Any] = dict(with_text)
    left, right = _two(list(texts), lambda place: columns.label(place, texts[place], t), t)
    found = difference.pieces(texts[left].message.text, texts[right].message.text)
    st.markdown(
        t("compare.legend", left=left, right=right)
        + " "
        + t("compare.same", share=f"{difference.same_share(found):.0%}")
    )
    if left == right or all(what == "same" for what, _ in found):
        st.info(t("compare.no_difference"), icon=":material/check:")
    with st.container(border=True):
        st.markdown(difference.marked(found))


def _two(places: list[int], name: Callable[[int], str], t: Words) -> tuple[int, int]:
    """Which two; where there are only two, they are."""
    if len(places) == 2:
        return places[0], places[1]
    chosen: list[int] = []
    for which, cell in enumerate(st.columns(2)):
        key = frame.kept(f"compare.difference.{which}", places[which])
        if st.session_state[key] not in places:
            st.session_state[key] = places[which]
        label = t("compare.first_text") if which == 0 else t("compare.second_text")
        chosen.append(cell.selectbox(label, places, key=key, format_func=name))
    return chosen[0], chosen[1]


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "?" if value is None else f"{value:{form}}{unit}"
