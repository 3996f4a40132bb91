from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from prometheus_client import CollectorRegistry

from tests.pipeline.facts import beginning, ending, failed, one_request, outcome
from tramite.errors import ConnectionBroken, MissingExtra, Throttled
from tramite.pipeline import metrics as module
from tramite.pipeline.metrics import Metrics

GPT = {"provider": "openai", "model": "gpt-4o-mini", "kind": "chat"}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"tramite_{name}", GPT | labels)


def test_a_request_is_counted_with_its_tokens_cost_and_times() -> None:
    metrics = Metrics()
    begun = beginning(stream=True)
    metrics.attempt_begins(begun)
    assert value(metrics, "in_flight") == 1
    metrics.attempt_ended(ending(begun, first_token_s=0.3, waited_s=2.0))
    metrics.request_ended(outcome(begun, total_s=3.5))
    assert value(metrics, "in_flight") == 0
    assert value(metrics, "requests_total", outcome="ok") == 1
    assert value(metrics, "attempts_total", outcome="ok") == 1
    tokens = {type: value(metrics, "tokens_total", type=type) for type in ("input", "output", "cached", "reasoning")}
    assert tokens == {"input": 100, "output": 20, "cached": 40, "reasoning": 5}
    assert value(metrics, "cost_dollars_total") == 27e-6
    assert value(metrics, "request_seconds_sum") == 3.5
    assert value(metrics, "first_token_seconds_sum") == 0.3
    assert value(metrics, "waited_seconds_sum") == 2
    assert value(metrics, "retries_total") == 0


def test_a_failed_try_is_counted_by_its_error_and_the_next_as_a_retry() -> None:
    metrics = Metrics()
    first = beginning()
    metrics.attempt_begins(first)
    metrics.attempt_ended(failed(first, Throttled("slow down")))
    one_request(metrics, number=2)
    assert value(metrics, "attempts_total", outcome="Throttled") == 1
    assert value(metrics, "attempts_total", outcome="ok") == 1
    assert value(metrics, "retries_total") == 1
    assert value(metrics, "waited_seconds_count") == 0


def test_who_left_and_what_came_from_the_cache_are_outcomes_of_their_own() -> None:
    metrics = Metrics()
    metrics.request_ended(outcome(beginning(), left=True))
    metrics.request_ended(outcome(beginning(), cached=True))
    metrics.request_ended(outcome(beginning(), error=Throttled("no"), target=""))
    assert value(metrics, "requests_total", outcome="left") == 1
    assert value(metrics, "requests_total", outcome="cached") == 1
    assert value(metrics, "requests_total", outcome="Throttled", provider="", model="") == 1


def test_a_cost_that_is_not_known_is_not_counted_as_nothing() -> None:
    metrics = Metrics()
    metrics.attempt_ended(ending(beginning(), cost_nanousd=None))
    metrics.attempt_ended(failed(beginning(), ConnectionBroken("lost"), maybe_billed=True))
    metrics.attempt_ended(failed(beginning(), Throttled("no")))
    assert value(metrics, "unpriced_attempts_total") == 2


def test_models_beyond_the_most_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MODELS", 2)
    metrics = Metrics()
    for number in range(10):
        one_request(metrics, model=f"model-{number}")
    one_request(metrics, model="model-0")
    assert value(metrics, "requests_total", model="model-0", outcome="ok") == 2
    assert value(metrics, "requests_total", model="other", outcome="ok") == 8
    assert value(metrics, "in_flight", model="other") == 0
    assert b'model="model-9"' not in metrics.text()


def test_a_model_s_name_may_have_slashes() -> None:
    metrics = Metrics()
    one_request(metrics, provider="huggingface", model="org/model")
    labels = {"provider": "huggingface", "model": "org/model", "outcome": "ok"}
    assert value(metrics, "requests_total", **labels) == value(metrics, "attempts_total", **labels) == 1


def test_two_do_not_meet_unless_they_are_given_the_same_registry() -> None:
    one, other = Metrics(), Metrics()
    one_request(one)
    assert value(other, "requests_total", outcome="ok") is None
    registry = CollectorRegistry()
    assert Metrics(registry).registry is registry


def test_it_counts_right_from_several_threads() -> None:
    metrics = Metrics()

    def many() -> None:
        for _ in range(500):
            one_request(metrics)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(metrics, "requests_total", outcome="ok") == 2000


def test_the_text_is_prometheus_s() -> None:
    metrics = Metrics()
    one_request(metrics)
    lines = metrics.text().decode().splitlines()
    assert 'tramite_requests_total{kind="chat",model="gpt-4o-mini",outcome="ok",provider="openai"} 1.0' in lines


def test_without_prometheus_client_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tramite\[gateway\]'"):
        Metrics()


def test_importing_the_module_does_not_import_the_library() -> None:
    check = "import sys, tramite.pipeline.metrics; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
