"""In which order a route's targets are asked."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tramite.config import Route
from tramite.dialects import registry
from tramite.pipeline.choosing import best, in_order, larger
from tramite.pipeline.endpoint import Endpoint, Scopes
from tramite.providers.prices.lookup import given
from tramite.providers.rows import Provider
from tramite.simulator import InProcess

ROW = Provider(name="p", base_url="http://127.0.0.1:9/v1", needs_secret=False)


def endpoint(model: str, dollars: float | None = 1.0, context: int | None = None) -> Endpoint:
    price = None if dollars is None else given(dollars, dollars, context)
    return Endpoint(ROW, model, registry.get("openai"), InProcess(), price)


def names(endpoints: list[Endpoint]) -> str:
    return "".join(one.target.model for one in endpoints)


def route(choose: str, weights: tuple[float, ...] = ()) -> Route:
    return Route(targets=("x",), choose=choose, weights=weights)  # type: ignore[arg-type]  # as from a file


def open_for_all(scopes: Scopes) -> float:
    return 0.0


def test_an_ordered_route_keeps_its_order() -> None:
    assert names(in_order(route("ordered"), [endpoint("b"), endpoint("a")], random.random)) == "ba"


def test_the_cheapest_goes_first_and_an_unknown_price_last() -> None:
    endpoints = [endpoint("u", None), endpoint("d", 9.0), endpoint("c", 0.1), endpoint("f", 0)]
    assert names(in_order(route("cheapest"), endpoints, random.random)) == "fcdu"


def test_the_fastest_goes_first_and_one_that_nobody_has_measured_before_it() -> None:
    slow, fast, new = endpoint("s"), endpoint("f"), endpoint("n")
    slow.standing.began(2.0)
    fast.standing.began(0.2)
    assert names(in_order(route("fastest"), [slow, fast, new], random.random)) == "nfs"


def test_weights_decide_who_is_first_and_everybody_stays_in_the_order() -> None:
    draw = random.Random(7).random
    endpoints = [endpoint("a"), endpoint("b"), endpoint("c")]
    orders = [names(in_order(route("weighted", (6, 3, 1)), endpoints, draw)) for _ in range(5000)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    first = Counter(order[0] for order in orders)
    assert first["a"] / 5000 == pytest.approx(0.6, abs=0.03)
    assert first["c"] / 5000 == pytest.approx(0.1, abs=0.03)


def test_one_that_rests_or_is_throttled_is_passed_over() -> None:
    resting, closed, well = endpoint("r"), endpoint("c"), endpoint("w")
    resting.standing.failed(0.0, 30)
    assert best([resting, well], 1.0, open_for_all) is well
    assert best([closed, well], 1.0, lambda scopes: 5.0 if scopes is closed.scopes else 0.0) in (closed, well)


def test_where_none_is_ready_the_one_that_is_ready_soonest_is_asked() -> None:
    late, soon = endpoint("l"), endpoint("s")
    late.standing.failed(0.0, 60)
    soon.standing.failed(0.0, 30)
    assert best([late, soon], 1.0, open_for_all) is soon


def test_a_larger_window_is_one_that_is_known_to_be_larger() -> None:
    small, large, unknown = endpoint("s", context=8_000), endpoint("l", context=128_000), endpoint("u")
    assert names(larger([large, unknown, small], small)) == "l"
    assert larger([large], unknown) == []
