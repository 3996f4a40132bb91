"""How long the ledger keeps its entries. Deletes what is over; never a hold that is under way, nor an open window."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from .database import Database

logger = logging.getLogger("tramite.store")

DAY_NS = 86_400 * 10**9

SCHEMA = "CREATE TABLE upkeep (what TEXT PRIMARY KEY, at_ns BIGINT NOT NULL)"
"""When something that is done now and then was done last."""

SLICE = 500
"""Rows that are deleted in one transaction, so that nobody waits long behind it."""
_LONGEST_WINDOW_DAYS = 32

_DELETE = f"""
DELETE FROM attempts WHERE seq IN (
    SELECT seq FROM attempts WHERE at_ns < ? AND state NOT IN ('held', 'sent') ORDER BY at_ns LIMIT {SLICE}
) RETURNING 1
"""
_DELETE_WINDOWS = "DELETE FROM windows WHERE period != 'total' AND start_ns < ? AND held_nanousd = 0"


def prune_daily(database: Database, keep_days: int) -> int:
    """Delete what is older, unless that was done within a day, by whichever process; how many entries it were."""
    now_ns = database.begin()
    try:
        last = database.execute("SELECT at_ns FROM upkeep WHERE what = 'prune'")
        due = not last or now_ns - last[0][0] >= DAY_NS
        if due:
            database.execute(
                "INSERT INTO upkeep (what, at_ns) VALUES ('prune', ?) "
                "ON CONFLICT (what) DO UPDATE SET at_ns = excluded.at_ns",
                (now_ns,),
            )
        database.commit()
    except BaseException:
        database.rollback()
        raise
    return prune(database, now_ns - keep_days * DAY_NS) if due else 0


def prune_behind(connect: Callable[[], Database], keep_days: int) -> Thread:
    """Do that on a thread and a connection of its own, so that nobody waits for it. What fails is logged.

    The process may end at any time: what is left is deleted on another day.
    """
    thread = Thread(target=_prune_apart, args=(connect, keep_days), name="tramite: retention", daemon=True)
    thread.start()
    return thread


def _prune_apart(connect: Callable[[], Database], keep_days: int) -> None:
    try:
        database = connect()
        try:
            deleted = prune_daily(database, keep_days)
        finally:
            database.close()
    except Exception:
        logger.warning("old entries of the ledger could not be deleted", exc_info=True)
        return
    if deleted:
        logger.info("%s entries of the ledger older than %s days deleted", deleted, keep_days)


def prune(database: Database, before_ns: int) -> int:
    """Delete the entries that began before this moment, with their texts, slice by slice; how many it were."""
    total = 0
    while True:
        deleted = _slice(database, before_ns)
        total += deleted
        if deleted < SLICE:
            return total


def _slice(database: Database, before_ns: int) -> int:
    database.begin()
    try:
        deleted = len(database.execute(_DELETE, (before_ns,)))
        if deleted < SLICE:
            # a window is spent from until it ends: the month that is open may have begun before the oldest entry kept
            database.execute(_DELETE_WINDOWS, (before_ns - _LONGEST_WINDOW_DAYS * DAY_NS,))
        database.commit()
    except BaseException:
        database.rollback()
        raise
    return deleted
