"""What the pipeline is told of a body that came in: above all how much it may cost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tramite.gateway.doors import COMPLETION
from tramite.gateway.inbound import Inbound
from tramite.pipeline.observing import NOBODY


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({"prompt": "one"}, 1),
        ({"prompt": "one", "n": 3}, 3),
        ({"prompt": ["one", "two"]}, 2),
        ({"prompt": ["one", "two"], "n": 3}, 6),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": []}, 1),
        ({"prompt": "one", "best_of": 5}, 5),
        ({"prompt": ["one", "two"], "n": 2, "best_of": 5}, 10),
    ],
)
def test_all_that_a_completion_may_write_is_known(fields: dict[str, Any], answers: int) -> None:
    body = msgspec.json.encode({"model": "sim/ok", "max_tokens": 100, **fields})
    assert Inbound(COMPLETION, body).envelope(NOBODY).most_written == 100 * answers
