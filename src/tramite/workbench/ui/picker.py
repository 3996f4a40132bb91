"""Whom to ask: provider, endpoint, key, API version, and a model from the provider's own list. For any page's sidebar.

A key goes from the browser to this process's memory, for this session alone: it is never stored, and never sent back.
"""

from __future__ import annotations

from collections.abc import Set

import streamlit as st
from msgspec import Struct

from tramite.providers.rows import Provider
from tramite.workbench.access import Access, azure_root
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.models import Listing

from . import frame, waiting

ROUTES = ""
"""Stands for the configured default and the routes, which go over several providers."""


class Picked(Struct, frozen=True):
    """What was chosen."""

    access: Access
    model: str
    """Without its provider; a route's name, or nothing for the default, where no provider is chosen."""
    row: Provider | None

    @property
    def target(self) -> str | None:
        """The model's full name; None for the default."""
        if not self.access.provider:
            return self.model or None
        return f"{self.access.provider}/{self.model}"


def pick(page: str, house: House, t: Words, kind: str = "chat", also: str = "") -> Picked:
    """The widgets, where they are called. `page` keeps one page's choices apart from another's, and those of several
    pickers on one page. `also` is an operation that would do as well."""
    names = _providers(house, {kind, also})
    key = frame.kept(f"{page}.provider", _begin_with(house, kind)[0])
    if st.session_state[key] not in names:
        st.session_state[key] = names[0]
    name = st.selectbox(t("picker.provider"), names, key=key, format_func=lambda one: _title(house, one, t))
    if name == ROUTES:
        return Picked(Access(), _route(page, house, t), None)
    row = house.config.providers[name]
    access = Access(provider=name)
    if not row.in_process:
        access = _access(page, row, t)
    return Picked(access, _model(page, house, row, access, t), row)


def choose(page: str, access: Access, target: str | None) -> None:
    """Let the widgets show this choice from the next run on. A key is not part of it."""
    frame.put(f"{page}.provider", access.provider)
    if not access.provider:
        frame.put(f"{page}.route", target or "")
        return
    frame.put(f"{page}.model.{access.provider}", (target or "").removeprefix(f"{access.provider}/") or None)
    frame.put(f"{page}.endpoint.{access.provider}", access.endpoint)
    frame.put(f"{page}.version.{access.provider}", access.api_version)


def first(house: House, kind: str = "chat") -> tuple[str, str]:
    """The provider and the model to begin with: the configured default, else a local server that answers, else the
    demo, which no model is behind."""
    choice = house.config.default
    if choice is not None:
        provider, slash, model = choice.model.partition("/")
        known = slash and provider in house.config.providers and kind in house.config.providers[provider].kinds
        return (provider, model) if known else (ROUTES, choice.model)
    for name in ("lmstudio", "ollama"):
        listing = house.models.of(Access(provider=name), 0.5) if name in house.config.providers else Listing()
        if listing.models:
            return name, listing.models[0]
    return "demo", "demo"


def _begin_with(house: House, kind: str) -> tuple[str, str]:
    """`first`, asked once in a session: servers come and go."""
    known: dict[str, tuple[str, str]] = st.session_state.setdefault("first", {})
    if kind not in known:
        known[kind] = first(house, kind)
    return known[kind]


def _providers(house: House, kinds: Set[str]) -> list[str]:
    """Routes first, then who is ready to be asked, then the others."""
    rows = [row for row in house.config.providers.values() if kinds & set(row.kinds)]
    ready = [row.name for row in rows if row.ready and not row.local]
    local = [row.name for row in rows if row.ready and row.local]
    others = [row.name for row in rows if not row.ready]
    routes = [ROUTES] if house.config.routes or house.config.default is not None else []
    return [*routes, *ready, *local, *others]


def _title(house: House, name: str, t: Words) -> str:
    if name == ROUTES:
        return t("picker.routes")
    row = house.config.providers[name]
    title = row.title or name
    return title if row.ready else t("picker.no_key", provider=title)


def _route(page: str, house: House, t: Words) -> str:
    names = ["", *house.config.routes]
    key = frame.kept(f"{page}.route", "")
    if st.session_state[key] not in names:
        st.session_state[key] = ""
    choice = house.config.default
    default = t("picker.default", model=choice.model if choice else "—")
    chosen: str = st.selectbox(t("picker.route"), names, key=key, format_func=lambda one: one or default)
    return chosen


def _access(page: str, row: Provider, t: Words) -> Access:
    with st.expander(t("picker.connection"), expanded=not row.ready, icon=":material/key:"):
        endpoint = st.text_input(
            t("picker.endpoint"),
            key=frame.kept(f"{page}.endpoint.{row.name}", ""),
            placeholder=azure_root(row),
            help=t("picker.endpoint_help"),
        )
        secret = _key(page, row, t)
        version = ""
        if row.azure:
            version = st.text_input(
                t("picker.api_version"),
                key=frame.kept(f"{page}.version.{row.name}", ""),
                placeholder=row.api_version or "v1",
            )
    return Access(provider=row.name, endpoint=endpoint.strip(), api_version=version.strip(), key=secret)


def _key(page: str, row: Provider, t: Words) -> str:
    """The key that was typed in this session. Its field is emptied as soon as it has been read."""
    keys: dict[str, str] = st.session_state.setdefault("secrets", {})
    typed = st.session_state.setdefault("secrets_typed", 0)
    field = f"secret.{page}.{row.name}.{typed}"

    def take() -> None:
        if value := st.session_state.get(field, "").strip():
            keys[row.name] = value
        st.session_state["secrets_typed"] = typed + 1

    there = t("picker.key_typed") if row.name in keys else t("picker.key_configured") if row.secret else ""
    st.text_input(t("picker.key"), type="password", key=field, on_change=take, placeholder=there, autocomplete="off")
    if row.name in keys and st.button(t("picker.forget_key"), key=f"forget.{page}.{row.name}", type="tertiary"):
        del keys[row.name]
        st.rerun()
    return keys.get(row.name, "")


def _model(page: str, house: House, row: Provider, access: Access, t: Words) -> str:
    listing = _listing(house, row, access)
    if not listing.known:
        _look_again(house, access)
    provider, model = _begin_with(house, "chat")
    usual = model if provider == row.name else "demo" if row.name == "demo" else row.default_model
    key = frame.kept(f"{page}.model.{row.name}", usual or (listing.models[0] if listing.models else None))
    current = st.session_state[key]
    names = list(dict.fromkeys([*([current] if current else []), *listing.models]))
    chosen = st.selectbox(
        t("picker.deployment") if row.azure else t("picker.model"),
        names,
        key=key,
        index=None,
        accept_new_options=True,
        placeholder=t("picker.type_model"),
        help=t("picker.model_help"),
    )
    if listing.error is not None and not row.local:
        st.caption(t("picker.no_list"))
    elif listing.absent and row.local:
        st.caption(t("picker.not_running", provider=row.title or row.name, address=row.base_url))
    return chosen or ""


def _listing(house: House, row: Provider, access: Access) -> Listing:
    if "models" not in row.kinds or row.name in ("demo", "local"):
        return Listing(("demo",) if row.name == "demo" else (), took_s=0.0)
    if not (row.ready or access.key):
        return Listing(took_s=0.0)
    return house.models.of(access)


def _look_again(house: House, access: Access) -> None:
    """Draw the page once more when the list is there."""
    waiting.until(house.models.ask(access).done, lambda: None)
