"""What people write as the terms of a key, and what is made of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.world import NOON_NS
from tramite.config import Budget, Cap, Limits
from tramite.errors import InvalidCall
from tramite.store.key_terms import Written, moment, read, write
from tramite.store.keys import Terms

LIMITS = {"requests_per_second": 5.0, "requests_per_minute": 600.0, "tokens_per_minute": 1e5, "concurrency": 4}


def test_terms_are_read_as_they_are_written() -> None:
    written = Written(
        models=("fast", "azure/*"),
        addresses=("10.0.0.0/8", "::1"),
        limits=LIMITS,
        budget=("50/month", "$2/day"),
        expires="90d",
    )
    assert read(written, NOON_NS) == Terms(
        models=("fast", "azure/*"),
        addresses=("10.0.0.0/8", "::1/128"),
        limits=Limits(requests_per_second=5, requests_per_minute=600, tokens_per_minute=100_000, concurrency=4),
        budget=Budget(limit=(Cap(50 * 10**9, "month"), Cap(2 * 10**9, "day"))),
        expires_ns=NOON_NS + 90 * 86_400 * 10**9,
    )


def test_nothing_written_is_nothing_restricted() -> None:
    assert read(Written(), NOON_NS) == Terms()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("models", ("a b",)),
        ("models", ("",)),
        ("models", ("a?",)),
        ("models", ("[ab]",)),
        ("models", ("*a*b*c*d*",)),
        ("models", ("x" * 201,)),
        ("models", ("m",) * 65),
        ("addresses", ("10.0.0.1/8",)),
        ("addresses", ("example.org",)),
        ("budget", ("50",)),
        ("budget", ("50/year",)),
        ("max_output_tokens", 5),
        ("limits", {"requests_per_year": 5.0}),
        ("expires", "yesterday"),
        ("expires", "0d"),
        ("expires", "2020-01-01"),
    ],
)
def test_what_is_not_understood_is_refused_and_the_field_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidCall) as refused:
        read(Written(**{field: value}), NOON_NS)
    assert refused.value.field == field


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 1.5, True])
def test_a_limit_is_what_the_configuration_takes(value: Any) -> None:
    with pytest.raises(InvalidCall) as refused:
        read(Written(limits={"concurrency": value}), NOON_NS)
    assert refused.value.field == "concurrency"


@pytest.mark.parametrize(("text", "at"), [("2027-06-30", "2027-06-30T00:00:00Z"), ("99999w", "2262-01-01T00:00:00Z")])
def test_an_expiry_is_a_moment_that_a_database_can_keep(text: str, at: str) -> None:
    assert moment(read(Written(expires=text), NOON_NS).expires_ns) == at


def _cap(nanousd: int, per: Any) -> Cap:
    return Cap(nanousd, per)


TERMS = st.builds(
    Terms,
    models=st.lists(
        st.from_regex(r"[a-z0-9*/._-]{1,20}", fullmatch=True).filter(lambda m: m.count("*") < 5), unique=True
    ).map(tuple),
    addresses=st.lists(st.ip_addresses().map(lambda ip: f"{ip}/{ip.max_prefixlen}"), unique=True).map(tuple),
    limits=st.none()
    | st.builds(Limits, requests_per_day=st.integers(1, 10**9).map(float), concurrency=st.integers(1, 100)),
    budget=st.none()
    | st.builds(
        Budget,
        limit=st.lists(
            st.builds(_cap, st.integers(1, 10**15), st.sampled_from(["hour", "day", "month", "total"])), min_size=1
        ).map(tuple),
        max_output_tokens=st.integers(1, 10**6),
    ),
    expires_ns=st.none() | st.integers(NOON_NS // 10**9 + 1, 9 * 10**9).map(lambda seconds: seconds * 10**9),
)


@given(TERMS)
def test_terms_survive_being_written_and_read(terms: Terms) -> None:
    assert read(write(terms), NOON_NS) == terms


@given(st.text(max_size=300), st.sampled_from(["models", "addresses", "budget", "expires"]))
def test_no_text_breaks_the_reader(text: str, field: str) -> None:
    value: Any = text if field == "expires" else (text,)
    with suppress(InvalidCall):
        read(Written(**{field: value}), NOON_NS)
