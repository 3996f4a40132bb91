"""Which conversation a page shows, and the earlier ones of its kind, to be opened and then deleted. The page has the
kind's name.

It is named in the address, so that a refresh or a second tab finds it again, and in the session, so that a visit to
another page does not lose it.
"""

from __future__ import annotations

import streamlit as st

from tramite.store.conversations import Conversation, Kind
from tramite.workbench import rounds
from tramite.workbench.house import House
from tramite.workbench.language import Words

from . import frame, markdown

ADDRESS = "c"
MOST = 30


def current(kind: Kind, house: House) -> Conversation | None:
    """The one of this page's address, else the one that was shown before another page was."""
    found = rounds.find(house, st.query_params.get(ADDRESS), kind)
    found = found or rounds.find(house, st.session_state.get(f"{kind}.shown"), kind)
    turn_to(kind, found.id if found else None)
    return found


def turn_to(kind: Kind, id: str | None) -> None:
    """Show another one, or none yet, from the next run on."""
    st.session_state[f"{kind}.shown"] = id
    if id is None:
        st.session_state.pop(f"{kind}.opened", None)
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != id:
        st.query_params[ADDRESS] = id


def just_opened(shown: Conversation) -> bool:
    """Whether the page shows it for the first time, or again after another one: its settings are to be shown then."""
    key = f"{shown.kind}.opened"
    before = st.session_state.get(key)
    st.session_state[key] = shown.id
    return bool(before != shown.id)


def draw(kind: Kind, shown: Conversation | None, t: Words) -> None:
    """The list."""
    most = st.session_state.get(f"{kind}.listed", MOST)
    found = frame.home().stored.latest(kind, most=most + 1)
    if not found:
        st.caption(t("earlier.none"))
    for one in found[:most]:
        _entry(kind, one, shown is not None and one.id == shown.id, t)
    if len(found) > most and st.button(t("earlier.more"), key=f"{kind}.more", type="tertiary"):
        st.session_state[f"{kind}.listed"] = most + MOST
        st.rerun()


def _entry(kind: Kind, one: Conversation, here: bool, t: Words) -> None:
    title = markdown.plain(one.title) or t("earlier.untitled")
    icon = ":material/chevron_right:" if here else None
    key = f"open.{one.id}"
    st.button(title, key=key, icon=icon, type="tertiary", disabled=here, on_click=turn_to, args=(kind, one.id))
    if not here:
        return
    sure = st.session_state.get(f"{kind}.sure") == one.id
    st.button(
        t("earlier.sure") if sure else t("earlier.delete"),
        key=f"delete.{one.id}",
        icon=":material/delete:",
        on_click=_delete,
        args=(kind, one.id),
    )


def _delete(kind: Kind, id: str) -> None:
    """At the second click: there is no way back."""
    if st.session_state.get(f"{kind}.sure") != id:
        st.session_state[f"{kind}.sure"] = id
        return
    rounds.delete(frame.home(), id)
    st.session_state.pop(f"{kind}.sure", None)
    turn_to(kind, None)
