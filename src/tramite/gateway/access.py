"""The access log: a line for each request, with what the pipeline told of it. Never a body, never a secret."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from tramite.pipeline.observing import Beginning, Ending, Outcome
from tramite.store.redaction import redact

from .asgi import Scope

logger = logging.getLogger("tramite.access")

FACTS: ContextVar[dict[str, Any] | None] = ContextVar("tramite.access", default=None)
"""What is known of the request that runs in this context; None where nobody will ask."""
LONGEST_PATH = 200


class AccessFacts:
    """An observer that notes who asked for what, who answered, and what it took."""

    def attempt_begins(self, beginning: Beginning) -> None:
        """See `Observer`: of no interest here."""

    def attempt_ended(self, ending: Ending) -> None:
        """See `Observer`: of no interest here."""

    def request_ended(self, outcome: Outcome) -> None:
        """See `Observer`."""
        facts = FACTS.get()
        if facts is None:
            return
        usage = outcome.usage
        facts.update(
            key=outcome.caller.key,
            asked=outcome.asked,
            target=outcome.target,
            attempts=len(outcome.attempts),
            tokens=None if usage is None else usage.total_tokens,
            cost_nanousd=outcome.cost_nanousd,
        )
        if outcome.error is not None or outcome.left:
            facts["ended"] = "left" if outcome.left else type(outcome.error).__name__


def log(scope: Scope, request_id: str, status: int, seconds: float, facts: dict[str, Any]) -> None:
    """Write the line. Its parts are the record's `facts`, for whoever writes them as JSON."""
    parts = {
        "request": request_id,
        "method": scope.get("method", "WEBSOCKET"),
        "path": redact("".join([char if char.isprintable() else "?" for char in scope["path"][:LONGEST_PATH]])),
        "status": status,
        "ms": round(seconds * 1000, 1),
        **facts,
    }
    logger.info("%(method)s %(path)s %(status)s in %(ms)s ms", parts, extra={"facts": parts})
