"""A limiter, and who went when, on a clock that runs ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tramite.config import Limits
from tramite.pipeline.limits import Limiter, Permit, Scope
from tramite.pipeline.limits.memory import MemoryState
from tramite.pipeline.observing import Priority
from tramite.simulator import fast_forward as run

__all__ = ["World", "learning", "now", "run"]


def now() -> float:
    return asyncio.get_running_loop().time()


def learning(**limits: Any) -> tuple[Scope, ...]:
    return (Scope("openai/m", Limits(**limits), learns=True),)


class World:
    """A limiter, and who went when: seconds since it began."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.limiter = Limiter(self.state)
        self.began = now()
        self.went: list[tuple[str, float]] = []

    async def ask(
        self,
        name: str,
        scopes: tuple[Scope, ...],
        tokens: int = 0,
        within_s: float = 1e9,
        priority: Priority = "interactive",
    ) -> Permit:
        permit = await self.limiter.take(scopes, tokens, within_s=within_s, priority=priority)
        self.went.append((name, now() - self.began))
        return permit

    async def line(self, *asks: Coroutine[Any, Any, Permit]) -> list[asyncio.Task[Permit]]:
        """Ask one after the other, each before the one before has gone."""
        tasks = []
        for ask in asks:
            tasks.append(asyncio.create_task(ask))
            await asyncio.sleep(0)
        return tasks

    @property
    def order(self) -> str:
        return "".join(name for name, _ in self.went)

    def at(self, name: str) -> float:
        return next(at for who, at in self.went if who == name)
