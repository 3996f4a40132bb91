"""The chat, as Streamlit runs it."""

from tramite.workbench.chat import page

page.show()
