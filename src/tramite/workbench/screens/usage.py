"""What was used, as Streamlit runs it."""

from tramite.workbench.usage import page

page.show()
