"""Model names: what each means, that nothing else is accepted, and that a mistyped name is told what is near."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.simulator import faults as f
from tramite.simulator.grammar import Scenario, UnknownFault, parse


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("ok", (f.Ok(),)),
        ("sim/cut@40", (f.Cut(at=40),)),
        ("cut@40,tokens=60", (f.Cut(at=40), f.Tokens(n=60))),
        ("stall@20:30s", (f.Stall(at=20, for_s=30.0),)),
        ("stall@20", (f.Stall(at=20),)),
        ("429:retry-after=2", (f.Status(status=429, retry_after_s=2.0),)),
        ("429:retry-after=500ms:times=1", (f.Status(status=429, retry_after_s=0.5, times=1),)),
        ("503:loading=2m", (f.Status(status=503, loading_s=120.0),)),
        ("500:should-retry=false", (f.Status(status=500, should_retry=False),)),
        ("slow-first-token:20s", (f.SlowFirstToken(for_s=20.0),)),
        ("flaky:0.05", (f.Flaky(share=0.05),)),
        ("alternate,reset", (f.Alternate(), f.Reset())),
        ("html:502", (f.Html(status=502),)),
        ("json:broken=1", (f.Json(broken=1),)),
        ("filter@10", (f.Filter(at=10),)),
        ("filter", (f.Filter(),)),
        ("repeat-prompt,tokens=2", (f.RepeatPrompt(), f.Tokens(n=2))),
        ("429,500:times=2", (f.Status(status=429), f.Status(status=500, times=2))),
    ],
)
def test_a_name_says_its_faults(name: str, items: tuple[f.Item, ...]) -> None:
    assert parse(name).items == items


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ctu@40", "did you mean cut?"),
        ("sim/stal@3", "did you mean stall"),
        ("gpt-4o", "known are ok, echo"),
        ("", "known are"),
        ("cut", "It is written cut@TOKENS"),
        ("cut@x", "It is written cut@TOKENS"),
        ("cut@-1", ">= 0"),
        ("cut@1:2", "It is written cut@TOKENS"),
        ("stall@3:soon", "[:for=…]"),
        ("429:foo=2", "[:retry-after=…]"),
        ("429:retry-after=1:retry-after=2", "twice"),
        ("200", ">= 400"),
        ("flaky:2", "<= 1"),
        ("cut@40,cut@50", "twice"),
        ("stall@1:-5", ">= 0"),
        ("stall@1:nan", "It is written"),
    ],
)
def test_a_name_that_is_none_is_told_what_is_near(name: str, hint: str) -> None:
    with pytest.raises(UnknownFault) as raised:
        parse(name)
    assert hint in str(raised.value)


def _field(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field, whatever its type; None where it may be left out."""
    by_type: dict[Any, st.SearchStrategy[Any]] = {
        msgspec.inspect.IntType: st.integers(400, 500),
        msgspec.inspect.FloatType: st.floats(0.001, 1).map(lambda value: round(value, 6)),
        msgspec.inspect.BoolType: st.booleans(),
        msgspec.inspect.StrType: st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        msgspec.inspect.NoneType: st.none(),
    }
    if isinstance(kind, msgspec.inspect.UnionType):
        return st.one_of([by_type[type(member)] for member in kind.types])
    return by_type[type(kind)]


def _item(kind: type[f.Item]) -> st.SearchStrategy[f.Item]:
    shape = msgspec.inspect.type_info(kind)
    assert isinstance(shape, msgspec.inspect.StructType)
    return st.builds(kind, **{field.name: _field(field.type) for field in shape.fields})


_ANY_ITEM = st.one_of([_item(kind) for kind in (*f.KNOWN.values(), f.Status)])


@given(st.lists(_ANY_ITEM, min_size=1, max_size=5, unique_by=type))
def test_every_scenario_survives_being_written_and_read(items: list[f.Item]) -> None:
    scenario = Scenario(tuple(items))
    assert parse(str(scenario)) == scenario
    assert parse(f"sim/{scenario}") == scenario


@given(st.text() | st.from_regex(r"[a-z0-9-]+(@[0-9]+)?([:=][a-z0-9=.]*)*"))
def test_any_other_text_is_refused_and_never_crashes(name: str) -> None:
    try:
        written = str(parse(name))
    except UnknownFault as error:
        written = str(error)
    else:
        assert parse(name) == parse(written)
    assert written


def test_times_ends_a_fault_and_the_next_one_takes_over() -> None:
    scenario = parse("429:times=1,500:times=2,tokens=5")
    seen = [scenario.active(number, seed=0).find(f.Status) for number in range(3)]
    assert [status and status.status for status in seen] == [429, 500, None]


def test_alternate_fails_the_second_call_of_each_pair() -> None:
    scenario = parse("alternate")
    failed = [scenario.active(number, seed=0).find(f.Status) is not None for number in range(6)]
    assert failed == [False, True] * 3


def test_alternate_and_flaky_choose_when_the_other_faults_happen() -> None:
    scenario = parse("alternate,cut@3")
    assert scenario.active(0, seed=0).items == ()
    assert scenario.active(1, seed=0).items == (f.Cut(at=3),)


def test_flaky_fails_the_same_requests_for_the_same_seed_and_about_its_share() -> None:
    scenario = parse("flaky:0.05")
    failed = [number for number in range(2000) if scenario.active(number, seed=7).items]
    again = [number for number in range(2000) if scenario.active(number, seed=7).items]
    other = [number for number in range(2000) if scenario.active(number, seed=8).items]
    assert failed == again != other
    assert 60 <= len(failed) <= 140
