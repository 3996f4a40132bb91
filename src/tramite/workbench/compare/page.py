"""Comparisons: one question, several targets, their answers side by side. Draws; what it does is in plain modules."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tramite.errors import TramiteError
from tramite.store.conversations import Conversation
from tramite.workbench import facts, rounds
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, earlier, frame, markdown, watch
from tramite.workbench.ui.watch import Watched

from . import asking, columns, sidebar, targets, verdict
from .asking import Target
from .sidebar import Chosen

TROUBLE = "compare.trouble"


def show() -> None:
    """The whole page."""
    t, house = frame.words(), frame.home()
    conversation = earlier.current("compare", house)
    if conversation is not None and earlier.just_opened(conversation):
        _show_settings(conversation.settings)
    with st.sidebar:
        chosen = sidebar.draw(conversation, house, t)
    picked = targets.draw(chosen.columns, house, t)
    _trouble(t)
    running = _comparison(conversation, house, t)
    said = st.chat_input(t("compare.say"), key="compare.say")
    if said:
        _ask(said, picked, chosen, house)
    if running:
        watch.follow(running)


def _comparison(conversation: Conversation | None, house: House, t: Words) -> list[Watched]:
    """What is shown; the answers that are still being written."""
    found = rounds.of(house.stored, conversation, 1)[0] if conversation is not None else []
    if not found:
        st.caption(t("compare.first_time"))
        return []
    [one] = found
    with st.chat_message("user"):
        st.markdown(markdown.plain(one.question.message.text))
        if prompt := one.question.facts.get("system"):
            with st.expander(t("compare.system")):
                st.markdown(markdown.plain(prompt))
    running = columns.draw(one, house, t)
    if one.over:
        verdict.draw(one, house, t)
    return running


def _ask(said: str, picked: list[Target], chosen: Chosen, house: House) -> None:
    """Begin a comparison and show it, or tell what is wrong and give the text back."""
    try:
        begun = asking.ask(house, said, picked, chosen.system, chosen.settings)
    except TramiteError as error:
        st.session_state[TROUBLE] = (facts.failure(error), said)
    else:
        st.session_state.pop(TROUBLE, None)
        earlier.turn_to("compare", begun.id)
    st.rerun()


def _show_settings(kept: dict[str, Any]) -> None:
    """Those that a comparison was kept with, from the next run on."""
    if kept:
        targets.show(asking.read(kept["targets"]))
        sidebar.show(kept["system"], kept["settings"])


def _trouble(t: Words) -> None:
    if (told := st.session_state.get(TROUBLE)) is not None:
        error, said = told
        answer.failure(error, t)
        st.caption(t("compare.not_sent"))
        st.code(said, language=None, wrap_lines=True)
