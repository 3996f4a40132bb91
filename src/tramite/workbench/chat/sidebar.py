"""The chat's sidebar: whom to ask, how, with which system text and tools; and earlier conversations."""

from __future__ import annotations

import streamlit as st

from tramite import prompts
from tramite.errors import TramiteError
from tramite.workbench.language import Words
from tramite.workbench.ui import frame, picker, sampling

from . import history, session, tools
from .desk import Chosen, Desk
from .settings import EFFORTS, Settings

PAGE = "chat"


def draw(desk: Desk, t: Words) -> Chosen:
    """All of it; what it says."""
    if st.button(t("chat.new"), icon=":material/edit_square:", width="stretch"):
        session.turn_to(None)
        st.rerun()
    if st.button(t("chat.temporary"), icon=":material/timer:", help=t("chat.temporary_help"), type="tertiary"):
        session.turn_to(None, temporary=True)
        st.rerun()
    settings, earlier = st.tabs([t("chat.settings"), t("chat.history")])
    with settings:
        chosen = _settings(desk, t)
    with earlier:
        history.draw(desk, t)
    return chosen


def _settings(desk: Desk, t: Words) -> Chosen:
    picked = picker.pick(PAGE, desk.house, t)
    system = _system(t)
    with st.expander(t("chat.sampling"), icon=":material/tune:"):
        given = sampling.sampling(PAGE, t)
        effort = st.selectbox(
            t("chat.effort"), EFFORTS, index=None, key=frame.kept("chat.effort", None), placeholder=t("sampling.auto")
        )
        schema = st.text_area(t("chat.schema"), key=frame.kept("chat.schema", ""), help=t("chat.schema_help"))
    with st.expander(t("chat.tools"), icon=":material/build:"):
        offered = st.multiselect(
            t("chat.tools_ours"),
            tools.NAMES,
            key=frame.kept("chat.tools", []),
            placeholder=t("chat.tools_none"),
            help=t("chat.tools_ours_help"),
        )
        own = st.text_area(
            t("chat.tools_own"),
            key=frame.kept("chat.own_tools", ""),
            placeholder='{"name": "…", "description": "…", "parameters": {"type": "object", "properties": {}}}',
            help=t("chat.tools_own_help"),
        )
    settings = Settings(
        provider=picked.access.provider,
        endpoint=picked.access.endpoint,
        api_version=picked.access.api_version,
        model=picked.model,
        system=system,
        schema=schema,
        reasoning_effort=effort,
        tools=tuple(offered),
        own_tools=own,
        **given,
    )
    return Chosen(settings, picked.access)


def _system(t: Words) -> str:
    """The system text, and the library that one can be taken from."""
    text = st.text_area(
        t("chat.system"), key=frame.kept("chat.system", ""), placeholder=t("chat.system_hint"), height=120
    )
    texts = _library()
    if texts:
        with st.popover(t("chat.library"), icon=":material/library_books:", width="stretch"):
            name = st.selectbox(t("chat.library_name"), list(texts), key="chat.library")
            st.caption(texts[name])
            if st.button(t("chat.library_take"), key="chat.library_take"):
                frame.put("chat.system", texts[name])
                st.rerun()
    return text


def _library() -> dict[str, str]:
    """The system texts of the templates that can be read. One with variables is none by itself."""
    found: dict[str, str] = {}
    for name in prompts.names():
        try:
            template = prompts.load(name)
        except TramiteError:
            continue  # `tramite prompts` tells what is wrong with it
        if template.system and "{" not in template.system.replace("{{", ""):
            found[name] = template.system.replace("{{", "{").replace("}}", "}")
    return found
