"""Many paced streams at once from one client: `python -m bench.crowd LIBRARY COUNT URL` prints one line of JSON."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from . import bodies, subjects
from .worker import Span


def peak_bytes() -> int | None:
    """The most memory that this process has had resident; None where there is no /proc."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else None


async def crowd(library: str, count: int, url: str) -> dict[str, object]:
    """All at once, each to its end."""
    subject = subjects.ASYNC[library](f"{url}/paced/v1")
    expected = await subject.stream()
    if not expected or not bodies.STREAM_TEXT.startswith(expected):
        raise RuntimeError(f"not what the server said: {expected!r:.200}")
    alone, span = peak_bytes(), Span()
    texts = await asyncio.gather(*(subject.stream() for _ in range(count)), return_exceptions=True)
    spent = span.over(count)
    wrong = [text for text in texts if text != expected]
    await subject.close()
    return {
        **spent,
        "errors": len(wrong),
        "example": repr(wrong[0])[:300] if wrong else "",
        "peak": peak_bytes(),
        "alone": alone,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(crowd(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
