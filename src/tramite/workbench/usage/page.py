"""What was used: sums, times, errors, limits and budgets, and the ledger itself. Draws; changes nothing."""

from __future__ import annotations

import streamlit as st

from tramite.errors import TramiteError
from tramite.store.reading import Ledger
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame

from . import accounts, governed, search, sections
from .accounts import PERIODS, Period

PAGE = "usage"


def show() -> None:
    """The whole page."""
    t, house = frame.words(), frame.home()
    st.title(t("frame.usage"), anchor=False)
    try:
        with accounts.opened(house.config) as ledger:
            _draw(house, ledger, t)
    except TramiteError as error:
        answer.failure(facts.failure(error), t)


def _draw(house: House, ledger: Ledger | None, t: Words) -> None:
    since = accounts.since_ns(_period(t))
    account = accounts.account(ledger, since) if ledger is not None else None
    if ledger is not None and account is not None and account.whole is not None:
        sections.whole(account.whole, t)
        sections.by_group(account, t)
        sections.times(account, t)
        sections.causes(account, t)
        search.draw(house, account, since, t)
    elif ledger is not None and ledger.page(size=1):
        st.info(t("usage.nothing_then"), icon=":material/event_busy:")
    else:
        st.info(t("usage.nothing"), icon=":material/monitoring:")
    governed.limits(house, t)
    governed.budgets(house, ledger, t)


def _period(t: Words) -> Period:
    chosen = st.segmented_control(
        t("usage.period"),
        PERIODS,
        key=frame.kept(f"{PAGE}.period", "7"),
        format_func=lambda one: t(f"usage.period_{one}"),
        required=True,
    )
    st.caption(t("usage.utc"))
    return chosen or "7"
