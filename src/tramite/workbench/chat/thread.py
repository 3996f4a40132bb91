"""The messages of the branch that is shown, each with what can be done with it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tramite.messages import Image, Reasoning
from tramite.store.conversations import Node
from tramite.workbench.background import Generation
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, markdown, watch
from tramite.workbench.ui.watch import Watched

from . import session
from .desk import SHOWN, Desk
from .session import Chosen


def draw(desk: Desk, chosen: Chosen, t: Words) -> Watched | None:
    """All of them; the answer that is still being written, to be watched once the page is drawn."""
    most = st.session_state.get("chat.shown", SHOWN)
    if len(desk.branch) > most and st.button(t("chat.earlier", count=len(desk.branch) - most), type="tertiary"):
        st.session_state["chat.shown"] = most + 10 * SHOWN
        st.rerun()
    watched: Watched | None = None
    for node in desk.nodes(most):
        with st.chat_message("assistant" if node.message.role == "assistant" else "user"):
            running = desk.running if node.id == desk.leaf else None
            if running is not None:
                watched = _being_written(running, t)
            else:
                _message(node, t)
                _actions(desk, node, chosen, t)
    return watched


def _being_written(generation: Generation, t: Words) -> Watched:
    text, state = st.empty(), st.empty()
    stop = st.button(t("chat.stop"), icon=":material/stop_circle:", key=f"stop.{generation.node.id}")
    if stop:
        session.stop(generation)
    return Watched(generation, partial(watch.text_of, where=text), lambda one: state.caption(watch.state_of(one, t)))


def _message(node: Node, t: Words) -> None:
    message = node.message
    for part in message.parts:
        if isinstance(part, Image) and part.data is not None:
            st.image(part.data, width=320)
        elif isinstance(part, Reasoning):
            with st.expander(t("chat.reasoning"), icon=":material/psychology:"):
                st.markdown(markdown.safe(part.text))
    if message.role == "user":
        st.markdown(markdown.plain(message.text))
    else:
        st.markdown(markdown.safe(message.text))
        answer.ending(node.status, node.facts, t)


def _actions(desk: Desk, node: Node, chosen: Chosen, t: Words) -> None:
    if node.message.role == "assistant" and (line := answer.line(node.facts, t)):
        st.caption(line)
