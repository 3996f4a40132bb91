"""What one browser's session has asked: the request under way, the answers that came, and what went wrong last."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from typing import Any, NamedTuple

import streamlit as st

from tramite.errors import TramiteError
from tramite.workbench import facts
from tramite.workbench.access import Access
from tramite.workbench.house import House

from . import asking
from .asking import Answer, Question

KEPT = 8
"""Answers that are kept: to ask for one of them again sends nothing."""
_ROUND_S = 0.1


class Asked(NamedTuple):
    """A request under way."""

    question: Question
    future: Future[Answer]
    began: float


def ask(house: House, access: Access, question: Question) -> None:
    """Ask this, unless its answer is there; from then on it is what is shown."""
    stop()
    st.session_state.pop("similarity.failure", None)
    st.session_state["similarity.shown"] = question
    if question in _answers():
        return
    try:
        future = asking.ask(house, access, question)
    except TramiteError as error:
        st.session_state["similarity.failure"] = facts.failure(error)
        return
    st.session_state["similarity.asked"] = Asked(question, future, time.monotonic())


def running() -> Asked | None:
    """The request under way; one that has ended is taken in first."""
    asked: Asked | None = st.session_state.get("similarity.asked")
    if asked is None or not asked.future.done():
        return asked
    del st.session_state["similarity.asked"]
    try:
        _keep(asked.question, asked.future.result())
    except CancelledError:
        pass
    except TramiteError as error:
        st.session_state["similarity.failure"] = facts.failure(error)
    return None


def stop() -> None:
    """End the request under way."""
    asked: Asked | None = st.session_state.pop("similarity.asked", None)
    if asked is not None:
        asked.future.cancel()


def shown() -> tuple[Question, Answer] | None:
    """What was last asked for, where its answer is there."""
    question: Question | None = st.session_state.get("similarity.shown")
    answer = _answers().get(question) if question is not None else None
    return (question, answer) if question is not None and answer is not None else None


def failure() -> dict[str, Any] | None:
    """What went wrong with what was last asked."""
    told: dict[str, Any] | None = st.session_state.get("similarity.failure")
    return told


def follow(asked: Asked, tell: Callable[[float], object]) -> None:
    """Tell for how long it has been going on, until it is over; then run the page again."""
    while not asked.future.done():
        tell(time.monotonic() - asked.began)  # a call of Streamlit's, so that a click is heard
        wait([asked.future], _ROUND_S)
    st.rerun()


def _answers() -> dict[Question, Answer]:
    answers: dict[Question, Answer] = st.session_state.setdefault("similarity.answers", {})
    return answers


def _keep(question: Question, answer: Answer) -> None:
    answers = _answers()
    answers[question] = answer
    while len(answers) > KEPT:
        del answers[next(iter(answers))]
