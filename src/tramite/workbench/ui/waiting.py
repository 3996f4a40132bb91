"""Drawing what is still being asked for in the background, without the page waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import streamlit as st

EVERY_S = 0.4
"""How often one looks."""


def until(done: Callable[[], bool], draw: Callable[[], object]) -> None:
    """Draw it, again and again while it is not done; then the page runs once more, and nothing looks any more."""
    waits = not done()
    looks = count()

    def look() -> None:
        draw()
        # the first look is part of the page's own run, which must go on: a dialog may just have been opened in it
        if next(looks) and waits and done():
            st.rerun()

    st.fragment(look, run_every=EVERY_S if waits else None)()
