"""Responses without state: what would have to be kept is refused, and no provider is asked to keep it."""

from __future__ import annotations

import msgspec
import pytest

from tests.faults.cases import Case
from tests.gateway.world import gateway

WELL = Case(number=0, primary="ok", whole="primary", stream="primary", events="primary")


@pytest.mark.parametrize("dialect", ["openai", "openai-responses"])
@pytest.mark.parametrize(
    "wish", [{"store": True}, {"previous_response_id": "resp_1"}, {"background": True}, {"conversation": "conv_1"}]
)
def test_what_would_have_to_be_kept_is_refused(wish: dict[str, object], dialect: str) -> None:
    with gateway(WELL, dialects=(dialect, dialect)) as world:
        status, body = world.post("/v1/responses", {"model": "fast", "input": "hello", **wish})
        assert world.primary.stats().requests == 0
    assert status == 400
    assert msgspec.json.decode(body)["error"]["param"] == next(iter(wish))


@pytest.mark.parametrize("wish", [{}, {"store": False}, {"store": None}])
def test_the_provider_is_told_to_keep_nothing(wish: dict[str, object]) -> None:
    with gateway(WELL, dialects=("openai-responses", "openai-responses")) as world:
        status, body = world.post("/v1/responses", {"model": "fast", "input": "hello", **wish})
    assert status == 200
    assert msgspec.json.decode(body)["status"] == "completed"
