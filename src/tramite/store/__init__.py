"""Where the ledger and the budgets are kept: SQLite on one machine, Postgres on several. Knows nothing of requests."""

from __future__ import annotations
