"""The answers side by side: each as far as it has come, with what it took, and what went wrong with it alone."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tramite.messages import Reasoning
from tramite.store.conversations import Node
from tramite.workbench.background import Generation
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.rounds import Round
from tramite.workbench.ui import answer, frame, markdown, watch
from tramite.workbench.ui.watch import Watched

from . import measures


def draw(one: Round, house: House, t: Words) -> list[Watched]:
    """All of them; those that are still being written, to be watched once the page is drawn."""
    running = [node.id for node in one.answers if house.generations.find(node.id) is not None]
    if len(running) > 1:
        st.button(
            t("compare.stop_all"),
            icon=":material/stop_circle:",
            key="compare.stop_all",
            on_click=_stop,
            args=tuple(running),
        )
    watched: list[Watched] = []
    for place, (node, cell) in enumerate(zip(one.answers, st.columns(max(1, len(one.answers))), strict=False), 1):
        with cell, st.container(border=True):
            st.markdown(f"**{label(place, node, t)}**")
            generation = house.generations.find(node.id)
            if generation is not None:
                watched.append(_being_written(generation, place, t))
            else:
                _whole(node, t)
    return watched


def label(place: int, node: Node, t: Words) -> str:
    """How a column is called, as Markdown."""
    known = measures.of(node)
    name = markdown.plain(known.name) or t("compare.default")
    return f"{place} · {name} · {t(f'compare.style_{known.style}')}"


def _being_written(generation: Generation, place: int, t: Words) -> Watched:
    text, state = st.empty(), st.empty()
    id = generation.node.id
    st.button(
        t("compare.stop", number=place),
        icon=":material/stop_circle:",
        key=f"stop.{id}",
        on_click=_stop,
        args=(id,),
    )
    return Watched(generation, partial(watch.text_of, where=text), lambda one: state.caption(watch.state_of(one, t)))


def _whole(node: Node, t: Words) -> None:
    for part in node.message.parts:
        if isinstance(part, Reasoning):
            with st.expander(t("compare.reasoning"), icon=":material/psychology:"):
                st.markdown(markdown.safe(part.text))
    if node.message.text:
        st.markdown(markdown.safe(node.message.text))
    answer.ending(node.status, node.facts, t)
    if line := answer.line(node.facts, t):
        st.caption(line)


def _stop(*ids: str) -> None:
    for id in ids:
        frame.home().generations.stop(id)
