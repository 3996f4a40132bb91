"""Two ways to a prompt: examples written out before a question (few-shot), and templates. Both end in its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from tramite import prompts
from tramite.errors import TramiteError
from tramite.prompts import Labels, Template
from tramite.workbench import facts
from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame, markdown, sampling

from . import examples

ROWS = "prompt.rows"
FIRST_ROWS = 2


def take(text: str, settings: dict[str, Any] | None = None) -> None:
    """Put a text into the prompt's field, and settings beside it, from the next run on."""
    frame.put("prompt.text", text)
    for name, value in (settings or {}).items():
        frame.put(f"prompt.{name}", value)


def few_shot(t: Words) -> None:
    """Rows of inputs and outputs, and the text that they become."""
    instruction = st.text_area(t("prompt.instruction"), key=frame.kept("prompt.instruction", ""), height=68)
    left, right = st.columns(2)
    given = left.text_input(t("prompt.label_input"), key=frame.kept("prompt.label_input", t("prompt.input")))
    wanted = right.text_input(t("prompt.label_output"), key=frame.kept("prompt.label_output", t("prompt.output")))
    labels = Labels(given.strip() or t("prompt.input"), wanted.strip() or t("prompt.output"))
    rows: list[int] = st.session_state.setdefault(ROWS, list(range(FIRST_ROWS)))
    pairs = [_row(place, row, labels, t) for place, row in enumerate(rows, start=1)]
    st.button(t("prompt.add"), icon=":material/add:", key="prompt.add", on_click=_add)
    asked = st.text_area(t("prompt.asked", label=labels.input), key=frame.kept("prompt.asked", ""), height=68)
    text = examples.written_out(instruction, pairs, labels, asked)
    if text:
        st.caption(t("prompt.preview"))
        st.code(text, language=None, wrap_lines=True)
    stop = {"stop": examples.stop_before(labels).replace("\n", "\\n")}
    told = t("prompt.use_stop", stop=f"`{stop['stop']}`")
    _use("prompt.use_examples", lambda: take(text, stop), t, help=told, disabled=not text)


def templates(house: House, t: Words) -> None:
    """One of those with names, filled in."""
    name = st.selectbox(
        t("prompt.template"),
        prompts.names(),
        index=None,
        key=frame.kept("prompt.template", None),
        placeholder=t("prompt.choose_template"),
    )
    if name is None:
        return
    try:
        template = prompts.load(name)
    except TramiteError as error:
        answer.failure(facts.failure(error), t)
        return
    if template.description:
        st.caption(markdown.plain(template.description))
    values = {one: _variable(template, one) for one in template.names}
    missing = [one for one in template.needs if not values[one].strip()]
    if missing:
        st.caption(t("prompt.missing", names=", ".join(f"`{one}`" for one in missing)))
    else:
        st.caption(t("prompt.preview"))
        st.code(template.text(**values), language=None, wrap_lines=True)
    settings = _settings(template, house)
    if template.settings:
        told = " · ".join(f"{one} = {value}" for one, value in template.settings.items())
        st.caption(t("prompt.template_settings", settings=markdown.plain(told)))
    _use("prompt.use_template", lambda: take(template.text(**values), settings), t, disabled=bool(missing))


def _row(place: int, row: int, labels: Labels, t: Words) -> tuple[str, str]:
    """One example; its fields are told apart by number."""
    with st.container(border=True):
        left, right = st.columns(2)
        given = left.text_area(f"{labels.input} {place}", key=frame.kept(f"prompt.input.{row}", ""), height=68)
        wanted = right.text_area(f"{labels.output} {place}", key=frame.kept(f"prompt.output.{row}", ""), height=68)
        st.button(
            t("prompt.remove", number=place),
            icon=":material/delete:",
            key=f"prompt.remove.{row}",
            type="tertiary",
            on_click=_remove,
            args=(row,),
        )
    return given, wanted


def _add() -> None:
    rows: list[int] = st.session_state[ROWS]
    st.session_state["prompt.row"] = row = st.session_state.get("prompt.row", FIRST_ROWS - 1) + 1
    st.session_state[ROWS] = [*rows, row]


def _remove(row: int) -> None:
    st.session_state[ROWS] = [one for one in st.session_state[ROWS] if one != row]


def _variable(template: Template, name: str) -> str:
    default = template.variables.get(name, "")
    key = frame.kept(f"prompt.variable.{template.name}.{name}", str(default))
    value: str = st.text_area(name, key=key, height=68)
    return value


def _settings(template: Template, house: House) -> dict[str, Any]:
    """What the template says, as values of the sidebar's widgets; where it has examples, what stops before another."""
    given = dict(template.settings)
    if template.examples:
        given.setdefault("stop", examples.stop_before(template.labels))
    values = {name: value for name, value in sampling.values(given).items() if name in given or name == "stop"}
    if "logprobs" in given:
        values["logprobs"] = given["logprobs"]
    provider, _, model = (template.model or "").partition("/")
    if model and provider in house.config.providers:
        values |= {"provider": provider, f"model.{provider}": model}
    return values


def _use(key: str, use: Callable[[], None], t: Words, **given: Any) -> None:
    st.button(t("prompt.use"), icon=":material/south:", key=key, on_click=use, **given)
