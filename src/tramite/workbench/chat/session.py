"""What one browser's session has in hand: which conversation, which message is being edited, what went wrong last."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from msgspec import Struct

from tramite.calls import Tool
from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.access import Access
from tramite.workbench.background import Generation
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame

from .desk import Desk
from .settings import Settings

ADDRESS = "c"
"""The query's parameter that names the conversation: so that a refresh, or a second tab, finds it again."""


class Chosen(Struct, frozen=True):
    """What the sidebar says."""

    settings: Settings
    access: Access
    tools: tuple[Tool, ...] = ()


def desk() -> Desk:
    """The conversation of this page's address."""
    return Desk.open(frame.home(), st.query_params.get(ADDRESS), bool(st.session_state.get("chat.temporary")))


def turn_to(id: str | None) -> None:
    """Show another conversation, or a new one, from the next run on."""
    st.session_state.pop("chat.editing", None)
    st.session_state.pop("chat.trouble", None)
    if id is None:
        st.query_params.pop(ADDRESS, None)
    else:
        st.query_params[ADDRESS] = id


def ask(desk: Desk, begin: Callable[[], Generation], typed: str = "") -> bool:
    """Begin an answer and show its conversation. A failure is kept to be told, with the text that was typed, and
    nothing has changed."""
    try:
        begin()
    except TramiteError as error:
        st.session_state["chat.trouble"] = (facts.failure(error), typed)
        return False
    st.session_state.pop("chat.trouble", None)
    st.session_state.pop("chat.editing", None)
    if desk.conversation is not None:
        st.query_params[ADDRESS] = desk.conversation.id
    return True


def trouble(t: Words) -> None:
    """Tell what went wrong before anything was sent, and give the text back."""
    if (told := st.session_state.get("chat.trouble")) is None:
        return
    error, typed = told
    answer.failure(error, t)
    if typed:
        st.caption(t("chat.not_sent"))
        st.code(typed, language=None, wrap_lines=True)


def stop(generation: Generation) -> None:
    """End an answer; what has come stays."""
    frame.home().generations.stop(generation.node.id)
