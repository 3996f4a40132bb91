"""The chat: a conversation, its settings beside it, the composer below. Draws; what it does is in plain modules."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.language import Words
from tramite.workbench.ui import frame, markdown, watch, welcome

from . import composer, header, session, sidebar, thread
from .desk import Chosen


def show() -> None:
    """The whole page."""
    t = frame.words()
    desk = session.desk()
    with st.sidebar:
        chosen = sidebar.draw(desk, t)
    header.draw(desk, t)
    if not desk.branch:
        _empty(chosen, t)
        welcome.draw(desk.house, t)
    watched = thread.draw(desk, chosen, t)
    session.trouble(t)
    composer.draw(desk, chosen, watched.generation if watched else None, t)
    if watched is not None:
        watch.follow([watched])


def _empty(chosen: Chosen, t: Words) -> None:
    """What stands where nothing was said yet."""
    st.subheader(t("chat.begin"), anchor=False)
    model = chosen.settings.target
    st.caption(t("chat.begin_model", model=markdown.plain(model)) if model else t("chat.begin_default"))
