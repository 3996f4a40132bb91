"""What each client address may take, whatever its key."""

from __future__ import annotations

import pytest

from tests.faults.cases import Case
from tests.gateway.world import gateway
from tramite.config import Limits
from tramite.pipeline.limits.scope import of_address

OK = Case(number=0, primary="ok", whole="whole", stream="whole", events="whole")
FEW = "[limits.address]\ntokens_per_minute = 400\n"


def test_an_address_gets_no_more_than_its_share() -> None:
    with gateway(OK, FEW) as world:
        assert world.chat(max_tokens=100)[0] == 200
        status, body = world.chat(max_tokens=1_000)
    assert status == 429
    assert b"address:127.0.0.1" in body


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("", "unix", False),
    ],
)
def test_whose_address_it_is(one: str, other: str, same: bool) -> None:
    limits = Limits(requests_per_minute=60)
    assert (of_address(one, limits).name == of_address(other, limits).name) is same
