"""One question to several targets at once, each as a chat or as a completion. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tramite.client.comparing import STYLES, Style
from tramite.client.stream import AsyncStream
from tramite.messages import system, user
from tramite.store.conversations import Conversation
from tramite.workbench import access, rounds
from tramite.workbench.access import Access
from tramite.workbench.background import Open
from tramite.workbench.house import NAME, House
from tramite.workbench.rounds import Asked, Asking

__all__ = ["FEWEST", "MOST", "STYLES", "Style", "Target", "ask", "read"]

FEWEST, MOST = 2, 4


class Target(Struct, frozen=True):
    """One column: whom it asks, and how."""

    access: Access
    model: str | None
    """The full name; None for the configured default."""
    style: Style = "chat"


def ask(house: House, text: str, targets: Sequence[Target], prompt: str, settings: dict[str, Any]) -> Conversation:
    """Keep the question and have all answers written, in a comparison of its own. `prompt` is the system text.

    What cannot be sent to one target is told in its column; the others go on. Raises StoreFailed.
    """
    choice = house.config.default
    default = choice.model if choice is not None else ""
    asked = [
        Asked(_opening(house, text, one, prompt, settings), {"model": one.model or default, "style": one.style})
        for one in targets
    ]
    facts = {"system": prompt, "settings": settings}
    kept = {"targets": [_kept(one) for one in targets], **facts}
    return rounds.begin(house, None, "compare", Asking(text, asked, facts, kept))[0]


def read(kept: Sequence[dict[str, Any]]) -> list[Target]:
    """The targets that a comparison was kept with."""
    return [Target(Access(**one["access"]), one["model"], one["style"]) for one in kept]


def _kept(target: Target) -> dict[str, Any]:
    return {"access": access.kept(target.access), "model": target.model, "style": target.style}


def _opening(house: House, text: str, target: Target, prompt: str, settings: dict[str, Any]) -> Open:
    """What opens this target's stream. Called on the background loop, so that an error is this answer's alone."""

    def open() -> AsyncStream:
        client = house.clients.of(target.access)
        if target.style == "completion":
            whole = f"{prompt.strip()}\n\n{text}" if prompt.strip() else text
            return client.stream_complete(whole, model=target.model, key=NAME, **settings)
        messages = [system(prompt), user(text)] if prompt.strip() else [user(text)]
        return client.stream(messages, model=target.model, key=NAME, **settings)

    return open
