"""What one browser's session has in hand: which conversation, which message is being edited, what went wrong last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.background import Generation
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame

from . import settings as kept
from .desk import Desk

ADDRESS = "c"
"""The query's parameter that names the conversation: so that a refresh, or a second tab, finds it again."""
EDITING, OPEN, TEMPORARY, TROUBLE = "chat.editing", "chat.open", "chat.temporary", "chat.trouble"
SHOWN = "chat.shown"


def desk() -> Desk:
    """The conversation of this page's address, with its settings in the sidebar when it was just opened."""
    found = Desk.open(frame.home(), st.query_params.get(ADDRESS), bool(st.session_state.get(TEMPORARY)))
    id = found.conversation.id if found.conversation else None
    if id != st.session_state.get(OPEN):
        st.session_state[OPEN] = id
        if found.conversation is not None and found.conversation.settings:
            _show_settings(found.conversation.settings)
    return found


def turn_to(id: str | None, temporary: bool = False) -> None:
    """Show another conversation, or a new one, from the next run on."""
    for name in (EDITING, TROUBLE, SHOWN):
        st.session_state.pop(name, None)
    st.session_state[TEMPORARY] = temporary
    if id is None:
        st.query_params.pop(ADDRESS, None)
    else:
        st.query_params[ADDRESS] = id


def ask(desk: Desk, begin: Callable[[], Generation], typed: str = "") -> None:
    """Begin an answer and show its conversation. A failure is kept to be told, with the text that was typed, and
    nothing has changed."""
    try:
        begin()
    except TramiteError as error:
        st.session_state[TROUBLE] = (facts.failure(error), typed)
    else:
        st.session_state.pop(TROUBLE, None)
        st.session_state.pop(EDITING, None)
        if desk.conversation is not None:
            st.session_state[OPEN] = desk.conversation.id
            st.query_params[ADDRESS] = desk.conversation.id
    st.rerun()


def trouble(t: Words) -> None:
    """Tell what went wrong before anything was sent, and give the text back."""
    if (told := st.session_state.get(TROUBLE)) is None:
        return
    error, typed = told
    answer.failure(error, t)
    if typed:
        st.caption(t("chat.not_sent"))
        st.code(typed, language=None, wrap_lines=True)


def _show_settings(given: Mapping[str, Any]) -> None:
    """Put a conversation's settings into the sidebar's widgets."""
    found = kept.read(dict(given))
    frame.put("chat.provider", found.provider)
    if found.provider:
        frame.put(f"chat.model.{found.provider}", found.model or None)
        frame.put(f"chat.endpoint.{found.provider}", found.endpoint)
        frame.put(f"chat.version.{found.provider}", found.api_version)
    else:
        frame.put("chat.route", found.model)
    for name in kept.SAMPLING:
        frame.put(f"chat.{name}", getattr(found, name))
    frame.put("chat.stop", "\n".join(one.replace("\n", "\\n") for one in found.stop))
    frame.put("chat.effort", found.reasoning_effort)
    for name in ("system", "schema", "own_tools"):
        frame.put(f"chat.{name}", getattr(found, name))
    frame.put("chat.tools", list(found.tools))
