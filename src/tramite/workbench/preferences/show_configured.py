"""Draws what is configured and from where; has the configuration read again."""

from __future__ import annotations

import streamlit as st

from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame, markdown

from . import configured

TOLD = "settings.read_again"
"""How the last reading went: None, or what was wrong."""


def draw(house: House, t: Words) -> None:
    """Files, warnings, settings, and the button."""
    st.markdown(t("settings.configured_say"))
    _again(house, t)
    for notice in configured.notices(house.config):
        st.warning(markdown.plain(notice), icon=":material/warning:")
    files = house.config.files
    st.markdown(t("settings.files") if files else t("settings.no_files"))
    if files:
        st.code("\n".join(map(str, files)), language=None, wrap_lines=True)
    all = st.toggle(t("settings.defaults_too"), key=frame.kept("settings.defaults_too", False))
    rows = configured.settings(house.config, all)
    if not rows:
        st.info(t("settings.nothing_set"), icon=":material/info:")
        return
    st.dataframe(
        {
            t("settings.key"): [row.key for row in rows],
            t("settings.value"): [row.value for row in rows],
            t("settings.origin"): [row.origin for row in rows],
        },
        hide_index=True,
        width="stretch",
    )


def _again(house: House, t: Words) -> None:
    running = house.generations.running
    if st.button(t("settings.read_again"), icon=":material/sync:", key="settings.read", disabled=running > 0):
        try:
            house.read_again()
        except TramiteError as error:
            st.session_state[TOLD] = facts.failure(error)
        else:
            st.session_state[TOLD] = None
        st.rerun()
    if running:
        st.markdown(t("settings.read_later", count=running))
    if TOLD not in st.session_state:
        return
    failure = st.session_state.pop(TOLD)
    if failure is None:
        st.success(t("settings.was_read"), icon=":material/check:")
    else:
        answer.failure(failure, t)
        st.markdown(t("settings.nothing_changed"))
