"""What several workers have in common: when one is started again, and figures that are put together."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tramite.gateway import logs
from tramite.gateway.metrics import labelled, together
from tramite.gateway.supervising import HEALTHY_S, LONGEST_S, Backoff


def test_a_worker_that_dies_is_started_at_once_and_one_that_keeps_dying_ever_later() -> None:
    backoff = Backoff()
    assert [backoff.wait_s(0.1) for _ in range(4)] == [0.0, 0.5, 1.0, 2.0]
    assert max(backoff.wait_s(0.1) for _ in range(50)) == LONGEST_S
    assert backoff.wait_s(HEALTHY_S) == 0.0


@pytest.mark.parametrize(
    ("line", "with_label"),
    [
        ("up 1\n", 'up{worker="3"} 1\n'),
        ('up{a="b"} 1\n', 'up{worker="3",a="b"} 1\n'),
        ('up{a="{ } \\" b"} 1 1700000000\n', 'up{worker="3",a="{ } \\" b"} 1 1700000000\n'),
    ],
)
def test_a_sample_says_whose_it_is(line: str, with_label: str) -> None:
    assert labelled(line, 3) == with_label


def test_each_family_stands_together_and_once(tmp_path: Path) -> None:
    for worker in range(2):
        one = f"# HELP a_total What it is.\n# TYPE a_total counter\na_total {worker}\n"
        two = f'# HELP b What else.\n# TYPE b gauge\nb{{x="y"}} {worker + 5}\n'
        (tmp_path / str(worker)).write_text(one + two if worker else two + one)
    text = together(tmp_path, 3).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [(sample.labels["worker"], sample.value) for sample in families["a"].samples] == [("0", 0.0), ("1", 1.0)]
    assert [(sample.labels["worker"], sample.value) for sample in families["b"].samples] == [("0", 5.0), ("1", 6.0)]
    assert text.count("# TYPE b gauge") == 1


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    names = ("tramite", "uvicorn")
    before = {name: (logging.getLogger(name).handlers[:], logging.getLogger(name).propagate) for name in names}
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    for name, (handlers, propagate) in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).propagate = propagate


def test_a_log_line_is_json_with_its_facts_and_without_secrets(log: io.StringIO) -> None:
    logging.getLogger("tramite.access").info("one", extra={"facts": {"status": 200, "ms": 1.5}})
    try:
        raise ValueError("api_key=hunter2hunter2")
    except ValueError:
        logging.getLogger("tramite.gateway").exception("two %s", "Bearer hunter2hunter2")
    first, second = map(json.loads, log.getvalue().splitlines())
    assert {"message": "one", "level": "info", "status": 200, "ms": 1.5}.items() <= first.items()
    assert first["time"].endswith("+00:00")
    assert "ValueError" in second["message"]
    assert "hunter2" not in log.getvalue()


def test_uvicorn_logs_errors_alone(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert log.getvalue() == ""
