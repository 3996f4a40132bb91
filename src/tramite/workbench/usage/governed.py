"""The section about limits and budgets: how much of each is used now. Draws."""

from __future__ import annotations

import streamlit as st

from tramite.client import governance
from tramite.errors import TramiteError
from tramite.store.reading import Ledger
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer

from . import accounts, tables

_PATIENCE_S = 5.0


def limits(house: House, t: Words) -> None:
    """Those that are counted now, by whichever process."""
    st.subheader(t("usage.limits"), anchor=False)
    url = house.config.state.url
    if url in ("off", "memory"):
        st.markdown(t(f"usage.limits_{url}"))
        return
    try:
        found = house.generations.run(governance.limits_in_use(house.config)).result(_PATIENCE_S)
    except TimeoutError:
        st.markdown(t("usage.limits_slow"))
        return
    except TramiteError as error:
        answer.failure(facts.failure(error), t)
        return
    if rows := tables.limits(found, t):
        full = st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
        st.dataframe(rows, hide_index=True, column_config={t("usage.limit_full"): full})
    else:
        st.markdown(t("usage.no_limits"))


def budgets(house: House, ledger: Ledger | None, t: Words) -> None:
    """Those that are configured, and what is left of them."""
    st.subheader(t("usage.budgets"), anchor=False)
    if not house.config.budgets or ledger is None:
        st.markdown(t("usage.no_budgets"))
        return
    rows = tables.budgets(accounts.standings(ledger, house.config), t)
    money = {
        t(f"usage.{name}"): st.column_config.NumberColumn(format="$%.6f") for name in ("cap", "spent", "held", "left")
    }
    st.dataframe(rows, hide_index=True, column_config=money)
    st.caption(t("usage.budgets_told"))
