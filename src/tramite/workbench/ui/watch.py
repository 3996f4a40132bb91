"""Watching answers while they are written: what has come is drawn at once, and a click is heard within moments.

Only a call of Streamlit's can be interrupted, so one is made in each round, whatever happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from tramite.events import Loading, Restarted, Retrying
from tramite.workbench.background import Generation
from tramite.workbench.language import Words

from . import markdown

ROUND_S = 0.1
"""How long a round waits for more."""
CHARACTERS_PER_ROUND = 40_000
"""A longer text is drawn less often, so that drawing never takes most of the time."""

Draw = Callable[[Generation], object]


class Watched(NamedTuple):
    """An answer, what draws its text, and what tells how it goes."""

    generation: Generation
    text: Draw
    state: Draw


def follow(watched: Sequence[Watched]) -> None:
    """Draw (the text, the state) until none of them is running any more, then run the page again."""
    drawn = [(-1, 0.0)] * len(watched)
    while any(generation.running for generation, _, _ in watched):
        for place, (generation, text, state) in enumerate(watched):
            version, at = drawn[place]
            now = time.monotonic()
            size = len(generation.message.text) if generation.version != version else 0
            if generation.version != version and now - at >= ROUND_S * min(5.0, size / CHARACTERS_PER_ROUND):
                drawn[place] = (generation.version, now)
                text(generation)
            state(generation)
        first, (version, _) = next(
            ((one[0], seen) for one, seen in zip(watched, drawn, strict=True) if one[0].running),
            (watched[0][0], drawn[0]),
        )
        first.wait(version, ROUND_S)
        time.sleep(0.02)  # what comes within it is drawn together
    st.rerun()


def text_of(generation: Generation, where: st.delta_generator.DeltaGenerator) -> None:
    """The answer so far."""
    message = generation.message
    if message.content:
        where.markdown(markdown.safe(message.text) + " ▌")


def state_of(generation: Generation, t: Words) -> str:
    """In a few words, what is going on."""
    elapsed = f"{generation.elapsed_s:.1f} s"
    match generation.event:
        case Retrying(target, error, delay_s):
            return t("watch.retrying", target=target, error=error, delay=f"{delay_s:.1f}", elapsed=elapsed)
        case Restarted(target, _):
            return t("watch.restarted", target=target, elapsed=elapsed)
        case Loading(target, _):
            return t("watch.loading", target=target, elapsed=elapsed)
    if generation.first_token_s is None:
        return t("watch.waiting", elapsed=elapsed)
    return t("watch.writing", elapsed=elapsed, first=f"{generation.first_token_s:.2f}")
