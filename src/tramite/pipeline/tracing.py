"""Tells OpenTelemetry of requests: spans and metrics by its GenAI conventions. Never what was asked or answered.

Names are those of the semantic conventions 1.41, which the package opentelemetry-semantic-conventions has to this day
(opentelemetry.io/docs/specs/semconv/gen-ai). The conventions are still in development.
"""

from __future__ import annotations

import sys
from time import time_ns
from typing import TYPE_CHECKING, TypeAlias

from tramite.calls import Kind
from tramite.errors import MissingExtra, TramiteError
from tramite.replies import Usage

from .observing import Beginning, Ending, Outcome

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Span, TracerProvider

Attributes: TypeAlias = dict[str, str | int | float | bool | list[str]]

OPERATIONS: dict[Kind, str] = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings"}
"""The conventions' words for kinds; a kind that they have no word for keeps its own."""
PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "openai-responses": "openai",
    "xai": "x_ai",
}
"""The conventions' words for providers, where they are not ours."""
DURATIONS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
_USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}


class Tracing:
    """An observer that makes one span of a request, with a span for each try in it, and records the client's metrics.

    A request's span is a child of whatever span was current when it began. Without providers, those that the
    application has configured are used (`opentelemetry.trace.set_tracer_provider` …). Raises MissingExtra.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            raise MissingExtra("traces need OpenTelemetry: pip install 'tramite[otel]'") from None
        self._trace = trace
        self._tracer = trace.get_tracer("tramite", tracer_provider=tracer_provider)
        meter = metrics.get_meter("tramite", meter_provider=meter_provider)

        def histogram(name: str, unit: str, what: str, bounds: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(
                f"gen_ai.client.{name}", unit, what, explicit_bucket_boundaries_advisory=bounds
            )

        first = "Time to receive the first chunk of a stream."
        self._tokens = histogram("token.usage", "{token}", "Number of input and output tokens used.", TOKENS)
        self._duration = histogram("operation.duration", "s", "GenAI operation duration.", DURATIONS_S)
        self._first_chunk = histogram("operation.time_to_first_chunk", "s", first, DURATIONS_S)
        self._open: dict[str, _Request] = {}

    def __repr__(self) -> str:
        return f"<Tracing: {len(self._open)} requests under way>"

    def attempt_begins(self, beginning: Beginning) -> None:
        """See `Observer`. The first of a request is told where the caller's span is the current one."""
        at_ns = int(beginning.at * 1e9)
        facts = _facts(beginning.kind, beginning.provider, beginning.model, beginning.server)
        request = self._open.get(beginning.call_id)
        if request is None:
            request = self._begin(facts, at_ns - int(beginning.since_s * 1e9))
            self._open[beginning.call_id] = request
            if beginning.route:
                request.span.set_attribute("tramite.route", beginning.route)
        request.facts = facts
        # No operation's name: whoever adds up operations and their tokens must find each once.
        about = {name: value for name, value in facts.items() if name != "gen_ai.operation.name"}
        request.tries[beginning.attempt_id] = self._tracer.start_span(
            f"try {beginning.target}",
            request.context,
            self._trace.SpanKind.CLIENT,
            {**about, "http.request.resend_count": beginning.number - 1},
            start_time=at_ns,
        )

    def attempt_ended(self, ending: Ending) -> None:
        """See `Observer`."""
        begun = ending.beginning
        request = self._open.get(begun.call_id)
        if request is None or (span := request.tries.pop(begun.attempt_id, None)) is None:
            return
        if ending.status is not None:
            span.set_attribute("http.response.status_code", ending.status)
        self._end(span, ending.error, ending.left)
        if ending.error is None:
            request.answered = _answered(ending)
            if begun.stream and ending.first_token_s is not None:
                self._first_chunk.record(ending.first_token_s, request.facts)

    def request_ended(self, outcome: Outcome) -> None:
        """See `Observer`."""
        request = self._open.pop(outcome.call_id, None)
        if request is None:  # no try was made: it was refused, or answered by the cache
            provider, _, model = outcome.target.partition("/")
            facts = _facts(outcome.kind, provider, model or outcome.asked or "", "")
            request = self._begin(facts, time_ns() - int(outcome.total_s * 1e9))
        for span in request.tries.values():
            self._end(span, outcome.error, outcome.left)
        span, facts = request.span, request.facts
        span.update_name(_name(facts))
        span.set_attributes({**facts, **request.answered, **_ended(outcome)})
        self._end(span, outcome.error, outcome.left)
        failure = {} if outcome.error is None else {"error.type": type(outcome.error).__name__}
        self._duration.record(outcome.total_s, {**facts, **failure})
        if outcome.usage is not None and not outcome.cached:
            if outcome.usage.input_tokens is not None:
                self._tokens.record(outcome.usage.input_tokens, {**facts, "gen_ai.token.type": "input"})
            if outcome.usage.output_tokens is not None:
                self._tokens.record(outcome.usage.output_tokens, {**facts, "gen_ai.token.type": "output"})

    def _begin(self, facts: Attributes, at_ns: int) -> _Request:
        span = self._tracer.start_span(_name(facts), None, self._trace.SpanKind.CLIENT, facts, start_time=at_ns)
        return _Request(span, self._trace.set_span_in_context(span), facts)

    def _end(self, span: Span, error: TramiteError | None, left: bool) -> None:
        """An error's class and no more: its message may repeat what was asked."""
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(self._trace.StatusCode.ERROR)
        elif left:
            span.set_attribute("tramite.left", True)
        span.end()


