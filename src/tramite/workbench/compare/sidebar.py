"""What all columns of a comparison share: their number, system text and sampling; and the earlier comparisons."""

from __future__ import annotations

from typing import Any

import streamlit as st
from msgspec import Struct

from tramite.store.conversations import Conversation, Kind
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import earlier, frame, sampling

from . import votes
from .asking import FEWEST, MOST

PAGE: Kind = "compare"


class Chosen(Struct, frozen=True):
    """What the sidebar says."""

    columns: int
    system: str
    settings: dict[str, Any]


def draw(conversation: Conversation | None, house: House, t: Words) -> Chosen:
    """All of it; what it says."""
    if st.button(t("compare.new"), icon=":material/edit_square:", width="stretch"):
        earlier.turn_to(PAGE, None)
        st.rerun()
    settings, history = st.tabs([t("compare.settings"), t("compare.history")])
    with history:
        _export(house, t)
        earlier.draw(PAGE, conversation, t)
    with settings:
        columns = st.radio(
            t("compare.columns"), range(FEWEST, MOST + 1), key=frame.kept("compare.columns", FEWEST), horizontal=True
        )
        system = st.text_area(t("compare.system"), key=frame.kept("compare.system", ""), help=t("compare.system_help"))
        with st.expander(t("compare.sampling"), icon=":material/tune:"):
            given = sampling.sampling(PAGE, t)
    return Chosen(columns, system, given)


def show(system: str, settings: dict[str, Any]) -> None:
    """What a comparison was kept with, from the next run on."""
    frame.put("compare.system", system)
    sampling.put(PAGE, settings)


def _export(house: House, t: Words) -> None:
    """The files are made when they are asked for."""

    def csv() -> bytes:
        return votes.as_csv(votes.every(house.stored))

    def jsonl() -> bytes:
        return votes.as_jsonl(votes.every(house.stored))

    st.caption(t("compare.export"))
    with st.container(horizontal=True):
        icon = ":material/download:"
        st.download_button("CSV", csv, "votes.csv", "text/csv", key="compare.csv", icon=icon, on_click="ignore")
        st.download_button(
            "JSONL", jsonl, "votes.jsonl", "application/jsonl", key="compare.jsonl", icon=icon, on_click="ignore"
        )
