"""Who is compared: a picker for each column, all of them in a row above the answers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import frame, markdown, picker

from .asking import STYLES, Style, Target


def draw(columns: int, house: House, t: Words) -> list[Target]:
    """The pickers; whom they name."""
    targets: list[Target] = []
    for place, cell in enumerate(st.columns(columns), start=1):
        with cell:
            targets.append(_target(place, house, t))
    return targets


def show(targets: Sequence[Target]) -> None:
    """These, from the next run on."""
    frame.put("compare.columns", len(targets))
    for place, one in enumerate(targets, start=1):
        frame.put(f"compare.{place}.style", one.style)
        picker.choose(f"compare.{place}", one.access, one.model)


def _target(place: int, house: House, t: Words) -> Target:
    page = f"compare.{place}"
    with st.popover(t("compare.target", number=place), icon=":material/tune:", width="stretch", key=f"{page}.popover"):
        style: Style = st.radio(
            t("compare.style"),
            STYLES,
            key=frame.kept(f"{page}.style", STYLES[0]),
            format_func=lambda one: t(f"compare.style_{one}"),
            horizontal=True,
            help=t("compare.style_help"),
        )
        picked = picker.pick(page, house, t, style)
    name = picked.target or t("compare.default")
    st.caption(f"{markdown.plain(name)} · {t(f'compare.style_{style}')}")
    return Target(picked.access, picked.target, style)
