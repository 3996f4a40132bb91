"""The front doors: which path speaks which dialect, and how its bodies name what the pipeline must know. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from tramite.calls import Kind
from tramite.dialects import registry
from tramite.dialects.base import Dialect, Operation


class Door:
    """One operation of one dialect, as clients ask for it. What a body says is passed on where the target's dialect is
    the same; then `path` and `headers` are what the provider is asked with."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        path: str,
        max_output: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        forwarded: tuple[bytes, ...] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.path = path
        self.max_output = max_output
        """The fields that may say how long an answer may be; the first is the one that is written."""
        self.headers = dict(headers or {})
        self.forwarded = forwarded
        """Headers of the client's that the provider is to see, since they say in which form it wants the answer."""

    def __repr__(self) -> str:
        return f"Door({self.name}, {self.kind})"

    @cached_property
    def dialect(self) -> Dialect:
        """The dialect that its clients speak."""
        return registry.get(self.name)

    @cached_property
    def operation(self) -> Operation:
        """What they ask for."""
        return self.dialect.operations[self.kind]

    @property
    def asks_for_usage(self) -> bool:
        """Whether a stream tells its usage only when it is asked to (`stream_options.include_usage`)."""
        return self.name == "openai" and self.kind in ("chat", "completion")


CHAT = Door("openai", "chat", "/chat/completions", ("max_tokens", "max_completion_tokens"))
COMPLETION = Door("openai", "completion", "/completions", ("max_tokens",))
EMBEDDING = Door("openai", "embedding", "/embeddings")
RESPONSES = Door("openai-responses", "chat", "/responses", ("max_output_tokens",))
MESSAGES = Door(
    "anthropic",
    "chat",
    "/messages",
    ("max_tokens",),
    headers={"anthropic-version": "2023-06-01"},
    forwarded=(b"anthropic-beta",),
)

DOORS: Mapping[str, Door] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETION,
    "/v1/embeddings": EMBEDDING,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
}
DEPLOYMENTS = "/openai/deployments/"
"""Azure's dated API: what follows is a deployment, and then one of these."""
AZURE: Mapping[str, Door] = {"/chat/completions": CHAT, "/completions": COMPLETION, "/embeddings": EMBEDDING}
AZURE_V1 = "/openai/v1"
"""Azure's v1 API: the paths of OpenAI's behind it."""


def find(path: str) -> tuple[Door, str | None] | None:
    """The door at this path, and the model where the path names it. None where there is none."""
    door = DOORS.get(path)
    if door is not None:
        return door, None
    if path.startswith(DEPLOYMENTS):
        for ending, behind in AZURE.items():
            name = path[len(DEPLOYMENTS) :].removesuffix(ending)
            if path.endswith(ending) and name:
                return behind, name
    if path.startswith(AZURE_V1):
        door = DOORS.get("/v1" + path[len(AZURE_V1) :])
        return None if door is None else (door, None)
    return None
