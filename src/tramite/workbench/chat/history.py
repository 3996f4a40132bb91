"""Earlier conversations: found, opened, brought in from a file."""

from __future__ import annotations

import streamlit as st

from tramite.errors import TramiteError
from tramite.store.conversations import Conversation
from tramite.workbench import facts
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, markdown

from . import asking, exchange, session
from .desk import Desk

PAGE = 30
TITLE_LENGTH = 34
"""Characters of a title that fit in one line."""


def draw(desk: Desk, t: Words) -> None:
    """The search, the list, and what brings one in."""
    words = st.text_input(t("chat.search"), key="chat.search", placeholder=t("chat.search_hint"))
    most = st.session_state.get("chat.listed", PAGE)
    found = desk.house.stored.latest("chat", words, most + 1)
    if not found:
        st.caption(t("chat.none_found") if words else t("chat.none"))
    for one in found[:most]:
        _entry(one, desk, t)
    if len(found) > most and st.button(t("chat.more"), type="tertiary"):
        st.session_state["chat.listed"] = most + PAGE
        st.rerun()
    _bring(desk, t)


def _entry(one: Conversation, desk: Desk, t: Words) -> None:
    here = desk.conversation is not None and desk.conversation.id == one.id
    title = markdown.plain(asking.title_of(one.title or t("chat.untitled"), TITLE_LENGTH))
    icon = ":material/chevron_right:" if here else None
    if st.button(title, key=f"open.{one.id}", icon=icon, type="tertiary", disabled=here):
        session.turn_to(one.id)
        st.rerun()


def _bring(desk: Desk, t: Words) -> None:
    with st.expander(t("chat.import"), icon=":material/upload_file:"):
        number = st.session_state.setdefault("chat.imports", 0)
        file = st.file_uploader(t("chat.import_file"), type=["json", "md"], key=f"chat.import.{number}")
        if file is None or not st.button(t("chat.import_do"), key="chat.import_do"):
            return
        try:
            conversation, nodes = exchange.read(file.name, file.getvalue())
            desk.house.stored.bring(conversation, nodes)
        except TramiteError as error:
            st.error(t("chat.import_refused"), icon=":material/error:")
            st.code(answer.details(facts.failure(error)), language=None, wrap_lines=True)
            return
        st.session_state["chat.imports"] = number + 1  # the field is empty again
        session.turn_to(conversation.id)
        st.rerun()
