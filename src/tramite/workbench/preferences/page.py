"""The settings: providers, configuration, language and appearance, data. Draws; what it does is in plain modules."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.ui import frame

from . import show_configured, show_data, show_look, show_providers


def show() -> None:
    """The whole page."""
    t, house = frame.words(), frame.home()
    st.header(t("frame.settings"))
    names = [t("settings.providers"), t("settings.configured"), t("settings.look"), t("settings.data")]
    stays = names[2] if st.session_state.get(show_look.CHOSEN) else None  # tabs of other names begin with the first
    providers, configured, look, data = st.tabs(names, default=stays)
    with providers:
        show_providers.draw(house, t)
    with configured:
        show_configured.draw(house, t)
    with look:
        show_look.draw(house, t)
    with data:
        show_data.draw(house, t)
