"""How a stream stands, as far as any watcher knows it. Knows no frame."""

from __future__ import annotations

from tramite.errors import ProviderError
from tramite.replies import Finish, Usage


class StreamState:
    """What all watchers have in common (see `base.Watcher`)."""

    __slots__ = ("content", "ended", "error", "finish", "proof", "usage")

    def __init__(self) -> None:
        self.content = False
        self.proof = False
        self.ended = False
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.error: ProviderError | None = None

    def close(self) -> None:
        """The body has ended; most have nothing that only the end decides."""

    def _fail(self, error: ProviderError | None) -> None:
        """The first failure counts, and nothing that comes after it proves success."""
        if error is not None:
            self.error = self.error or error
            self.proof = False
