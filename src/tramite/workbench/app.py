"""The frame around all pages, as Streamlit runs it: their list, their language."""

import streamlit as st

from tramite.workbench.ui import frame

frame.configure()
t = frame.words()
chosen = st.navigation(
    [
        st.Page("screens/chat.py", title=t("frame.chat"), icon=":material/chat:", url_path="chat", default=True),
        st.Page("screens/prompt.py", title=t("frame.prompt"), icon=":material/edit_note:", url_path="prompt"),
        st.Page("screens/compare.py", title=t("frame.compare"), icon=":material/compare_arrows:", url_path="compare"),
        st.Page("screens/similarity.py", title=t("frame.similarity"), icon=":material/grid_on:", url_path="similarity"),
        st.Page("screens/usage.py", title=t("frame.usage"), icon=":material/monitoring:", url_path="usage"),
        st.Page("screens/settings.py", title=t("frame.settings"), icon=":material/settings:", url_path="settings"),
    ],
    position="top",
)
frame.around()
chosen.run()
