"""A gateway in a process where OpenTelemetry is set up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODEL = "ok,tokens=60"
PROGRAM = """
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.faults.cases import Case
from tests.gateway.world import gateway

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
{setup}
case = Case(number=0, primary="ok", whole="whole", stream="whole", events="whole")
with gateway(case) as world:
    for stream in (False, True):
        assert world.chat(stream=stream)[0] == 200
print(*sorted(span.name for span in spans.get_finished_spans()), sep="; ")
"""


def spans(setup: str) -> str:
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(setup=setup)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": root, "TRAMITE_HOME": str(Path.cwd()), "PATH": ""},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_requests_are_traced_where_tracing_is_set_up() -> None:
    assert (
        spans("trace.set_tracer_provider(provider)")
        == f"chat {MODEL}; chat {MODEL}; try primary/{MODEL}; try primary/{MODEL}"
    )


def test_and_nowhere_else() -> None:
    assert spans("") == ""
