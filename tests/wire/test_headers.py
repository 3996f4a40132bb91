"""What the headers say about asking again, as providers really send it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.wire.headers import NOTICES, join_notices, notices, request_id, retry_after_s, should_retry

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "2500.5"}, 2.5005),
        ({"retry-after-ms": "1200", "retry-after": "2"}, 1.2),
        ({"retry-after-ms": "0", "retry-after": "1"}, 1.0),  # Azure
        ({"retry-after-ms": "0", "retry-after": "0"}, 0.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "-5", "retry-after": "3"}, 3.0),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-15 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wed Oct 21 07:28:30 2015"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:59 GMT"}, None),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:30 GMT"}, None),
    ],
)
def test_the_wait_that_a_server_asks_for(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, NOW) == expected


@given(st.text(), st.text())
def test_no_text_makes_the_wait_negative_or_raises(seconds: str, millis: str) -> None:
    wait = retry_after_s({"retry-after": seconds, "retry-after-ms": millis}, NOW)
    assert wait is None or 0 <= wait < float("inf")


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("False", False), ("maybe", None), (None, None)])
def test_whether_the_server_wants_a_retry(text: str | None, expected: bool | None) -> None:
    assert should_retry({} if text is None else {"x-should-retry": text}) is expected


def test_the_providers_request_id_goes_before_its_proxys() -> None:
    assert request_id({"cf-ray": "9-MAD", "request-id": "req_1"}) == "req_1"
    assert request_id({"cf-ray": "9-MAD", "x-request-id": ""}) == "9-MAD"
    assert request_id({"x-amzn-requestid": "a", "apim-request-id": "b"}) == "a"
    assert request_id({"server": "x"}) is None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500), max_size=20))
def test_notices_come_through_a_header(said: list[str]) -> None:
    value = join_notices(said)
    assert value.isascii()
    assert value.isprintable()
    assert notices({NOTICES: value}) == tuple(said)


def test_a_server_cannot_drown_its_client_in_notices() -> None:
    told = notices({NOTICES: ",".join(["x" * 5_000] * 500)})
    assert (len(told), len(told[0])) == (20, 500)
    assert notices({}) == ()
