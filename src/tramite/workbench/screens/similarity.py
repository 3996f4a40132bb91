"""How near sentences are to each other, as Streamlit runs it."""

from tramite.workbench.similarity import page

page.show()
