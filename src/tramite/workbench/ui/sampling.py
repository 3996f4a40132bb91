"""How the next token is chosen, and how much is written: what is left empty is not sent. For any page's sidebar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tramite.calls import RANGES
from tramite.workbench.language import Words

from . import frame

MOST_TOKENS = 1_000_000
NUMBERS = ("temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty", "seed")


def sampling(page: str, t: Words) -> dict[str, Any]:
    """The widgets, where they are called; what was set, by the names of the client's settings."""
    left, right = st.columns(2)
    given: dict[str, Any] = {}
    with left:
        given["temperature"] = _number(page, "temperature", t, RANGES["temperature"], 0.1)
        given["max_tokens"] = _number(page, "max_tokens", t, (1, MOST_TOKENS), 1)
        given["presence_penalty"] = _number(page, "presence_penalty", t, RANGES["presence_penalty"], 0.1)
    with right:
        given["top_p"] = _number(page, "top_p", t, RANGES["top_p"], 0.05)
        given["seed"] = _number(page, "seed", t, (-(2**53) + 1, 2**53 - 1), 1)
        given["frequency_penalty"] = _number(page, "frequency_penalty", t, RANGES["frequency_penalty"], 0.1)
    stop = st.text_area(t("sampling.stop"), key=frame.kept(f"{page}.stop", ""), help=t("sampling.stop_help"), height=68)
    given["stop"] = tuple(line.replace("\\n", "\n") for line in stop.split("\n") if line)
    return {name: value for name, value in given.items() if value is not None and value != ()}


def values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the widgets of their names take them; None where nothing is set."""
    found: dict[str, Any] = {}
    for name in NUMBERS:
        value = settings.get(name)
        found[name] = value if value is None else float(value) if name in RANGES else int(value)
    stop = settings.get("stop") or ()
    found["stop"] = "\n".join(one.replace("\n", "\\n") for one in ([stop] if isinstance(stop, str) else stop))
    return found


def put(page: str, settings: Mapping[str, Any]) -> None:
    """Show these settings, and nothing where one is not among them, from the next run on."""
    for name, value in values(settings).items():
        frame.put(f"{page}.{name}", value)


def _number(page: str, name: str, t: Words, within: tuple[float, float], step: float) -> float | int | None:
    value: float | int | None = st.number_input(
        t(f"sampling.{name}"),
        min_value=within[0] if isinstance(step, int) else float(within[0]),
        max_value=within[1] if isinstance(step, int) else float(within[1]),
        step=step,
        key=frame.kept(f"{page}.{name}", None),
        placeholder=t("sampling.auto"),
        help=t(f"sampling.{name}_help"),
    )
    return value
