"""The sections of the usage page about a whole period: sums, times, errors. Draws."""

from __future__ import annotations

import streamlit as st

from tramite.store.reading import Sums
from tramite.workbench.language import Words
from tramite.workbench.ui import answer

from . import charts, tables
from .accounts import GROUPS, Account, Group


def whole(sums: Sums, t: Words) -> None:
    """The period in a few numbers."""
    with st.container(horizontal=True, gap="large"):
        cost = answer.cost(sums.cost_nanousd, t) if sums.cost_nanousd is not None else t("usage.not_known")
        st.metric(t("usage.cost"), cost, width="content")
        st.metric(t("usage.requests"), f"{sums.requests:,}", width="content")
        st.metric(t("usage.errors"), f"{sums.errors:,}", width="content")
        st.metric(t("usage.input"), _count(sums.input_tokens, t), width="content")
        st.metric(t("usage.output"), _count(sums.output_tokens, t), width="content")
    if sums.unknown_cost:
        st.warning(t("usage.unknown_told", count=f"{sums.unknown_cost:,}"), icon=":material/help:")
    if sums.under_way:
        st.caption(t("usage.under_way_told", count=f"{sums.under_way:,}"))


def by_group(account: Account, t: Words) -> None:
    """Cost and tokens by day, by model and by key."""
    st.subheader(t("usage.spending"), anchor=False)
    for tab, group in zip(st.tabs([t(f"usage.by_{one}") for one in GROUPS]), GROUPS, strict=True):
        with tab:
            _group(group, account.groups[group], t)


def times(account: Account, t: Words) -> None:
    """How fast models begin to answer, and end."""
    st.subheader(t("usage.times"), anchor=False)
    rows = tables.times(account.groups["model"], t)
    if not rows:
        st.caption(t("usage.no_times"))
        return
    st.caption(t("usage.times_told"))
    for place, field in zip(st.columns(2), ("first_token", "total"), strict=True):
        with place:
            st.markdown(f"**{t(f'usage.{field}')}**")
            if any(getattr(one, f"{field}_p50_s") is not None for one in account.groups["model"]):
                st.altair_chart(charts.times(account.groups["model"], field, t("usage.seconds")), theme="streamlit")
            else:
                st.caption(t("usage.no_first"))
    numbers = {name: st.column_config.NumberColumn(format="%.2f s") for name in rows[0] if name[-3:] in ("p50", "p95")}
    st.dataframe(rows, hide_index=True, placeholder="–", column_config=numbers)


def causes(account: Account, t: Words) -> None:
    """What went wrong, and what was tried again."""
    st.subheader(t("usage.causes"), anchor=False)
    rows = tables.causes(account, t)
    if not rows:
        st.caption(t("usage.no_errors"))
        return
    st.caption(t("usage.causes_told"))
    st.dataframe(rows, hide_index=True)


def _group(group: Group, sums: list[Sums], t: Words) -> None:
    cost, tokens, ways = t("usage.cost"), t("usage.tokens"), (t("usage.input"), t("usage.output"))
    left, right = st.columns(2)
    if group == "day":
        pictures = charts.cost_by_day(sums, cost), charts.tokens_by_day(sums, tokens, ways)
    else:
        nobody = t("usage.nobody")
        pictures = charts.cost_by_name(sums, cost, nobody), charts.tokens_by_name(sums, tokens, ways, nobody)
    for place, title, picture in zip((left, right), (cost, tokens), pictures, strict=True):
        with place:
            st.markdown(f"**{title}**")
            st.altair_chart(picture, theme="streamlit")
    if group != "day" and len(sums) > charts.MOST:
        st.caption(t("usage.drawn", count=charts.MOST))
    money = st.column_config.NumberColumn(format="$%.6f")
    st.dataframe(tables.sums(group, sums, t), hide_index=True, placeholder="–", column_config={cost: money})


def _count(tokens: int | None, t: Words) -> str:
    return t("usage.not_known") if tokens is None else f"{tokens:,}"
