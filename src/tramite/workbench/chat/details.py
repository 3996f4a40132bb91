"""An answer, looked at closely: as text to be copied, as code that asks the same, as it went over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import streamlit as st

from tramite.errors import TramiteError
from tramite.messages import Message
from tramite.store.conversations import Node
from tramite.workbench import facts as known
from tramite.workbench.language import Words
from tramite.workbench.ui import answer

from . import asking, code
from . import settings as kept
from .desk import Chosen, Desk
from .settings import Settings

CURL_S = 5.0


def open(desk: Desk, node: Node, chosen: Chosen, t: Words) -> None:
    """The dialog."""
    settings = kept.read((node.facts.get("asked") or {}).get("settings") or {})
    before = desk.store.nodes([link.id for link in desk.tree.branch(node.parent_id)])
    messages = asking.to_send(before, settings.system)

    @st.dialog(t("details.title"), width="large")
    def show() -> None:
        names = [t(f"details.{name}") for name in ("text", "code", "request", "response", "facts")]
        text, program, request, response, facts = st.tabs(names)
        with text:
            st.code(node.message.text, language=None, wrap_lines=True)
        with program:
            _programs(desk, messages, settings, chosen, t)
        wire = desk.store.wire(node.id)
        with request:
            _exchanges(wire, _request, t)
        with response:
            _exchanges(wire, _response, t)
        with facts:
            st.code(_pretty(node.facts), language="json", wrap_lines=True)

    show()


def _programs(desk: Desk, messages: Sequence[Message], settings: Settings, chosen: Chosen, t: Words) -> None:
    st.caption("Python")
    st.code(code.python(messages, settings), language="python", wrap_lines=True)
    st.caption("curl")
    try:
        asked = desk.house.generations.run(code.curl(desk.house.config, chosen.access, messages, settings))
        st.code(asked.result(CURL_S), language="bash", wrap_lines=True)
    except TramiteError as error:
        st.code(answer.details(known.failure(error)), language=None, wrap_lines=True)
    st.caption(t("details.command"))
    st.code(code.command(messages, settings), language="bash", wrap_lines=True)


def _exchanges(wire: Sequence[dict[str, Any]], tell: Any, t: Words) -> None:
    if not wire:
        st.caption(t("details.nothing"))
    for number, one in enumerate(wire, start=1):
        if len(wire) > 1:
            st.caption(t("details.attempt", number=number))
        st.code(tell(one), language=None, wrap_lines=True)


def _request(one: dict[str, Any]) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in one["headers"].items())
    return f"{one['method']} {one['url']}\n{headers}\n\n{_pretty_text(one['body'])}"


def _response(one: dict[str, Any]) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in one["response_headers"].items())
    return f"{one['status']}\n{headers}\n\n{_pretty_text(one['response'])}"


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _pretty_text(text: str) -> str:
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.MsgspecError:
        return text
