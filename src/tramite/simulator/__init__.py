"""A provider that misbehaves on demand: the server's side of the dialects, in process or on a port.

The model's name selects what it does: `ok`, `cut@40`, `stall@20:30s`, `429:retry-after=2` … (`faults.py` has them all).
"""

from __future__ import annotations

from .bill import Entry, Stats
from .clock import FastForwardLoop, LoopClock, VirtualClock, fast_forward
from .engine import Engine
from .inprocess import InProcess, demo
from .options import Options
from .running import Simulator, run
from .text import DEMO_NOTICE

__all__ = [
    "DEMO_NOTICE",
    "Engine",
    "Entry",
    "FastForwardLoop",
    "InProcess",
    "LoopClock",
    "Options",
    "Simulator",
    "Stats",
    "VirtualClock",
    "demo",
    "fast_forward",
    "run",
]
