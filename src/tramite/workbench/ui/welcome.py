"""The first start, before anything is configured: what answers now, how to have a real model, and who is here already.

Local servers are asked in the background; the page does not wait for them. Nothing of it is drawn, once something real
is configured or chosen.
"""

from __future__ import annotations

from concurrent.futures import Future

import streamlit as st

from tramite.config import Config
from tramite.providers.catalogue import CATALOGUE
from tramite.workbench.access import Access
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.models import Listing

from . import frame, waiting

LOCAL = ("lmstudio", "ollama")
SHOWN = 5
"""Models that are offered of each; all are in the sidebar's list."""


def draw(house: House, t: Words, page: str = "chat") -> None:
    """Where it is called, if it is needed. `page` is whose choices a click changes (see `picker.pick`)."""
    if not needed(house.config, st.session_state.get("kept", {}).get(f"{page}.provider"), _typed()):
        return
    with st.container(border=True):
        st.subheader(t("welcome.title"))
        st.markdown(t("welcome.demo"))
        st.markdown(t("welcome.keys"))
        st.markdown(t("welcome.local"))
        asked = _ask(house)
        waiting.until(lambda: all(future.done() for future in asked.values()), lambda: _local(house, page, asked, t))


def needed(config: Config, chosen: str | None, typed: frozenset[str] = frozenset()) -> bool:
    """Whether nothing real is configured, and nothing real is chosen. `typed` are the providers whose key was typed."""
    rows = config.providers
    if config.default is not None or any(_own(config, name) for name in rows):
        return False
    row = rows.get(chosen or "demo")
    return row is None or row.name == "demo" or not (row.ready or row.name in typed)


def _own(config: Config, name: str) -> bool:
    """Whether somebody set it up: it has a secret, or is no provider that everybody knows."""
    row = config.providers[name]
    return row.secret is not None or (name not in CATALOGUE and row.ready)


def _typed() -> frozenset[str]:
    return frozenset(st.session_state.get("secrets", {}))


def _ask(house: House) -> dict[str, Future[Listing]]:
    return {name: house.models.ask(Access(provider=name)) for name in LOCAL if name in house.config.providers}


def _local(house: House, page: str, asked: dict[str, Future[Listing]], t: Words) -> None:
    """What the local servers say, each model to be chosen with a click."""
    for name, future in asked.items():
        row = house.config.providers[name]
        title = row.title or name
        if not future.done():
            st.markdown(f":material/hourglass_top: {t('welcome.looking', provider=title)}")
        elif models := future.result().models:
            st.markdown(f":green[:material/check_circle:] {t('welcome.found', provider=title, count=len(models))}")
            with st.container(horizontal=True):
                for model in models[:SHOWN]:
                    if st.button(f"`{model}`", key=f"welcome.{name}.{model}", help=t("welcome.choose")):
                        choose(page, name, model)
                        st.rerun()
        elif future.result().error is None:
            st.markdown(f":material/warning: {t('welcome.no_model', provider=title)}")
        else:
            st.markdown(f":material/power_off: {t('welcome.not_running', provider=title, address=row.base_url)}")
    nobody = all(future.done() and not future.result().models for future in asked.values())
    if nobody and st.button(t("welcome.look_again"), icon=":material/refresh:", key="welcome.again"):
        house.models.forget()
        st.rerun()


def choose(page: str, provider: str, model: str) -> None:
    """Have this page ask this model, from its next run on."""
    frame.put(f"{page}.provider", provider)
    frame.put(f"{page}.model.{provider}", model)
