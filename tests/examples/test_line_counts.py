"""The examples are to be read: they stay short."""

from __future__ import annotations

import pytest

from tests.examples.world import EXAMPLES

FEWER_THAN = {
    "lmstudio_stream.py": 80,
    "azure_chat.py": 80,
    "fastapi_stream/app.py": 120,
    "fastapi_stream/index.html": 100,
}


@pytest.mark.parametrize("name", FEWER_THAN)
def test_an_example_is_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) < FEWER_THAN[name]
