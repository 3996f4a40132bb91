"""The settings: providers, configuration, language and appearance, data. Draws; what it does is in plain modules."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.ui import frame

from . import show_configured, show_data, show_look, show_providers


def show() -> None:
    """The whole page."""
    t, house = frame.words(), frame.home()
    st.header(t("frame.settings"))
    providers, configured, look, data = st.tabs(
        [t("settings.providers"), t("settings.configured"), t("settings.look"), t("settings.data")]
    )
    with providers:
        show_providers.draw(house, t)
    with configured:
        show_configured.draw(house, t)
    with look:
        show_look.draw(house, t)
    with data:
        show_data.draw(house, t)
