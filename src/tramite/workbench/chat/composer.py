"""Where the next message is written."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tramite.messages import user
from tramite.workbench.language import Words

from . import session
from .desk import Desk
from .session import Chosen


def draw(desk: Desk, chosen: Chosen, t: Words) -> None:
    """The field; what was sent is asked at once."""
    said = st.chat_input(t("chat.say"), key="chat.say")
    if said and session.ask(
        desk, partial(desk.say, user(said), chosen.settings, chosen.access, chosen.tools), typed=said
    ):
        st.rerun()
