"""The prompts that were sent on this visit, the last one first, each with what came of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tramite.store.conversations import Conversation, Node
from tramite.workbench import rounds
from tramite.workbench.background import Generation
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.rounds import Round
from tramite.workbench.ui import answer, frame
from tramite.workbench.ui.watch import Watched, state_of

from . import sidebar, tokens
from .asking import may_go_through_chat

SHOWN = 10
"""Runs that are drawn at once; earlier ones when somebody asks for them."""
LONG = 6
"""Lines of a prompt that are shown without scrolling."""
COLOURED = 1000
"""Tokens that are shown in colours; the table has them all."""
AGAIN = "prompt.through_chat"
"""In the session: the prompt that is to be sent through a chat."""


def draw(conversation: Conversation | None, house: House, t: Words) -> list[Watched]:
    """All of them; the answers that are still being written, to be watched once the page is drawn."""
    if conversation is None:
        st.caption(t("prompt.first"))
        return []
    most = st.session_state.get("prompt.most", SHOWN)
    found, more = rounds.of(house.stored, conversation, most)
    watched: list[Watched] = []
    for place, one in enumerate(found):
        with st.container(border=True):
            watched += _run(one, place == 0, house, t)
    if more and st.button(t("prompt.earlier", count=more), type="tertiary"):
        st.session_state["prompt.most"] = most + SHOWN
        st.rerun()
    return watched


def _run(one: Round, last: bool, house: House, t: Words) -> list[Watched]:
    text = one.question.message.text
    st.caption(t("prompt.sent"))
    st.code(
        text,
        language=None,
        wrap_lines=True,
        height=170 if len(text) > 80 * LONG or text.count("\n") >= LONG else "content",
    )
    watched: list[Watched] = []
    for node in one.answers:
        st.caption(t("prompt.came"))
        generation = house.generations.find(node.id)
        if generation is not None:
            watched.append(_being_written(generation, t))
        else:
            _answer(node, text, last, t)
    return watched


def _being_written(generation: Generation, t: Words) -> Watched:
    text, state = st.empty(), st.empty()
    id = generation.node.id
    st.button(t("prompt.stop"), icon=":material/stop_circle:", key=f"stop.{id}", on_click=_stop, args=(id,))

    def written(one: Generation) -> None:
        if so_far := one.message.text:
            text.code(so_far + " ▌", language=None, wrap_lines=True)

    return Watched(generation, written, lambda one: state.caption(state_of(one, t)))


def _answer(node: Node, prompt: str, last: bool, t: Words) -> None:
    if node.message.text:
        st.code(node.message.text, language=None, wrap_lines=True)
    elif node.status == "complete":
        st.caption(t("prompt.nothing"))
    answer.ending(node.status, node.facts, t)
    if line := answer.line(node.facts, t):
        st.caption(line)
    asked = node.facts.get("asked") or {}
    with st.container(horizontal=True):
        if may_go_through_chat(node):
            st.button(
                t("prompt.send_via"),
                icon=":material/forum:",
                key=f"via.{node.id}",
                on_click=_through_chat,
                args=(prompt,),
            )
        st.button(
            t("prompt.again"),
            icon=":material/edit:",
            key=f"again.{node.id}",
            on_click=_again,
            args=(prompt, asked.get("settings") or {}),
            help=t("prompt.again_help"),
        )
    if logprobs := node.facts.get("logprobs"):
        _tokens(node.id, tokens.read(logprobs), last, t)


def _tokens(id: str, found: list[tokens.Token], last: bool, t: Words) -> None:
    if not st.toggle(t("prompt.tokens", count=len(found)), key=frame.kept(f"tokens.{id}", last)):
        return
    st.markdown(t("prompt.legend") + " " + tokens.legend())
    st.markdown(tokens.coloured(found[:COLOURED]))
    if len(found) > COLOURED:
        st.caption(t("prompt.coloured", count=COLOURED))
    number, text, probability, others = (
        t("prompt.column_number"),
        t("prompt.column_token"),
        t("prompt.column_probability"),
        t("prompt.column_others"),
    )
    st.dataframe(
        tokens.rows(found, (number, text, probability, others)),
        hide_index=True,
        alt=t("prompt.table"),
        column_config={
            number: st.column_config.NumberColumn(width="small"),
            probability: st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
            others: st.column_config.TextColumn(width="large"),
        },
    )


def _stop(id: str) -> None:
    frame.home().generations.stop(id)


def _again(prompt: str, settings: dict[str, Any]) -> None:
    frame.put("prompt.text", prompt)
    sidebar.show_settings(settings)


def _through_chat(prompt: str) -> None:
    st.session_state[AGAIN] = prompt
    frame.put("prompt.via", True)  # so will the next ones
