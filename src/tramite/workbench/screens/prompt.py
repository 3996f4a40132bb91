"""The prompt page, as Streamlit runs it."""

from tramite.workbench.prompt import page

page.show()
