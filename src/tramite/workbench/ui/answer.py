"""An answer's facts, and what went wrong with it, as they stand under it. Knows no conversation."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from tramite.workbench import language
from tramite.workbench.language import Words


def line(facts: dict[str, Any], t: Words) -> str:
    """Model, tokens, cost, times and attempts in one line; what is unknown is left out, or said to be."""
    usage, timings = facts.get("usage") or {}, facts.get("timings") or {}
    words = [_to_the_letter(name)] if (name := facts.get("target") or (facts.get("asked") or {}).get("model")) else []
    inputs, outputs = usage.get("input_tokens"), usage.get("output_tokens")
    if inputs is not None or outputs is not None:
        mark = "≈ " if usage.get("source") in ("estimated", "partial") else ""
        words.append(mark + t("answer.tokens", input=_count(inputs), output=_count(outputs)))
    if facts.get("cached"):
        words.append(t("answer.cached"))
    elif "cost_nanousd" in facts:
        words.append(cost(facts["cost_nanousd"], t))
    first, total = timings.get("first_token_s"), timings.get("total_s")
    if first is not None:
        words.append(t("answer.first", seconds=f"{first:.2f}"))
    if total:
        words.append(t("answer.total", seconds=f"{total:.1f}"))
    if outputs and total and first is not None and total - first > 0.05:
        words.append(t("answer.speed", speed=f"{outputs / (total - first):.0f}"))
    attempts = facts.get("attempts") or []
    if len(attempts) > 1:
        targets = {one.get("target") for one in attempts}
        words.append(t("answer.failover" if len(targets) > 1 else "answer.attempts", count=len(attempts)))
    return " · ".join(words)


def cost(nanousd: int | None, t: Words) -> str:
    """Dollars, with as many places as it takes to see something."""
    if nanousd is None:
        return t("answer.unknown_cost")
    dollars = nanousd / 1e9
    if dollars == 0:
        return "\\$0"
    places = 2 if dollars >= 1 else max(4, 1 - math.floor(math.log10(dollars)))
    return f"\\${dollars:.{places}f}"


def ending(status: str, facts: dict[str, Any], t: Words) -> None:
    """Say it where an answer is not whole, and why."""
    if status == "stopped":
        st.caption(f":material/stop_circle: {t('answer.stopped')}")
    elif status == "interrupted":
        st.warning(t("answer.interrupted"), icon=":material/power_off:")
    elif status == "failed":
        failure(facts.get("error") or {}, t)
    elif facts.get("finish") == "length":
        st.warning(t("answer.length"), icon=":material/content_cut:")
    elif facts.get("finish") == "content_filter":
        st.warning(t("answer.filtered"), icon=":material/filter_alt:")
    for notice in facts.get("notices") or ():
        st.caption(f":material/info: {_to_the_letter(notice)}")


def failure(error: dict[str, Any], t: Words) -> None:
    """What happened in the reader's language, what to do, and the error's own words to look at."""
    st.error(advice(error, t), icon=":material/error:")
    with st.expander(t("answer.details")):
        st.code(details(error), language=None, wrap_lines=True)


def advice(error: dict[str, Any], t: Words) -> str:
    """What happened and what to do, for an error of this kind."""
    key = f"errors.{error.get('kind', '')}"
    known = language.catalogue("en")
    values = {"model": error.get("model") or "", "provider": error.get("provider") or ""}
    wait = error.get("retry_after_s")
    text = t(key if key in known else "errors.other", **values)
    return f"{text} {t('errors.wait', seconds=f'{wait:.0f}')}" if wait else text


def details(error: dict[str, Any]) -> str:
    """The error in its own words, which are English."""
    lines = [f"{error.get('kind', 'error')}: {error.get('text', '')}"]
    if body := error.get("body"):
        lines += ["", str(body)]
    return "\n".join(lines)


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _to_the_letter(text: str) -> str:
    from . import markdown

    return markdown.plain(text)
