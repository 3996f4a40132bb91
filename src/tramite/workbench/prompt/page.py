"""The prompt page: a text that is to be continued, two ways to write it, and what came of it. Draws only."""

from __future__ import annotations

import streamlit as st

from tramite.errors import TramiteError
from tramite.store.conversations import Conversation
from tramite.workbench import facts, rounds
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, earlier, frame, watch

from . import asking, builder, runs, sidebar
from .asking import Wanted

TROUBLE = "prompt.trouble"


def show() -> None:
    """The whole page."""
    t, house = frame.words(), frame.home()
    conversation = earlier.current("prompt", house)
    if conversation is not None and earlier.just_opened(conversation):
        sidebar.show(conversation.settings)
    with st.sidebar:
        wanted = sidebar.draw(conversation, house, t)
    with st.expander(t("prompt.few_shot"), icon=":material/format_list_numbered:"):
        builder.few_shot(t)
    with st.expander(t("prompt.templates"), icon=":material/library_books:"):
        builder.templates(house, t)
    text = st.text_area(
        t("prompt.text"),
        key=frame.kept("prompt.text", _last(conversation, house)),
        height=220,
        placeholder=t("prompt.text_hint"),
    )
    if st.button(t("prompt.generate"), icon=":material/play_arrow:", key="prompt.generate", shortcut="Ctrl+Enter"):
        _ask(text, wanted, conversation, house)
    if (prompt := st.session_state.pop(runs.AGAIN, None)) is not None:
        _ask(prompt, wanted.through_chat(), conversation, house)
    _trouble(t)
    running = runs.draw(conversation, house, t)
    if running:
        watch.follow(running)


def _ask(text: str, wanted: Wanted, conversation: Conversation | None, house: House) -> None:
    """Begin a run and show it, or tell what is wrong; the text stays where it is."""
    st.session_state[TROUBLE] = None
    if not text.strip():
        st.session_state[TROUBLE] = {}
    else:
        try:
            earlier.turn_to("prompt", asking.ask(house, conversation, text, wanted).id)
        except TramiteError as error:
            st.session_state[TROUBLE] = facts.failure(error)
    st.rerun()


def _trouble(t: Words) -> None:
    told = st.session_state.get(TROUBLE)
    if told:
        answer.failure(told, t)
    elif told is not None:
        st.warning(t("prompt.empty"), icon=":material/edit:")


def _last(conversation: Conversation | None, house: House) -> str:
    """The prompt that was sent last, for a page that was loaded anew."""
    if conversation is None:
        return ""
    found, _ = rounds.of(house.stored, conversation, 1)
    return found[0].question.message.text if found else ""
