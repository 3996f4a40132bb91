"""`tramite complete` and `tramite embed`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.world import call, configured, provider


def test_a_completion_streams_and_takes_the_prompt_to_the_letter() -> None:
    with provider():
        done = call("complete", "Q: x\nA:", "-o", "max_tokens=2")
    assert done.stdout == "token-1 token-2"
    with configured("http://127.0.0.1:9/v1"):
        dry = call("complete", "--dry-run", "--suffix", "end", "--echo", stdin="  begun \n")
    body = json.loads(dry.stdout)["body"]
    assert (body["prompt"], body["suffix"], body["echo"]) == ("  begun \n", "end", True)


def test_a_completion_by_chat_says_so() -> None:
    with provider():
        done = call("complete", "Q: x", "--via", "chat", "-o", "max_tokens=2")
    assert done.stdout == "token-1 token-2"
    assert "one user message" in done.stderr


def test_vectors_as_json_with_their_texts() -> None:
    with provider():
        done = call("embed", "one", "two", "-m", "sim/ok")
    told = json.loads(done.stdout)
    assert told["texts"] == ["one", "two"]
    assert len(told["vectors"]) == 2
    assert told["target"] == "sim/ok"


def test_vectors_as_csv_from_the_lines_of_a_file_and_of_stdin() -> None:
    Path("titles.txt").write_text("one\n\ntwo, three\n")
    with provider():
        done = call("embed", "zero", "-f", "titles.txt", "-", "--format", "csv", "-m", "sim/ok", stdin="four\n")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert [row[0] for row in rows] == ["text", "zero", "one", "two, three", "four"]
    assert len({len(row) for row in rows}) == 1
    assert "1 empty line" in done.stderr


def test_vectors_in_an_npz_file_are_those_of_the_reply() -> None:
    numpy = pytest.importorskip("numpy")
    with provider():
        done = call("embed", "one", "two", "-o", "vectors.npz", "-m", "sim/ok")
        told = json.loads(call("embed", "one", "two", "-m", "sim/ok").stdout)
    assert done.stdout == ""
    with numpy.load("vectors.npz") as found:
        assert list(found["texts"]) == ["one", "two"]
        assert numpy.allclose(found["vectors"], told["vectors"])
    assert sorted(file.name for file in Path().glob("*vectors*")) == ["vectors.npz"]


def test_similarity_tells_of_each_pair_how_near_it_is() -> None:
    with provider():
        done = call("embed", "--similarity", "a cat", "a cat", "dogs", "--json", "-m", "sim/ok")
        lines = call("embed", "--similarity", "a cat", "dogs", "-m", "sim/ok").stdout
    pairs = json.loads(done.stdout)
    assert [(pair["a"], pair["b"]) for pair in pairs] == [("a cat", "a cat"), ("a cat", "dogs"), ("a cat", "dogs")]
    assert pairs[0]["cosine"] == pytest.approx(1)
    assert pairs[0]["euclidean"] == pytest.approx(0)
    assert lines.startswith("a cat\tdogs\t0.0000\t0.0000\t1.4142")


def test_an_embedding_model_has_to_be_named() -> None:
    with provider() as simulator:
        done = call("embed", "one")
        assert simulator.stats().requests == 0
    assert "-m openai/text-embedding-3-small" in done.stderr
