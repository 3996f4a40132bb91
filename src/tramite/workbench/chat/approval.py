"""Tools that the model asks for at the end of the branch: shown with arguments, run only when the user says so."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tramite.messages import ToolCall
from tramite.workbench.language import Words

from . import session, tools
from .desk import Chosen, Desk


def draw(desk: Desk, chosen: Chosen, t: Words) -> None:
    """Nothing where the last message asks for no tool."""
    last = desk.nodes(1)
    if not last or last[0].status != "complete" or not (calls := last[0].message.tool_calls):
        return
    with st.form(f"approval.{last[0].id}"):
        st.markdown(t("chat.approve_what"))
        texts = [_call(call, t) for call in calls]
        with st.container(horizontal=True):
            approved = st.form_submit_button(t("chat.approve"), icon=":material/check:")
            refused = st.form_submit_button(t("chat.refuse"), icon=":material/block:")
    if approved or refused:
        given = [
            tools.REFUSED if refused else tools.run(one) if text is None else text
            for one, text in zip(calls, texts, strict=True)
        ]
        session.ask(desk, partial(desk.say, tools.results(calls, given), chosen))


def _call(call: ToolCall, t: Words) -> str | None:
    """What is asked; its result where the user has to write it, None where one of ours will."""
    st.markdown(f"`{call.name}`")
    st.code(call.raw, language="json", wrap_lines=True)
    if tools.runs(call):
        return None
    return st.text_area(t("chat.tool_result", name=call.name), key=f"result.{call.id}", help=t("chat.tool_result_help"))
