"""Comparisons, as Streamlit runs them."""

from tramite.workbench.compare import page

page.show()
