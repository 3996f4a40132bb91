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

from . import approval, details, files, session
from .desk import SHOWN, Chosen, Desk


def draw(desk: Desk, chosen: Chosen, t: Words) -> Watched | None:
    """All of them; the answer that is still being written, to be watched once the page is drawn."""
    most = st.session_state.get(session.SHOWN, SHOWN)
    if len(desk.branch) > most and st.button(t("chat.earlier", count=len(desk.branch) - most), type="tertiary"):
        st.session_state[session.SHOWN] = most + 5 * SHOWN
        st.rerun()
    running = desk.running
    watched: Watched | None = None
    for node in desk.nodes(most):
        with st.chat_message(_who(node), avatar=_face(node)):
            if running is not None and node.id == running.node.id:
                watched = _being_written(running, t)
            elif st.session_state.get(session.EDITING) == node.id and running is None:
                _editor(desk, node, chosen, t)
            else:
                _message(node, t)
                _actions(desk, node, chosen, running is None, t)
    if running is None:
        approval.draw(desk, chosen, t)
    return watched


def _who(node: Node) -> str:
    return "user" if node.message.role == "user" else "assistant"


def _face(node: Node) -> str:
    return {"user": ":material/person:", "tool": ":material/build:"}.get(node.message.role, ":material/neurology:")


def _being_written(generation: Generation, t: Words) -> Watched:
    text, state = st.empty(), st.empty()
    return Watched(generation, partial(watch.text_of, where=text), lambda one: state.caption(watch.state_of(one, t)))


def _message(node: Node, t: Words) -> None:
    message = node.message
    for part in message.parts:
        if isinstance(part, Image):
            _picture(part, t)
        elif isinstance(part, Reasoning):
            with st.expander(t("chat.reasoning"), icon=":material/psychology:"):
                st.markdown(markdown.safe(part.text))
    if message.role == "user":
        st.markdown(markdown.plain(files.typed(message)))
        for text in files.attached(message):
            name, _, body = text.partition(":\n")
            with st.expander(markdown.plain(name), icon=":material/description:"):
                st.markdown(markdown.safe(body))
        return
    if message.role == "tool":
        st.code(message.text, language=None, wrap_lines=True)
        return
    st.markdown(markdown.safe(message.text))
    for call in message.tool_calls:
        st.markdown(t("chat.tool_asked", name=f"`{call.name}`"))
        st.code(call.raw, language="json", wrap_lines=True)
    if node.status == "running":
        _elsewhere(node, t)
    answer.ending(node.status, node.facts, t)


def _picture(image: Image, t: Words) -> None:
    """A picture that is here; one that is elsewhere is not fetched."""
    if image.data is not None:
        st.image(image.data, width=320, alt=t("chat.picture"))
    else:
        st.caption(markdown.plain(image.url or ""))


def _elsewhere(node: Node, t: Words) -> None:
    """Another process is writing it: look again now and then."""

    @st.fragment(run_every=1.0, key=f"elsewhere.{node.id}")
    def look() -> None:
        st.caption(t("chat.elsewhere"))
        if st.session_state.get("chat.looked") == node.id:
            st.session_state.pop("chat.looked")
            st.rerun(scope="app")
        st.session_state["chat.looked"] = node.id

    look()


def _actions(desk: Desk, node: Node, chosen: Chosen, free: bool, t: Words) -> None:
    """The facts of an answer, and the buttons under a message. `free`: no answer is being written on this branch."""
    role = node.message.role
    if role == "assistant" and (line := answer.line(node.facts, t)):
        st.caption(line)
    if role == "tool":
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"actions.{node.id}"):
        _branches(desk, node, t)
        if (
            role == "user"
            and free
            and st.button(t("chat.edit"), key=f"edit.{node.id}", icon=":material/edit:", type="tertiary")
        ):
            st.session_state[session.EDITING] = node.id
            st.rerun()
        if role == "assistant" and free:
            if st.button(t("chat.again"), key=f"again.{node.id}", icon=":material/refresh:", type="tertiary"):
                session.ask(desk, partial(desk.again, node.id, chosen))
            if st.button(t("chat.details"), key=f"details.{node.id}", icon=":material/code:", type="tertiary"):
                details.open(desk, node, chosen, t)


def _branches(desk: Desk, node: Node, t: Words) -> None:
    """`2/3` between two buttons, where there is more than one."""
    siblings = desk.tree.siblings(node.id)
    if len(siblings) < 2:
        return
    place = siblings.index(node.id)
    steps = (
        (place - 1, "chat.branch_before", ":material/chevron_left:"),
        (place + 1, "chat.branch_after", ":material/chevron_right:"),
    )
    for number, (to, words, icon) in enumerate(steps):
        if number:
            st.markdown(f"{place + 1}/{len(siblings)}", width="content")
        there = 0 <= to < len(siblings)
        if st.button(t(words), key=f"{words}.{node.id}", icon=icon, type="tertiary", disabled=not there):
            desk.turn_to(siblings[to])
            st.rerun()


def _editor(desk: Desk, node: Node, chosen: Chosen, t: Words) -> None:
    """The message, to be changed and sent as another branch; what it said before stays on its own."""
    with st.form(f"editor.{node.id}", border=False):
        text = st.text_area(t("chat.edit_text"), value=files.typed(node.message), key=f"text.{node.id}", height=120)
        with st.container(horizontal=True):
            send = st.form_submit_button(t("chat.edit_send"), icon=":material/send:")
            cancel = st.form_submit_button(t("chat.edit_cancel"))
    if cancel:
        st.session_state.pop(session.EDITING, None)
        st.rerun()
    if send and text.strip():
        message = files.retyped(node.message, text)
        session.ask(desk, partial(desk.say_instead, node.id, message, chosen), typed=text)
