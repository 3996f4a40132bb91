"""The prompt page's sidebar: whom to ask, and how; the earlier visits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tramite.calls import COUNTS
from tramite.store.conversations import Conversation, Kind
from tramite.workbench.access import Access
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import earlier, frame, picker, sampling
from tramite.workbench.ui.picker import Picked

from .asking import Wanted

PAGE: Kind = "prompt"


def draw(conversation: Conversation | None, house: House, t: Words) -> Wanted:
    """All of it; what it says."""
    new = st.button(t("prompt.new"), icon=":material/edit_square:", width="stretch")
    if new:
        earlier.turn_to(PAGE, None)
        st.rerun()
    settings, history = st.tabs([t("prompt.settings"), t("prompt.history")])
    with history:
        earlier.draw(PAGE, conversation, t)
    with settings:
        return _settings(house, t)


def show(kept: dict[str, Any]) -> None:
    """What a visit was kept with, from the next run on."""
    if not kept:
        return
    picker.choose(PAGE, Access(**kept["access"]), kept["target"])
    frame.put("prompt.via", kept["via"] == "chat")
    show_settings(kept["settings"])


def show_settings(settings: dict[str, Any]) -> None:
    """The settings of a run, from the next run on."""
    sampling.put(PAGE, settings)
    frame.put("prompt.logprobs", settings.get("logprobs"))
    frame.put("prompt.suffix", settings.get("suffix") or "")
    frame.put("prompt.echo", bool(settings.get("echo")))


def _settings(house: House, t: Words) -> Wanted:
    picked = picker.pick(PAGE, house, t, "completion", also="chat")
    through_chat = _through_chat(picked, t)
    with st.expander(t("prompt.sampling"), icon=":material/tune:"):
        given: dict[str, Any] = sampling.sampling(PAGE, t)
        low, high = COUNTS["logprobs"]
        logprobs = st.number_input(
            t("prompt.logprobs"),
            min_value=low,
            max_value=high,
            step=1,
            key=frame.kept("prompt.logprobs", None),
            placeholder=t("prompt.logprobs_off"),
            help=t("prompt.logprobs_help"),
        )
        suffix = st.text_area(
            t("prompt.suffix"),
            key=frame.kept("prompt.suffix", ""),
            help=t("prompt.suffix_help"),
            height=68,
            disabled=through_chat,
        )
        echo = st.checkbox(
            t("prompt.echo"), key=frame.kept("prompt.echo", False), help=t("prompt.echo_help"), disabled=through_chat
        )
    if logprobs is not None:
        given["logprobs"] = logprobs
    if suffix:
        given["suffix"] = suffix
    if echo:
        given["echo"] = True
    wanted = Wanted(access=picked.access, target=picked.target, settings=given)
    return wanted.through_chat() if through_chat else wanted


def _through_chat(picked: Picked, t: Words) -> bool:
    chosen = st.checkbox(t("prompt.via"), key=frame.kept("prompt.via", False), help=t("prompt.via_help"))
    if not chosen and picked.row is not None and "completion" not in picked.row.kinds:
        st.info(t("prompt.chat_only", provider=picked.row.title or picked.row.name), icon=":material/forum:")
    return chosen
