"""How many cores there are for us. Knows nothing of what they are used for."""

from __future__ import annotations

import os


def cores() -> int:
    """How many cores this process may use; containers and `taskset` may leave it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
