"""A program that ends in the middle of something ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from tramite import Client
llm = Client()
stream = llm.stream("Ciao", model="demo/demo")
pieces = iter(stream.text)
print(len([next(pieces) for _ in range(3)]))
{end}
"""


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del llm, stream"])
def test_a_stream_whose_text_is_not_read_to_its_end_does_not_keep_the_interpreter(end: str) -> None:
    """The generator is closed while the interpreter is taken apart, when no thread can be started any more."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(end=end)], capture_output=True, text=True, timeout=40, check=True
    )
    assert (run.stdout, run.stderr) == ("3\n", "")
