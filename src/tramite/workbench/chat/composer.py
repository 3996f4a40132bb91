"""Where the next message is written, with pictures and texts that go along; and what stops an answer."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.background import Generation
from tramite.workbench.language import Words

from . import files, session
from .desk import Chosen, Desk
from .files import File


def draw(desk: Desk, chosen: Chosen, running: Generation | None, t: Words) -> None:
    """The field; what was sent is asked at once."""
    with st.bottom:
        if running is not None:
            st.button(
                t("chat.stop"),
                icon=":material/stop_circle:",
                key="chat.stop_button",
                shortcut="Escape",
                width="stretch",
                on_click=desk.house.generations.stop,  # before anything is drawn: it is felt at once
                args=(running.node.id,),
            )
        said = st.chat_input(
            t("chat.wait") if running is not None else t("chat.say"),
            key="chat.say",
            accept_file="multiple",
            file_type=list(files.TYPES),
            disabled=running is not None,
        )
    if not said or running is not None:
        return
    try:
        message = files.message(said.text, [File(one.name, one.getvalue()) for one in said.files])
    except TramiteError as error:
        st.session_state[session.TROUBLE] = (facts.failure(error), said.text)
        st.rerun()
    session.ask(desk, partial(desk.say, [message], chosen), typed=said.text)
