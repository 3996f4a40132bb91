"""Where the ledger and the budgets are kept: SQLite on one machine, Postgres on several. Knows nothing of requests."""

from __future__ import annotations

from .opening import sqlite_url
from .rows import Allowance, Entry, Standing, Texts
from .store import Store, open_store

__all__ = ["Allowance", "Entry", "Standing", "Store", "Texts", "open_store", "sqlite_url"]
