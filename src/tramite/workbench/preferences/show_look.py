"""Draws the choice of language and appearance; both take effect at once, and are remembered."""

from __future__ import annotations

import streamlit as st

from tramite.workbench import appearance, language
from tramite.workbench.house import House
from tramite.workbench.language import LANGUAGES, NAMES, Words
from tramite.workbench.ui import frame

CHOSEN = "settings.chosen"
"""Whether a language was chosen in this session, so that everything has another name."""
_LOOK, _LANGUAGE = "settings.look_chosen", "settings.language_chosen"


def draw(house: House, t: Words) -> None:
    """Both."""
    _language(house, t)
    _look(house, t)


def _language(house: House, t: Words) -> None:
    options = ["", *LANGUAGES]
    browsers = t("settings.browsers", language=NAMES[language.preferred(st.context.locale)])
    chosen = st.session_state.get("language", "")

    def take() -> None:
        st.session_state.language = st.session_state[_LANGUAGE]
        house.stored.prefer(frame.LANGUAGE, st.session_state.language)
        st.session_state[CHOSEN] = True

    st.radio(
        t("settings.language"),
        options,
        index=options.index(chosen) if chosen in options else 0,
        format_func=lambda one: NAMES.get(one, browsers),
        key=_LANGUAGE,
        on_change=take,
    )


def _look(house: House, t: Words) -> None:
    names = {"system": t("settings.system"), "light": t("settings.light"), "dark": t("settings.dark")}
    worn = appearance.of(house.stored.preference(appearance.PREFERENCE))

    def take() -> None:
        look = st.session_state[_LOOK]
        house.stored.prefer(appearance.PREFERENCE, look)
        appearance.wear(look)
        st.session_state["settings.worn"] = True

    st.radio(
        t("settings.appearance"),
        appearance.LOOKS,
        index=appearance.LOOKS.index(worn),
        format_func=names.__getitem__,
        key=_LOOK,
        on_change=take,
        help=t("settings.appearance_help"),
    )
    if st.session_state.pop("settings.worn", False):
        st.rerun()  # what a page looks like is told when it begins to run
