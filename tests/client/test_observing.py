"""Hooks, metrics and traces as a client has them."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.client.world import QUICK, config
from tramite import AsyncClient, Client, Hooks, Metrics, Overloaded, Tracing
from tramite.simulator import Engine, InProcess, Options


def provider() -> InProcess:
    return InProcess(Engine(Options()))


async def test_hooks_are_told_of_each_try_and_of_the_reply() -> None:
    told: list[tuple[str, Any]] = []
    hooks = Hooks(
        before_attempt=lambda fact: told.append(("before", fact.target)),
        after_attempt=lambda fact: told.append(("after", type(fact.error).__name__)),
        on_reply=lambda fact: told.append(("reply", len(fact.attempts))),
    )
    async with AsyncClient(config(), retry=QUICK, transport=provider(), hooks=hooks) as llm:
        await llm.chat("ciao")
        with pytest.raises(Overloaded):
            await llm.chat("ciao", model="sim/503")
    tries = [("before", "sim/503"), ("after", "Overloaded")] * 3
    assert told == [("before", "sim/ok"), ("after", "NoneType"), ("reply", 1), *tries]


async def test_a_stream_is_counted_with_its_first_token() -> None:
    metrics = Metrics()
    async with AsyncClient(config(), retry=QUICK, transport=provider(), observers=[metrics]) as llm:
        async with llm.stream("ciao") as stream:
            async for _ in stream:
                pass
        async with llm.stream("ciao", model="sim/stall@5") as left:
            await anext(left.text)
    labels = {"provider": "sim", "kind": "chat"}

    def value(name: str, model: str = "ok", **more: str) -> float | None:
        return metrics.registry.get_sample_value(f"tramite_{name}", {**labels, "model": model, **more})

    assert value("requests_total", outcome="ok") == 1
    assert value("first_token_seconds_count") == 1
    assert value("tokens_total", type="output") == stream.reply.usage.output_tokens
    assert value("requests_total", "stall@5", outcome="left") == 1
    assert value("in_flight", "stall@5") == value("in_flight") == 0


def test_the_span_of_a_call_is_a_child_of_its_caller_s_also_through_the_thread_of_a_client() -> None:
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    with (
        Client(config(), retry=QUICK, transport=provider(), observers=[Tracing(tracers)]) as llm,
        tracers.get_tracer("application").start_as_current_span("caller"),
    ):
        llm.chat("my dear diary")
        with llm.stream("my dear diary") as stream:
            "".join(stream.text)
    spans = exporter.get_finished_spans()
    caller = next(span for span in spans if span.name == "caller")
    requests = [span for span in spans if span.name == "chat ok"]
    assert [span.parent and span.parent.span_id for span in requests] == [caller.context.span_id] * 2
    for span in spans:
        assert "diary" not in span.to_json()
        assert "token-1" not in span.to_json()
    tracers.shutdown()