def if_configured() -> Tracing | None:
    """Tracing, if this program has set up OpenTelemetry. Imports nothing, so that others pay nothing for it."""
    trace, metrics = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.metrics")
    providers = [trace and trace.get_tracer_provider(), metrics and metrics.get_meter_provider()]
    # a proxy stands in for what nobody has set yet
    if any(provider and "Proxy" not in type(provider).__name__ for provider in providers):
        return Tracing()
    return None


class _Request:
    """A request under way: its span, those of its tries, and what is known of its answer."""

    __slots__ = ("answered", "context", "facts", "span", "tries")

    def __init__(self, span: Span, context: Context, facts: Attributes) -> None:
        self.span = span
        self.context = context
        self.facts = facts
        self.tries: dict[str, Span] = {}
        self.answered: Attributes = {}


def _facts(kind: Kind, provider: str, model: str, server: str) -> Attributes:
    """What spans and metrics say alike: what is done, and by whom."""
    facts: Attributes = {"gen_ai.operation.name": OPERATIONS.get(kind, kind)}
    if provider:
        facts["gen_ai.provider.name"] = PROVIDERS.get(provider, provider)
    if model:
        facts["gen_ai.request.model"] = model
    if server:
        place = server.rpartition("@")[2]  # before it would be a user and a password
        host, _, port = place.rpartition(":")
        if host and port.isdigit():
            facts["server.address"], facts["server.port"] = host, int(port)
        else:
            facts["server.address"] = place
    return facts


def _name(facts: Attributes) -> str:
    return f"{facts['gen_ai.operation.name']} {facts.get('gen_ai.request.model', '')}".rstrip()


def _answered(ending: Ending) -> Attributes:
    """What the try that brought the answer tells of it."""
    about: Attributes = {}
    if ending.model:
        about["gen_ai.response.model"] = ending.model
    if ending.finish is not None:
        about["gen_ai.response.finish_reasons"] = [ending.finish]
    if ending.first_token_s is not None:
        about["gen_ai.response.time_to_first_chunk"] = ending.first_token_s
    return about


def _ended(outcome: Outcome) -> Attributes:
    about: Attributes = _tokens(outcome.usage) if outcome.usage is not None and not outcome.cached else {}
    if outcome.stream:
        about["gen_ai.request.stream"] = True
    if outcome.cached:
        about["tramite.cached"] = True
    if outcome.cost_nanousd is not None:
        about["tramite.cost_nanousd"] = outcome.cost_nanousd
    return about


def _tokens(usage: Usage) -> Attributes:
    counts = {attribute: getattr(usage, field) for field, attribute in _USAGE.items()}
    return {attribute: count for attribute, count in counts.items() if count is not None}
