"""Draws what is kept on this machine, and lets it be deleted."""

from __future__ import annotations

import streamlit as st

from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer

from . import data
from .data import Kept

DELETED = "settings.deleted"
ASKED = "settings.asked"
"""Whether the question stands: it does until it is answered, whatever makes the page run again."""


def draw(house: House, t: Words) -> None:
    """Where, how much, for how long; and how it goes away."""
    try:
        kept = data.kept(house)
    except TramiteError as error:
        answer.failure(facts.failure(error), t)
        return
    if st.session_state.pop(DELETED, False):
        st.success(t("settings.deleted"), icon=":material/check:")
    st.markdown(t("settings.place"))
    st.code(kept.place, language=None, wrap_lines=True)
    if kept.size_bytes is not None:
        st.markdown(t("settings.size", size=data.readable(kept.size_bytes)))
    _conversations(house, kept, t)
    st.subheader(t("settings.ledger"))
    texts = t("settings.ledger_texts") if kept.keep_text else t("settings.ledger_no_texts")
    st.markdown(t("settings.ledger_say", count=f"{kept.entries:,}", days=kept.keep_days) + " " + texts)
    st.markdown(t("settings.ledger_delete") + " " + (t("settings.ledger_file") if kept.file else ""))
    st.subheader(t("settings.never"))
    st.markdown(t("settings.never_say"))


def _conversations(house: House, kept: Kept, t: Words) -> None:
    st.subheader(t("settings.conversations"))
    counts = {"conversations": kept.conversations, "messages": kept.messages, "temporary": kept.temporary}
    st.markdown(t("settings.conversations_say", **counts))
    running = house.generations.running
    nothing = not (kept.conversations or kept.temporary)
    if st.button(
        t("settings.delete_all"), icon=":material/delete:", key="settings.delete", disabled=nothing or running > 0
    ):
        st.session_state[ASKED] = True
    if st.session_state.get(ASKED):
        st.dialog(t("settings.delete_all"), on_dismiss=_dismissed)(_confirm)(house, kept, t)
    if running:
        st.markdown(t("settings.delete_later", count=running))


def _confirm(house: House, kept: Kept, t: Words) -> None:
    st.markdown(t("settings.delete_say", conversations=kept.conversations, messages=kept.messages))
    sure = st.checkbox(t("settings.delete_sure"), key="settings.sure")
    if st.button(
        t("settings.delete_now"), icon=":material/delete_forever:", key="settings.delete_now", disabled=not sure
    ):
        try:
            data.forget_conversations(house)
        except TramiteError as error:
            answer.failure(facts.failure(error), t)
            return
        _dismissed()
        st.session_state[DELETED] = True
        st.rerun()


def _dismissed() -> None:
    st.session_state.pop(ASKED, None)
