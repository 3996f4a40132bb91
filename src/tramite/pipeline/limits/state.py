"""The protocol of a place that keeps buckets: this process's memory, a machine's files, a Redis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from .records import Bucket, Lesson, Snapshot, Verdict, Want


class State(Protocol):
    """Keeps buckets and decides on them, all of `decisions` and no more. It brings its own clock.

    What is not answered (`give_back`, `learn`, `close`, `renew`) never waits and never raises: a state that needs I/O
    for it does it later, in order, and before `aclose` returns.
    """

    shared: bool
    """Whether other processes may have closed a bucket, or learned of it, that this one has not used yet."""

    def take_now(self, wants: Sequence[Want], tokens: int) -> bool:
        """Taken, to start this instant. False: not at once, or not known without waiting for I/O; ask `take`."""
        ...

    async def take(self, wants: Sequence[Want], tokens: int) -> Verdict:
        """The verdict; a start may be granted up to `AHEAD_US` ahead.

        Cancelling it takes nothing, or gives it back. Raises TramiteError where no verdict can be had.
        """
        ...

    def give_back(self, wants: Sequence[Want], tokens: int, unsent: bool) -> None:
        """A granted request is over: its slots are free. `tokens`: used beyond those it took (less: negative).

        `unsent`: it never left, and is undone; then `tokens` is minus what it took.
        """
        ...

    def learn(self, bucket: str, lessons: Iterable[Lesson]) -> None:
        """Keep what a response taught of a bucket."""
        ...

    def close(self, bucket: str, for_s: float) -> None:
        """A throttle: nothing of this bucket starts within so many seconds."""
        ...

    def renew(self, buckets: Iterable[str]) -> None:
        """This process is alive, and the slots it holds in these buckets stay its own for another minute."""
        ...

    def seen(self, bucket: str) -> tuple[Bucket, int] | None:
        """A bucket as this process last saw it, and the time of the state's clock now. Never waits; None: not known."""
        ...

    async def read(self) -> Snapshot:
        """All buckets as they are now. Raises TramiteError where they cannot be read."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun, and let go of files and connections. Idempotent; it may be used again."""
        ...
