"""`tramite prices`: newer ones are fetched, held against ours, and used; what is no such thing changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.world import call, configured
from tramite.providers.prices.lookup import shipped

KNOWN = {
    "openai": "gpt-4o-mini",
    "anthropic": "claude-sonnet-4-6",
    "google": "gemini-2.5-flash",
    "mistral": "mistral-small-latest",
}


def upstream(dollars: float = 0.5, models: int | None = None) -> list[dict[str, Any]]:
    """What genai-prices publishes, in its form: the well-known models, and as many others as one may expect."""
    others = shipped().count() // 2 if models is None else models
    found: list[dict[str, Any]] = [
        {"id": provider, "models": [model(name, dollars)]} for provider, name in KNOWN.items()
    ]
    found[0]["models"] += [model(f"other-{number}", 1) for number in range(others)]
    return found


def model(name: str, dollars: float) -> dict[str, Any]:
    prices = {"input_mtok": dollars, "output_mtok": {"base": 2, "tiers": [{"start": 200_000, "price": 3}]}}
    return {"id": name, "match": {"equals": name}, "context_window": 128_000, "prices": prices}


@contextmanager
def published(body: bytes, status: int = 200, location: str = "") -> Iterator[str]:
    """An address on this machine where this is found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("location", location)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/data.json"
        finally:
            server.shutdown()
            thread.join()


def kept() -> Path:
    return Path(os.environ["TRAMITE_HOME"]) / "cache" / "prices.json"


def told() -> dict[str, Any]:
    return dict(json.loads(call("prices", "--json").stdout))


def test_newer_prices_are_used_at_once_and_what_changed_is_told() -> None:
    with published(json.dumps(upstream()).encode()) as address, configured("http://127.0.0.1:9", "openai/gpt-4o-mini"):
        before = told()
        done = call("prices", "update", "--from", address)
        again = call("prices", "update", "--from", address)
        [row] = [
            line.split("\t")
            for line in call("models", "--prices", "openai").stdout.splitlines()
            if line.startswith("openai/gpt-4o-mini\t")
        ]
    assert (done.exit_code, done.stdout) == (0, "")
    assert "openai/gpt-4o-mini: input 0.15 → 0.50, output 0.60 → 2.00 (3.00 over 200,000), cached" in done.stderr
    assert "nothing has changed for openai/gpt-4o-mini" in again.stderr
    assert row[1:5] == ["0.50", "2.00 (3.00 over 200,000)", "as input", "128,000"]
    after = told()
    assert (before["file"], after["file"]) == (None, str(kept()))
    assert after["models"] == len(KNOWN) + shipped().count() // 2
    assert after["source"] == "genai-prices by way of 127.0.0.1"
    assert after["date"] >= before["date"] == shipped().date
    assert after["age_days"] >= 0
    assert [file.name for file in kept().parent.iterdir()] == ["prices.json"]


def test_a_price_of_the_users_own_stays() -> None:
    own = '[models."openai/gpt-4o-mini"]\ninput_per_million = 7\noutput_per_million = 8\n'
    Path("data.json").write_text(json.dumps(upstream()))
    with configured("http://127.0.0.1:9", "openai/gpt-4o-mini", more=own):
        done = call("prices", "update", "--from", "data.json")
        rows = json.loads(call("models", "--prices", "openai", "--json").stdout)
    assert "nothing has changed for openai/gpt-4o-mini" in done.stderr
    [row] = [row for row in rows if row["name"] == "openai/gpt-4o-mini"]
    assert (row["input_per_million"], row["source"]) == (7, "tramite.toml")


def with_regex(expression: str) -> list[dict[str, Any]]:
    found = upstream()
    found[1]["models"][0]["match"] = {"or": [{"equals": KNOWN["anthropic"]}, {"regex": expression}]}
    return found


BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": (b"<html>", "not JSON"),
    "another form": ({"providers": []}, "form of genai-prices"),
    "models of another form": ([{"id": "openai", "models": [{"name": "x"}]}], "form of genai-prices"),
    "nothing": ([], "fewer than half"),
    "few models": (upstream(models=3), "fewer than half"),
    "a free well-known model": (upstream(dollars=0), "no price for openai/gpt-4o-mini"),
    "another unit": (upstream(dollars=500), "100 times off"),
    "a price below nothing": ([*upstream(), {"id": "groq", "models": [model("x", -1)]}], "groq/x has a price below 0"),
    "a broken expression": (with_regex("("), "no proper regular expression"),
    "a price that is no number": (upstream(dollars="cheap"), "form of genai-prices"),  # type: ignore[arg-type]  # so it is
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_look_like_prices_changes_nothing(what: str) -> None:
    content, why = BROKEN[what]
    kept().parent.mkdir(parents=True)
    kept().write_bytes(b"as it was")
    with published(content if isinstance(content, bytes) else json.dumps(content).encode()) as address:
        done = call("prices", "update", "--from", address)
    assert (done.exit_code, done.stdout) == (1, "")
    assert why in done.stderr
    assert f"the prices stay those of {shipped().source}, {shipped().date}" in done.stderr
    assert "Traceback" not in done.stderr
    assert kept().read_bytes() == b"as it was"


def test_an_address_without_prices_is_told_with_what_it_answered() -> None:
    with published(b"", 404) as missing, published(b"", 302, "https://example.org/new.json") as moved:
        gone = call("prices", "update", "--from", missing)
        elsewhere = call("prices", "update", "--from", moved)
    nobody = call("prices", "update", "--from", "http://127.0.0.1:9/data.json")
    assert (gone.exit_code, elsewhere.exit_code, nobody.exit_code) == (1, 1, 1)
    assert "status 404" in gone.stderr
    assert "name that address instead, https://example.org/new.json" in elsewhere.stderr
    assert "127.0.0.1:9" in nobody.stderr
    assert not kept().exists()


@pytest.mark.parametrize(
    "place", ["http://example.org/data.json", "ftp://example.org/data.json", "no-such-file.json", "."]
)
def test_a_place_that_prices_are_not_taken_from_is_refused(place: str) -> None:
    done = call("prices", "update", "--from", place)
    assert done.exit_code == 2
    assert place in done.stderr
    assert not kept().exists()


def test_a_file_that_is_far_too_large_is_refused() -> None:
    with open("data.json", "wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    done = call("prices", "update", "--from", "data.json")
    assert done.exit_code == 2
    assert "larger than" in done.stderr


def test_the_prices_that_came_with_tramite_are_told_as_such() -> None:
    lines = dict(line.split("\t") for line in call("prices").stdout.splitlines())
    assert lines["where"] == "came with tramite"
    assert lines["models"] == f"{shipped().count():,}"
    assert lines["date"].startswith(shipped().date)
