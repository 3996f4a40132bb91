"""The chat: a conversation, its settings beside it, the composer below. Draws; what it does is in plain modules."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.ui import frame, watch

from . import composer, header, session, sidebar, thread


def show() -> None:
    """The whole page."""
    t = frame.words()
    desk = session.desk()
    with st.sidebar:
        chosen = sidebar.draw(desk, t)
    header.draw(desk, t)
    watched = thread.draw(desk, chosen, t)
    session.trouble(t)
    composer.draw(desk, chosen, watched.generation if watched else None, t)
    if watched is not None:
        watch.follow([watched])
