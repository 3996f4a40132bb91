"""Counts requests for Prometheus. Keeps the number of its series bounded, and knows no server that would show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tramite.calls import Kind
from tramite.errors import MissingExtra, TramiteError
from tramite.replies import Usage

from .observing import Beginning, Ending, Outcome

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter

MOST_MODELS = 500
"""Models that are told apart, provider by provider; what is asked for beyond them is counted as `other`."""
_LABELS = ("provider", "model", "kind")
_WHOLE_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)
_FIRST_TOKEN_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 25, 60)
_WAITED_S = (0.01, 0.05, 0.25, 1, 5, 15, 30, 60, 300)


class Metrics:
    """An observer that counts for Prometheus, in a registry of its own unless it is given one.

    Labels are `provider`, `model`, `kind` (chat, embedding …) and, where something has ended, `outcome`: `ok`,
    `cached`, `left` (its caller left), or the error's class. Raises MissingExtra.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.families = _Families(registry)
        self.registry = self.families.registry
        self._series: dict[tuple[str, str, Kind], _Series] = {}
        self._models: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<Metrics: {len(self._models)} models>"

    def text(self) -> bytes:
        """All of it in Prometheus's text format (`text/plain; version=0.0.4`)."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

    def attempt_begins(self, beginning: Beginning) -> None:
        """See `Observer`."""
        series = self._of(beginning.provider, beginning.model, beginning.kind)
        series.in_flight.inc()
        if beginning.number > 1:
            series.retries.inc()

    def attempt_ended(self, ending: Ending) -> None:
        """See `Observer`."""
        begun = ending.beginning
        series = self._of(begun.provider, begun.model, begun.kind)
        series.in_flight.dec()
        series.attempt(_outcome(ending.error, ending.left)).inc()
        if ending.waited_s > 0:
            series.waited.observe(ending.waited_s)
        if ending.first_token_s is not None:
            series.first_token.observe(ending.first_token_s)
        if ending.usage is not None:
            series.count(ending.usage)
        if ending.cost_nanousd is not None:
            series.cost.inc(ending.cost_nanousd / 1e9)
        elif ending.error is None or ending.maybe_billed:
            series.unpriced.inc()

    def request_ended(self, outcome: Outcome) -> None:
        """See `Observer`."""
        provider, _, model = outcome.target.partition("/")
        series = self._of(provider, model, outcome.kind)
        series.request("cached" if outcome.cached else _outcome(outcome.error, outcome.left)).inc()
        series.seconds.observe(outcome.total_s)

    def _of(self, provider: str, model: str, kind: Kind) -> _Series:
        series = self._series.get((provider, model, kind))
        if series is None:
            labels = (provider, self._told_apart(provider, model), kind)
            series = self._series.get(labels) or _Series(self.families, labels)
            self._series[labels] = series
        return series

    def _told_apart(self, provider: str, model: str) -> str:
        if (provider, model) not in self._models:
            if len(self._models) >= MOST_MODELS:
                return "other"
            self._models.add((provider, model))
        return model


def _outcome(error: TramiteError | None, left: bool) -> str:
    if error is not None:
        return type(error).__name__
    return "left" if left else "ok"


class _Families:
    """The metrics, each with all its series."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError:
            raise MissingExtra("metrics need prometheus-client: pip install 'tramite[gateway]'") from None
        self.registry = registry or CollectorRegistry()

        def counter(name: str, what: str, *more: str) -> Counter:
            return Counter(f"tramite_{name}", what, (*_LABELS, *more), registry=self.registry)

        def seconds(name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"tramite_{name}_seconds", what, _LABELS, registry=self.registry, buckets=buckets)

        self.requests = counter("requests", "Requests that have ended, all their tries included.", "outcome")
        self.attempts = counter("attempts", "Tries that have ended.", "outcome")
        self.retries = counter("retries", "Tries after the first of a request.")
        self.tokens = counter("tokens", "Tokens: cached and cache_write are in input, reasoning in output.", "type")
        self.cost = counter("cost_dollars", "What tries have cost, where the price is known.")
        self.unpriced = counter("unpriced_attempts", "Tries that may be on a bill at a price that is not known.")
        self.seconds = seconds("request", "From the call to the end of its answer.", _WHOLE_S)
        self.first_token = seconds("first_token", "From the try to its first visible token.", _FIRST_TOKEN_S)
        self.waited = seconds("waited", "Waits before a try: for a limit, or after a failure.", _WAITED_S)
        self.in_flight = Gauge(
            "tramite_in_flight",
            "Tries that are under way.",
            _LABELS,
            registry=self.registry,
            multiprocess_mode="livesum",
        )


class _Series:
    """The series of one model. Finding one by its labels takes longer than counting, so each is found once."""

    def __init__(self, families: _Families, labels: tuple[str, str, str]) -> None:
        self.retries = families.retries.labels(*labels)
        self.cost = families.cost.labels(*labels)
        self.unpriced = families.unpriced.labels(*labels)
        self.seconds = families.seconds.labels(*labels)
        self.first_token = families.first_token.labels(*labels)
        self.waited = families.waited.labels(*labels)
        self.in_flight = families.in_flight.labels(*labels)
        self._families = families
        self._labels = labels
        self._attempts: dict[str, Counter] = {}
        self._requests: dict[str, Counter] = {}
        self._tokens: dict[str, Counter] = {}

    def attempt(self, outcome: str) -> Counter:
        """Tries that ended so."""
        return self._attempts.get(outcome) or self._find(self._attempts, self._families.attempts, outcome)

    def request(self, outcome: str) -> Counter:
        """Requests that ended so."""
        return self._requests.get(outcome) or self._find(self._requests, self._families.requests, outcome)

    def count(self, usage: Usage) -> None:
        """Add these tokens."""
        if usage.input_tokens:
            self._token("input").inc(usage.input_tokens)
        if usage.output_tokens:
            self._token("output").inc(usage.output_tokens)
        if usage.cached_tokens:
            self._token("cached").inc(usage.cached_tokens)
        if usage.cache_write_tokens:
            self._token("cache_write").inc(usage.cache_write_tokens)
        if usage.reasoning_tokens:
            self._token("reasoning").inc(usage.reasoning_tokens)

    def _token(self, type: str) -> Counter:
        return self._tokens.get(type) or self._find(self._tokens, self._families.tokens, type)

    def _find(self, known: dict[str, Counter], family: Counter, label: str) -> Counter:
        found = known[label] = family.labels(*self._labels, label)
        return found
