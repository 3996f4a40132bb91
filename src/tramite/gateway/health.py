"""`/health/ready`: whether this worker should be sent requests. Knows what they need, not what they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from tramite.client.core import Core
from tramite.errors import TramiteError
from tramite.store.redaction import redact

from .asgi import JSON, Receive, Scope, Send, respond
from .guards import Guards

logger = logging.getLogger("tramite.gateway")

PATIENCE_S = 2.0
"""For which what is asked may keep us waiting: a probe that hangs tells less than one that fails."""


class Readiness:
    """Ready is who is not being stopped, can write down what things cost, and can count limits."""

    def __init__(self, guards: Guards, core: Callable[[], Core]) -> None:
        self._guards = guards
        self._core = core

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        missing = "stopping" if self._guards.draining else await self._missing()
        told = {"status": "ready"} if not missing else {"status": "not ready", "missing": missing}
        await respond(send, 503 if missing else 200, [JSON], msgspec.json.encode(told))

    async def _missing(self) -> str:
        """What is not there, in a word: why is the log's to say, where no stranger reads it."""
        governor = self._core().governor
        what = "store"
        try:
            async with asyncio.timeout(PATIENCE_S):
                if governor.ledger is not None:
                    await governor.ledger.store.flush()
                what = "limits"
                if governor.limiter is not None:
                    await governor.limiter.views()
        except (TramiteError, TimeoutError) as error:
            logger.warning("not ready: %s: %s", what, redact(str(error)) or "no answer in time")
            return what
        return ""
