"""The frame around every page: language, house, and values that outlive a visit to another page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import streamlit as st

from tramite.workbench import language
from tramite.workbench.house import House, house
from tramite.workbench.language import LANGUAGES, Language, Words

ICON = Path(__file__).parents[1] / "icon.svg"

LANGUAGE = language.PREFERENCE


def configure() -> None:
    """What has to come before anything is drawn."""
    st.set_page_config(page_title="tramite", page_icon=str(ICON), layout="wide")


def home() -> House:
    """The house of this process."""
    return house()


def chosen_language() -> Language:
    """The chosen language, else the browser's."""
    if "language" not in st.session_state:
        st.session_state.language = home().stored.preference(LANGUAGE) or ""
    chosen = st.session_state.language
    return cast(Language, chosen) if chosen in LANGUAGES else language.preferred(st.context.locale)


def words() -> Words:
    """The texts of the pages, by key."""
    return language.words(chosen_language())


def around() -> None:
    """What every page shows beside its own: nothing. Streamlit's sign that a page is at work goes: its Stop, beside
    ours, would end the drawing of an answer and not the answer."""
    st.html("<style>[data-testid=stStatusWidget] { display: none; }</style>")


def kept(key: str, default: Any = None) -> str:
    """The key of a widget that has its value again after another page was shown: Streamlit forgets those it does not
    see. Not for secrets: what is given back to a widget goes to the browser."""
    values = st.session_state.setdefault("kept", {})
    if key in st.session_state:
        values[key] = st.session_state[key]
    else:
        st.session_state[key] = values.get(key, default)
    return key


def put(key: str, value: Any) -> None:
    """Another value for such a widget, from the next run on."""
    st.session_state.setdefault("kept", {})[key] = value
    st.session_state.pop(key, None)
