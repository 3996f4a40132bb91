"""A prompt that is to be continued: how it is asked, and what is kept of it. Knows no page."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from tramite.store.conversations import Conversation, Node
from tramite.workbench import access, rounds
from tramite.workbench.access import Access
from tramite.workbench.house import NAME, House
from tramite.workbench.rounds import Asked, Asking

COMPLETIONS_ONLY = ("suffix", "echo")
"""What has no meaning in a chat."""
_NO_COMPLETIONS = ("ModelNotFound", "RequestRejected", "Unsupported")
"""How it is told that a target has no completions: by us, or by the provider (OpenAI says 404 for its chat models)."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Whom to ask, and how; `settings` are the client's."""

    access: Access
    target: str | None
    via: Literal["chat"] | None = None
    settings: dict[str, Any] = {}

    def through_chat(self) -> Wanted:
        """The same, with the prompt as one user message."""
        settings = {name: value for name, value in self.settings.items() if name not in COMPLETIONS_ONLY}
        return msgspec.structs.replace(self, via="chat", settings=settings)


def ask(house: House, conversation: Conversation | None, text: str, wanted: Wanted) -> Conversation:
    """Begin another run. Raises TramiteError for what cannot be sent, and then nothing has changed."""
    client = house.clients.of(wanted.access)
    settings = wanted.settings
    stream = client.stream_complete(  # nothing is sent yet
        text, model=wanted.target, via=wanted.via, key=NAME, **settings
    )
    choice = house.config.default
    model = wanted.target or (choice.model if choice is not None else "")
    facts = {"model": model, "via": wanted.via, "settings": settings}
    kept = {"access": access.kept(wanted.access), "target": wanted.target, "via": wanted.via, "settings": settings}
    asking = Asking(text, [Asked(lambda: stream, facts)], settings=kept)
    return rounds.begin(house, conversation, "prompt", asking)[0]


def may_go_through_chat(node: Node) -> bool:
    """Whether this answer failed in a way that suggests that its target has no completions."""
    asked = node.facts.get("asked") or {}
    error = node.facts.get("error") or {}
    return node.status == "failed" and not asked.get("via") and error.get("kind") in _NO_COMPLETIONS
