"""`tramite complete` and `tramite embed`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

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


CODE = "def mean(xs):\n    \n    return total / len(xs)\n"


def gap(text: str | bytes, *arguments: str, more: str = "") -> dict[str, Any]:
    """The body that would be sent to fill a gap in a file with this text."""
    Path("mean.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    with configured("http://127.0.0.1:9/v1", more=more):
        done = call("complete", "--file", "mean.py", *arguments, "--dry-run", "-q")
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    body: dict[str, Any] = json.loads(done.stdout)["body"]
    return body


def test_a_gap_in_a_file_is_filled_and_nothing_else_is_printed() -> None:
    Path("mean.py").write_text(CODE)
    with provider():
        done = call("complete", "--file", "mean.py", "--line", "2", "-o", "max_tokens=2")
    assert done.stdout == "token-1 token-2"
    assert Path("mean.py").read_text() == CODE


@pytest.mark.parametrize(
    ("text", "place", "before", "after"),
    [
        (CODE, ("--line", "2"), "def mean(xs):\n    ", "\n    return total / len(xs)\n"),
        (CODE, ("--line", "1", "--column", "5"), "def ", "mean(xs):\n    \n    return total / len(xs)\n"),
        (CODE, ("--line", "1", "--column", "14"), "def mean(xs):", "\n    \n    return total / len(xs)\n"),
        ("a\r\nb\r\n", ("--line", "1"), "a", "\r\nb\r\n"),
        ("\ufeffa\nb", ("--line", "1", "--column", "1"), "", "a\nb"),
        ("a\n", ("--line", "2"), "a\n", None),
    ],
)
def test_the_gap_is_at_a_line_s_end_or_before_a_column(
    text: str, place: tuple[str, ...], before: str, after: str | None
) -> None:
    body = gap(text, *place)
    assert (body["prompt"], body.get("suffix")) == (before, after)


def test_of_a_large_file_whole_lines_near_the_gap_go_along_and_that_is_said() -> None:
    text = "".join(f"line {number:04}\n" for number in range(1, 3001))
    body = gap(text, "--line", "1500")
    assert len(body["prompt"]) <= 8_000 < len(body["prompt"]) + 20
    assert len(body["suffix"]) <= 4_000 < len(body["suffix"]) + 20
    assert body["prompt"].startswith("line ")
    assert body["prompt"].endswith("\nline 1500")
    assert body["suffix"].startswith("\nline 1501\n")
    assert body["suffix"].endswith("\n")
    with configured("http://127.0.0.1:9/v1"):
        said = call("complete", "--file", "mean.py", "--line", "1500", "--dry-run").stderr
    assert f"of mean.py, {len(body['prompt']):,} characters before the gap" in said


def test_a_line_that_is_too_long_is_cut_within() -> None:
    body = gap("x" * 20_000, "--line", "1", "--column", "10001")
    assert (len(body["prompt"]), len(body["suffix"])) == (8_000, 4_000)


def test_where_a_server_knows_no_suffix_the_gap_is_written_out_or_refused_with_what_to_do() -> None:
    more = '[providers.old]\nbase_url = "http://127.0.0.1:9/v1"\nunsupported = ["suffix"]\n'
    body = gap(CODE, "--line", "2", "-m", "old/qwen2.5-coder-7b", more=more)
    assert body["prompt"].startswith("<|fim_prefix|>def mean(xs):\n    <|fim_suffix|>\n")
    with configured("http://127.0.0.1:9/v1", more=more):
        done = call("complete", "--file", "mean.py", "--line", "2", "-m", "old/gpt-neo")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Qwen Coder" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--file", "mean.py", "--line", "5"), "no line 5: the last one is 4"),
        (("--file", "mean.py", "--line", "0"), "no line 0"),
        (("--file", "mean.py", "--line", "1", "--column", "15"), "no column 15"),
        (("--file", "mean.py"), "--line N"),
        (("--file", "none.py", "--line", "1"), "cannot read none.py"),
        (("--file", ".", "--line", "1"), "cannot read ."),
        (("--file", "picture.png", "--line", "1"), "picture.png is not UTF-8 text"),
        (("--file", "zeros.bin", "--line", "1"), "zeros.bin is binary data"),
        (("--file", "empty.py", "--line", "1"), "empty"),
        (("--file", "mean.py", "--line", "1", "--suffix", "x"), "leave out --suffix"),
        (("words", "--file", "mean.py", "--line", "1"), "leave out PROMPT"),
        (("words", "--line", "1"), "--file"),
    ],
)
def test_a_gap_that_is_not_there_is_refused(arguments: tuple[str, ...], words: str) -> None:
    files = {"mean.py": CODE.encode(), "picture.png": b"\x89PNG\r\n", "zeros.bin": b"a\0b", "empty.py": b""}
    for name, content in files.items():
        Path(name).write_bytes(content)
    with configured("http://127.0.0.1:9/v1"):
        done = call("complete", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


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
