from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.trace import SpanKind, StatusCode

from tests.pipeline.facts import beginning, ending, failed, one_request, outcome
from tramite.errors import BudgetExceeded, MissingExtra, RequestRejected, Throttled
from tramite.pipeline import tracing as module
from tramite.pipeline.tracing import Tracing


class World:
    """A tracing of its own, and what it has said."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.tracing = Tracing(self.provider, self.meters)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.provider.shutdown()
    made.meters.shutdown()


def said(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}


def is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def test_a_request_is_a_client_span_with_what_the_conventions_want(world: World) -> None:
    begun = beginning(server="api.openai.com:443", stream=True)
    world.tracing.attempt_begins(begun)
    world.tracing.attempt_ended(ending(begun, model="gpt-4o-mini-2024-07-18", first_token_s=0.25))
    world.tracing.request_ended(outcome(begun))
    span = world.spans()["chat gpt-4o-mini"]
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert dict(said(span)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "server.address": "api.openai.com",
        "server.port": 443,
        "tramite.cost_nanousd": 27_000,
        "tramite.route": "fast",
    }


def test_each_try_is_a_child_of_its_request_and_that_of_the_caller_s_span(world: World) -> None:
    tracer = world.provider.get_tracer("application")
    with tracer.start_as_current_span("caller"):
        first = beginning(call_id="one")
        world.tracing.attempt_begins(first)
    world.tracing.attempt_ended(failed(first, Throttled("no", status=429), status=429))
    second = beginning(call_id="one", number=2, provider="azure", model="mine")
    world.tracing.attempt_begins(second)
    world.tracing.attempt_ended(ending(second))
    world.tracing.request_ended(outcome(second))
    spans = world.spans()
    request = spans["chat mine"]
    assert is_child(request, spans["caller"])
    assert is_child(spans["try openai/gpt-4o-mini"], request)
    assert is_child(spans["try azure/mine"], request)
    broken = spans["try openai/gpt-4o-mini"]
    assert said(broken)["error.type"] == "Throttled"
    assert said(broken)["http.response.status_code"] == 429
    assert broken.status.status_code is StatusCode.ERROR
    assert said(request)["gen_ai.provider.name"] == "azure.ai.openai"
    assert request.status.status_code is StatusCode.UNSET


def test_operations_and_tokens_are_found_on_one_span_only(world: World) -> None:
    one_request(world.tracing)
    for name, span in world.spans().items():
        whole = name.startswith("chat")
        assert ("gen_ai.operation.name" in said(span)) is whole
        assert ("gen_ai.usage.input_tokens" in said(span)) is whole


def test_the_wait_before_the_first_try_is_in_the_request_s_span(world: World) -> None:
    begun = beginning(since_s=2.0)
    world.tracing.attempt_begins(begun)
    world.tracing.request_ended(outcome(begun))
    spans = world.spans()
    began = {name: span.start_time or 0 for name, span in spans.items()}
    assert began["try openai/gpt-4o-mini"] - began["chat gpt-4o-mini"] == 2_000_000_000


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [
        ("api.openai.com", "api.openai.com", None),
        ("127.0.0.1:9100", "127.0.0.1", 9100),
        ("[::1]:9100", "[::1]", 9100),
        ("me:secret@proxy.example:8443", "proxy.example", 8443),
    ],
)
def test_the_server_is_told_without_a_password(world: World, server: str, address: str, port: int | None) -> None:
    begun = beginning(server=server)
    world.tracing.attempt_begins(begun)
    world.tracing.request_ended(outcome(begun))
    for span in world.spans().values():
        assert said(span)["server.address"] == address
        assert said(span).get("server.port") == port


def test_an_error_says_its_class_and_nothing_that_its_message_may_repeat(world: World) -> None:
    begun = beginning()
    error = RequestRejected("I will not answer: my dear diary", status=400, body="my dear diary")
    world.tracing.attempt_begins(begun)
    world.tracing.attempt_ended(failed(begun, error, status=400))
    world.tracing.request_ended(outcome(begun, error=error, usage=None, cost_nanousd=None))
    for span in world.spans().values():
        assert said(span)["error.type"] == "RequestRejected"
        assert "diary" not in span.to_json()


def test_a_request_that_came_to_no_try_has_a_span_too(world: World) -> None:
    refused = outcome(beginning(), target="", error=BudgetExceeded("no"), usage=None, cost_nanousd=None)
    world.tracing.request_ended(refused)
    span = world.spans()["chat fast"]
    assert said(span)["error.type"] == "BudgetExceeded"
    assert (span.end_time or 0) - (span.start_time or 0) >= 0.6e9


def test_an_answer_of_the_cache_costs_no_tokens(world: World) -> None:
    world.tracing.request_ended(outcome(beginning(), cached=True, cost_nanousd=0))
    span = world.spans()["chat gpt-4o-mini"]
    assert said(span)["tramite.cached"] is True
    assert "gen_ai.usage.input_tokens" not in said(span)
    assert "gen_ai.client.token.usage" not in world.points()


def test_who_leaves_makes_no_error_and_leaves_no_span_open(world: World) -> None:
    begun = beginning()
    world.tracing.attempt_begins(begun)
    world.tracing.request_ended(outcome(begun, left=True, usage=None))
    assert repr(world.tracing) == "<Tracing: 0 requests under way>"
    for span in world.spans().values():
        assert said(span)["tramite.left"] is True
        assert span.status.status_code is StatusCode.UNSET


def test_the_metrics_are_those_of_the_conventions(world: World) -> None:
    begun = beginning(stream=True, kind="embedding", provider="gemini")
    world.tracing.attempt_begins(begun)
    world.tracing.attempt_ended(ending(begun, first_token_s=0.25))
    world.tracing.request_ended(outcome(begun, error=Throttled("no")))
    points = world.points()
    (duration,) = points["gen_ai.client.operation.duration"]
    assert (duration.sum, duration.explicit_bounds[0]) == (0.6, 0.01)
    assert dict(duration.attributes) == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gpt-4o-mini",
        "error.type": "Throttled",
    }
    (first,) = points["gen_ai.client.operation.time_to_first_chunk"]
    assert first.sum == 0.25
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in points["gen_ai.client.token.usage"]}
    assert tokens == {"input": 100, "output": 20}


def test_the_names_are_those_of_the_conventions_package(world: World) -> None:
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    known |= {value for name, value in vars(gen_ai_metrics).items() if name.startswith("GEN_AI_")}
    begun = beginning(stream=True)
    world.tracing.attempt_begins(begun)
    world.tracing.attempt_ended(ending(begun, first_token_s=0.25, model="x"))
    world.tracing.request_ended(outcome(begun))
    used = set(world.points())
    for span in world.spans().values():
        used |= {name for name in said(span) if name.startswith("gen_ai.")}
    assert used <= known
    values = {member.value for member in gen_ai_attributes.GenAiProviderNameValues}
    assert set(module.PROVIDERS.values()) <= values
    operations = {member.value for member in gen_ai_attributes.GenAiOperationNameValues}
    assert set(module.OPERATIONS.values()) <= operations


def test_requests_that_cross_do_not_mix(world: World) -> None:
    one, other = beginning(model="one"), beginning(model="other")
    world.tracing.attempt_begins(one)
    world.tracing.attempt_begins(other)
    world.tracing.attempt_ended(ending(one))
    world.tracing.request_ended(outcome(one))
    world.tracing.attempt_ended(ending(other))
    world.tracing.request_ended(outcome(other))
    spans = world.spans()
    for model in ("one", "other"):
        assert is_child(spans[f"try openai/{model}"], spans[f"chat {model}"])


def test_an_application_without_opentelemetry_has_no_tracing_and_imports_nothing_for_it() -> None:
    check = """
import sys
from tramite.pipeline.tracing import if_configured
assert if_configured() is None
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
import opentelemetry.trace, opentelemetry.metrics
assert if_configured() is None
from opentelemetry.sdk.trace import TracerProvider
opentelemetry.trace.set_tracer_provider(TracerProvider())
assert if_configured() is not None
"""
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_it_works_where_nothing_is_configured() -> None:
    tracing = Tracing()
    one_request(tracing)
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert repr(tracing) == "<Tracing: 0 requests under way>"


def test_without_opentelemetry_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tramite\[otel\]'"):
        Tracing()
