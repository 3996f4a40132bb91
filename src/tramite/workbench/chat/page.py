"""The chat: a conversation, its settings beside it, the composer below. Draws; what it does is in plain modules."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.ui import frame, watch

from . import composer, session, sidebar, thread


def show() -> None:
    """The whole page."""
    t = frame.words()
    desk = session.desk()
    with st.sidebar:
        chosen = sidebar.draw(desk, t)
    session.trouble(t)
    running = thread.draw(desk, chosen, t)
    composer.draw(desk, chosen, t)
    if running is not None:
        watch.follow([running])
