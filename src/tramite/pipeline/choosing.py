"""In which order a request's targets are asked. Decides only: draws are given, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from tramite.config import Route
from tramite.replies import Usage

from .endpoint import Endpoint, Scopes

_TYPICAL = Usage(input_tokens=1_000_000, output_tokens=250_000)
"""By what two prices are compared: four tokens read for each one written."""


def in_order(route: Route, endpoints: Sequence[Endpoint], draw: Callable[[], float]) -> list[Endpoint]:
    """The endpoints as the route would have them asked. `draw` gives numbers from 0 up to 1."""
    if route.choose == "weighted":
        return _drawn(route.weights, endpoints, draw)
    if route.choose == "cheapest":
        return sorted(endpoints, key=_price)
    if route.choose == "fastest":
        return sorted(endpoints, key=_speed)
    return list(endpoints)


def best(endpoints: Sequence[Endpoint], now: float, closed_s: Callable[[Scopes], float]) -> Endpoint:
    """The first that neither rests after failures nor waits for a throttle to end; else the one that is ready soonest.

    `closed_s` says how long a throttle keeps an endpoint's buckets closed.
    """
    soonest, soonest_s = endpoints[0], inf
    for endpoint in endpoints:
        wait_s = max(endpoint.standing.rest_s(now), closed_s(endpoint.scopes))
        if not wait_s:
            return endpoint
        if wait_s < soonest_s:
            soonest, soonest_s = endpoint, wait_s
    return soonest


def larger(endpoints: Sequence[Endpoint], than: Endpoint) -> list[Endpoint]:
    """Those that are known to have a larger context window."""
    return [endpoint for endpoint in endpoints if endpoint.context_tokens > than.context_tokens > 0]


def _drawn(weights: Sequence[float], endpoints: Sequence[Endpoint], draw: Callable[[], float]) -> list[Endpoint]:
    """Each place is drawn among those that are left, so that failures are shared out by weight too."""
    left = list(zip(weights, endpoints, strict=True))
    order = []
    while left:
        mark = draw() * sum(weight for weight, _ in left)
        for position, (weight, _) in enumerate(left):
            mark -= weight
            if mark < 0 or position == len(left) - 1:
                order.append(left.pop(position)[1])
                break
    return order


def _price(endpoint: Endpoint) -> float:
    """An unknown price is taken for the highest."""
    cost = endpoint.cost_nanousd(_TYPICAL)
    return inf if cost is None else cost


def _speed(endpoint: Endpoint) -> float:
    """One that was never asked is taken for the fastest: else nobody would ever know."""
    return endpoint.standing.first_token_s or 0.0
