"""What headers say of limits: every form that providers send, and the ones that make no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.wire.rate_limits import WINDOWS_S, Reading, go_duration, go_duration_s, read

NOW = 1_700_000_000.0


def openai(limit: str, remaining: str, reset: str, name: str = "requests") -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{name}": limit,
        f"x-ratelimit-remaining-{name}": remaining,
        f"x-ratelimit-reset-{name}": reset,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3s", 3723.0),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("90µs", 0.00009),
        ("90μs", 0.00009),
        ("90us", 0.00009),
        ("7ns", 7e-9),
        ("0s", 0.0),
    ],
)
def test_a_go_duration_is_read(text: str, seconds: float) -> None:
    assert go_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1 s", "1sec", "-1s", "1m30", "٣s", "1s "])
def test_what_is_no_go_duration_is_none(text: str) -> None:
    assert go_duration_s(text) is None


@given(st.floats(0, 100_000))
def test_what_is_written_can_be_read(seconds: float) -> None:
    assert go_duration_s(go_duration(seconds)) == pytest.approx(seconds, abs=0.00101)


def test_openai_s_headers_tell_requests_tokens_and_a_project_s_tokens() -> None:
    headers = (
        openai("5000", "4999", "12ms")
        | openai("160000", "159976", "9ms", "tokens")
        | openai("60000", "57000", "3s", "project-tokens")
        | openai("9", "9", "1s", "tokens_usage_based")
    )
    found = read(headers, NOW)
    assert [(r.name, r.limit, r.remaining, r.window_s, r.steady, r.tokens) for r in found] == [
        ("requests", 5000, 4999, 60, True, False),
        ("tokens", 160_000, 159_976, 60, True, True),
        ("project-tokens", 60_000, 57_000, 60, True, True),
    ]
    assert found[0].source == "x-ratelimit-limit-requests"
    assert not any(reading.refunds for reading in found)


@pytest.mark.parametrize(
    ("limit", "remaining", "reset", "window_s"),
    [
        ("10000", "9999", "8.64s", 86_400),
        ("200", "100", "12h0m0s", 86_400),
        ("1000", "500", "30m0s", 3600),
        ("60", "30", "500ms", 1),
        ("60", "58", "1.01s", 60),  # whole numbers: half of what is used may be rounding
        ("3000", "2998", "26ms", 60),  # too little to tell
        ("150000", "149984", "6m0s", 60),  # the guide's own sample would be 39 days
        ("60", "60", "0s", 60),
    ],
)
def test_the_reset_tells_a_minute_s_limit_from_a_day_s(limit: str, remaining: str, reset: str, window_s: float) -> None:
    (reading,) = read(openai(limit, remaining, reset), NOW)
    assert reading.window_s == window_s


@pytest.mark.parametrize(("reset", "window_s"), [("10", 60), ("60", 60), ("300", 3600), ("4000", 86_400), ("", 60)])
def test_azure_s_plain_seconds_are_the_end_of_a_fixed_window(reset: str, window_s: float) -> None:
    (reading,) = read(openai("300", "299", reset), NOW)
    assert (reading.steady, reading.window_s) == (False, window_s)


@pytest.mark.parametrize("limit", ["-1", "0", "", "many", "nan", "inf", "1e300", "1_000"])
def test_a_limit_that_makes_no_sense_is_as_if_it_were_not_there(limit: str) -> None:
    assert read(openai(limit, "-1", "0"), NOW) == ()


def test_what_is_left_may_be_unknown() -> None:
    (reading,) = read(openai("300", "-1", "soon"), NOW)
    assert (reading.remaining, reading.reset_s) == (None, None)


def test_anthropic_s_resets_are_dates_by_the_clock_that_wrote_date() -> None:
    headers = {
        "date": "Thu, 21 Aug 2025 12:40:30 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2025-08-21T12:40:31Z",
        "anthropic-ratelimit-tokens-limit": "80000",
        "anthropic-ratelimit-tokens-remaining": "20000",
        "anthropic-ratelimit-tokens-reset": "2025-08-21T12:41:15Z",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "40000",
        "anthropic-ratelimit-input-tokens-reset": "2025-08-21T12:40:30Z",
    }
    requests, tokens = read(headers, NOW)
    assert (requests.limit, requests.remaining, requests.reset_s, requests.window_s) == (50, 49, 1, 60)
    assert (tokens.name, tokens.remaining, tokens.reset_s, tokens.window_s, tokens.refunds) == (
        "tokens",
        20_000,
        45,
        60,
        True,
    )
    alone = {name: value for name, value in headers.items() if "-tokens" not in name or "input" in name}
    assert [reading.name for reading in read(alone, NOW)] == ["requests", "input-tokens"]


@pytest.mark.parametrize("reset", ["yesterday", "", "2025-13-01T00:00:00Z", "9999-12-31T23:59:59+00:00"])
def test_a_date_that_makes_no_sense_does_no_harm(reset: str) -> None:
    headers = {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-reset": reset}
    (reading,) = read(headers | {"date": "no date"}, NOW)
    assert (reading.limit, reading.window_s) == (50, 60)


def test_the_ietf_s_headers_name_quota_window_and_what_is_left() -> None:
    headers = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}
    assert read(headers, NOW) == (
        Reading(name="requests", limit=500, window_s=300, remaining=0, reset_s=55, source="ratelimit-policy"),
    )
    (bare,) = read({"ratelimit-policy": '"api" ; q=500 ; w=300'}, NOW)
    assert (bare.limit, bare.remaining) == (500, None)


def test_several_policies_are_several_limits() -> None:
    policies = '"burst";q=10;w=1, "daily";q=5000;w=86400'
    found = read({"ratelimit": '"daily";r=7;t=100, "burst";r=1;t=1', "ratelimit-policy": policies}, NOW)
    assert [(r.name, r.limit, r.window_s, r.remaining) for r in found] == [
        ("requests", 10, 1, 1),
        ("requests daily", 5000, 86_400, 7),
    ]


@pytest.mark.parametrize(("reset", "left_s"), [("34", 34), (str(int(NOW) + 34), 34), (str(int(NOW) - 5), 0)])
def test_any_other_server_s_reset_is_seconds_or_a_moment(reset: str, left_s: float) -> None:
    for prefix in ("x-ratelimit", "ratelimit"):
        headers = {f"{prefix}-limit": "10", f"{prefix}-remaining": "3", f"{prefix}-reset": reset}
        (reading,) = read(headers, NOW)
        assert (reading.name, reading.limit, reading.remaining, reading.reset_s) == ("requests", 10, 3, left_s)


def test_headers_that_say_nothing_of_limits_say_nothing() -> None:
    assert read({"content-type": "application/json", "retry-after": "3"}, NOW) == ()


anything = st.text(st.characters(codec="latin-1"), max_size=30) | st.sampled_from(
    ["1", "0", "9ms", "1e400", '"a";q=1;w=1']
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *openai("", "", ""),
                *openai("", "", "", "tokens"),
                "anthropic-ratelimit-tokens-limit",
                "anthropic-ratelimit-tokens-reset",
                "date",
                "ratelimit",
                "ratelimit-policy",
                "x-ratelimit-limit",
                "x-ratelimit-reset",
            ]
        ),
        anything,
    )
)
def test_no_header_breaks_it_and_what_it_says_is_possible(headers: dict[str, str]) -> None:
    for reading in read(headers, NOW):
        assert reading.limit > 0
        assert reading.window_s > 0
        assert reading.window_s in WINDOWS_S or reading.source == "ratelimit-policy"
        assert reading.remaining is None or 0 <= reading.remaining <= reading.limit
        assert reading.reset_s is None or reading.reset_s >= 0
