"""The section that searches the ledger: filters, a page of entries, one of them in detail, and files. Draws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from tramite.errors import TramiteError
from tramite.store.filters import Filter
from tramite.store.reading import Ledger
from tramite.store.rows import Entry
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame

from . import accounts, export, tables
from .accounts import ENDED_WELL, Account

PAGE = "usage"
SIZE = 25
"""Entries on a page."""
_UNSHOWN = ("id", "windows", "lease_expires_ns", "held_nanousd")
_EVERY = "\0"
"""No key, model or outcome is called so; and None would be an empty field."""


@st.fragment
def draw(house: House, account: Account, since: int | None, t: Words) -> None:
    """All of it. What is clicked on here adds nothing up anew: that takes seconds where entries are many."""
    st.subheader(t("usage.ledger"), anchor=False)
    chosen = _filter(account, since, t)
    try:
        with accounts.opened(house.config) as ledger:
            if ledger is not None:
                _found(house, ledger, chosen, t)
    except TramiteError as error:
        answer.failure(facts.failure(error), t)


def _found(house: House, ledger: Ledger, chosen: Filter, t: Words) -> None:
    number: int = st.session_state.get(f"{PAGE}.page", 1)
    page = accounts.page(ledger, chosen, number, SIZE)
    if not page.count:
        st.info(t("usage.none_found"), icon=":material/search_off:")
        return
    st.caption(t("usage.found", count=f"{page.count:,}"))
    _table(page.entries, t)
    pages = -(-page.count // SIZE)
    if pages > 1:
        if number > pages:
            st.session_state[f"{PAGE}.page"] = pages
        st.pagination(pages, key=f"{PAGE}.page", width="stretch")
    _export(house, chosen, page.count, t)
    _details(house, ledger, page.entries, t)


def _filter(account: Account, since: int | None, t: Words) -> Filter:
    models, keys = ([one.group[0] for one in account.groups[group]] for group in ("model", "key"))
    outcomes = [name for one in account.outcomes if (name := one.group[0]) in ("ok", "left") or name not in ENDED_WELL]
    words = st.text_input(
        t("usage.words"),
        key=frame.kept(f"{PAGE}.words", ""),
        help=t("usage.words_help"),
        on_change=_from_the_start,
        icon=":material/search:",
    )
    columns = st.columns(3)
    with columns[0]:
        model = _choice("model", models, t)
    with columns[1]:
        key = _choice("key", keys, t)
    with columns[2]:
        outcome = _choice("outcome", outcomes, t)
    failed = st.toggle(t("usage.failed"), key=frame.kept(f"{PAGE}.failed", False), on_change=_from_the_start)
    return Filter(
        since_ns=since, search=words.strip() or None, model=model, key=key, outcome=outcome, failed=bool(failed)
    )


def _choice(name: str, options: Sequence[str], t: Words) -> str | None:
    """One of them, or any."""
    key = frame.kept(f"{PAGE}.{name}", _EVERY)
    every = [_EVERY, *options]
    if st.session_state[key] not in every:
        st.session_state[key] = _EVERY
    chosen = st.selectbox(
        t(f"usage.{name}"),
        every,
        key=key,
        format_func=lambda one: t("usage.any") if one == _EVERY else one or t("usage.nobody"),
        on_change=_from_the_start,
    )
    return None if chosen == _EVERY else chosen


def _from_the_start() -> None:
    """Other entries are wanted: their first page."""
    st.session_state[f"{PAGE}.page"] = 1


def _table(entries: Sequence[Entry], t: Words) -> None:
    """A click on a row shows it in detail, as the list below the table does."""

    def take() -> None:
        rows = st.session_state[f"{PAGE}.table"]["selection"]["rows"]
        if rows:
            st.session_state[f"{PAGE}.entry"] = entries[rows[0]].id

    st.dataframe(
        tables.entries(entries, t),
        hide_index=True,
        placeholder="–",
        key=f"{PAGE}.table",
        on_select=take,
        selection_mode="single-row",
        column_config={
            t("usage.cost"): st.column_config.NumberColumn(format="$%.6f"),
            t("usage.seconds"): st.column_config.NumberColumn(format="%.2f s"),
        },
    )


def _details(house: House, ledger: Ledger, entries: Sequence[Entry], t: Words) -> None:
    by_id = {entry.id: entry for entry in entries}
    key = f"{PAGE}.entry"
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = _EVERY
    chosen = st.selectbox(
        t("usage.details"),
        [_EVERY, *by_id],
        key=key,
        format_func=lambda one: t("usage.no_entry") if one == _EVERY else _title(by_id[one], t),
    )
    if chosen not in by_id:
        return
    entry = by_id[chosen]
    st.dataframe(_fields(entry, t), hide_index=True, width="stretch", height="content")
    if entry.error:
        st.code(entry.error, language=None, wrap_lines=True)
    texts = accounts.details(ledger, entry)
    for name, text in (("prompt", texts and texts.prompt), ("answer", texts and texts.answer)):
        if text:
            with st.expander(t(f"usage.{name}")):
                st.code(text, language=None, wrap_lines=True)
    if texts is None:
        st.markdown(t("usage.texts_lost" if house.config.store.keep_text else "usage.texts_off"))


def _title(entry: Entry, t: Words) -> str:
    return " · ".join(
        (export.moment(entry.at_ns), f"{entry.provider}/{entry.model}", tables.outcome(entry, t), str(entry.number))
    )


def _fields(entry: Entry, t: Words) -> list[dict[str, Any]]:
    """What is known of it, by the names that the files have."""
    known = {
        name: value for name, value in export.row(entry).items() if name not in _UNSHOWN and value not in (None, "")
    }
    return [{t("usage.field"): name, t("usage.value"): str(value)} for name, value in known.items() if name != "error"]


def _export(house: House, chosen: Filter, count: int, t: Words) -> None:
    """Files of what is filtered, made when they are asked for."""

    def made(form: export.Form) -> bytes:
        with accounts.opened(house.config) as ledger:
            return b"" if ledger is None else export.written(ledger, chosen, form)

    with st.container(horizontal=True):
        for form in export.FORMS:
            st.download_button(
                t("usage.download", form=form.upper()),
                partial(made, form),
                f"tramite-ledger.{form}",
                export.TYPES[form],
                key=f"{PAGE}.download.{form}",
                icon=":material/download:",
                on_click="ignore",
            )
    if count > export.MOST:
        st.warning(t("usage.cut", most=f"{export.MOST:,}", count=f"{count:,}"), icon=":material/content_cut:")
