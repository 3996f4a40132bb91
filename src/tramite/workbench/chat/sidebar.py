"""The chat's sidebar: whom to ask, how, with which system text."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.language import Words
from tramite.workbench.ui import frame, picker, sampling

from . import session
from .desk import Desk
from .session import Chosen
from .settings import EFFORTS, Settings

PAGE = "chat"


def draw(desk: Desk, t: Words) -> Chosen:
    """All of it; what it says."""
    if st.button(t("chat.new"), icon=":material/edit_square:", width="stretch", type="primary"):
        session.turn_to(None)
        st.rerun()
    settings, history = st.tabs([t("chat.settings"), t("chat.history")])
    with history:
        _history(desk, t)
    with settings:
        return _settings(desk, t)


def _settings(desk: Desk, t: Words) -> Chosen:
    picked = picker.pick(PAGE, desk.house, t)
    system = st.text_area(t("chat.system"), key=frame.kept("chat.system", ""), placeholder=t("chat.system_hint"))
    with st.expander(t("chat.sampling"), icon=":material/tune:"):
        given = sampling.sampling(PAGE, t)
        effort = st.selectbox(
            t("chat.effort"), EFFORTS, index=None, key=frame.kept("chat.effort", None), placeholder=t("sampling.auto")
        )
        schema = st.text_area(t("chat.schema"), key=frame.kept("chat.schema", ""), help=t("chat.schema_help"))
    settings = Settings(
        provider=picked.access.provider,
        endpoint=picked.access.endpoint,
        api_version=picked.access.api_version,
        model=picked.model,
        system=system,
        schema=schema,
        reasoning_effort=effort,
        **given,
    )
    return Chosen(settings, picked.access)


def _history(desk: Desk, t: Words) -> None:
    for one in desk.house.stored.latest("chat"):
        if st.button(one.title or t("chat.untitled"), key=f"open.{one.id}", type="tertiary", width="stretch"):
            session.turn_to(one.id)
            st.rerun()
