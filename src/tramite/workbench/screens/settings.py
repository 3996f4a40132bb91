"""The settings, as Streamlit runs them."""

from tramite.workbench.preferences import page

page.show()
