"""What the pages in docs/ show is so: their Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("observing.md",)
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, int, str]]:
    """Each block of Python, with its page and number."""
    return [
        (page, number, text)
        for page in PAGES
        for number, text in enumerate(_BLOCK.findall((DOCS / page).read_text()), 1)
    ]


@pytest.mark.parametrize(("page", "number", "text"), blocks(), ids=lambda value: str(value)[:20])
def test_a_block_of_python_runs(page: str, number: int, text: str) -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}, block {number}: {done.stderr}"
