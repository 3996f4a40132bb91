"""The configured ledger for commands that read it, and the moments they are asked for. Shows nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tramite.errors import InvalidCall

from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.store.reading import Ledger

Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Not before this: 30m, 2h, 7d or 2w ago, or a day such as 2026-11-01 (UTC)."),
]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Before this, in the same forms.")]

Model = Annotated[
    str | None,
    typer.Option("-m", "--model", metavar="MODEL", help="provider/model, provider/, or as it was asked for."),
]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="What this key of ours asked; '' is nobody's.")]

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,9})([smhdw])")


def address(settings: Config) -> str:
    """Where the ledger is."""
    from tramite.config.places import ledger_file
    from tramite.store.opening import sqlite_url

    return settings.store.url or sqlite_url(ledger_file())


@contextmanager
def opened(settings: Config, terminal: Terminal) -> Iterator[Ledger | None]:
    """The ledger; None where nothing was kept yet, which is told. Raises ConfigError, MissingExtra."""
    from tramite.store.database import shown
    from tramite.store.reading import open_ledger

    ledger = open_ledger(address(settings))
    if ledger is None:
        terminal.warn(f"there is no ledger yet: nothing was kept at {shown(address(settings))}")
        yield None
        return
    with ledger:
        yield ledger


def moment(text: str | None, flag: str) -> int | None:
    """A moment as it is written on a command line, in nanoseconds since 1970. Raises InvalidCall."""
    if text is None:
        return None
    now = datetime.now(UTC)
    if ago := _AGO.fullmatch(text.strip()):
        return _storable(now.timestamp() - int(ago[1]) * _UNITS_S[ago[2]])
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidCall(
            f"{flag} takes 30m, 2h, 7d or 2w (ago), or a day or moment such as 2026-11-01 or 2026-11-01T12:30, "
            f"got {text!r:.80}",
            flag,
        ) from None
    return _storable((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def written(at_ns: int) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _storable(seconds: float) -> int:
    """In nanoseconds, within what a database takes: nothing of ours is before 1970, or after 2262."""
    return min(max(0, int(seconds * 10**6) * 1_000), 2**63 - 1)
