"""`tramite ask`: what it sends, and what stands on stdout and on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import KEY, call, configured, nobody, provider
from tramite.messages import Image
from tramite.simulator import Simulator

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


def sent(*arguments: str, stdin: str | bytes = "") -> dict[str, Any]:
    """The body that would be sent."""
    with configured("http://127.0.0.1:9/v1"):
        done = call("ask", *arguments, "--dry-run", stdin=stdin)
    assert done.exit_code == 0, done.stderr
    body: dict[str, Any] = json.loads(done.stdout)["body"]
    return body


def words_of(body: dict[str, Any]) -> Any:
    return body["messages"][-1]["content"]


def test_stdout_has_the_text_to_the_letter_and_stderr_the_rest() -> None:
    with provider():
        done = call("ask", "hello", "-o", "max_tokens=3", "-u")
    assert done.stdout == "token-1 token-2 token-3"
    assert "model: sim/ok (default_model" in done.stderr
    assert "usage: " in done.stderr
    assert "3 out" in done.stderr


@pytest.mark.parametrize(
    ("dollars", "told"), [(None, "cost unknown"), (0.2, "$0.000000600"), (2.0, "$0.000006"), (0.0, "· $0 ·")]
)
def test_usage_tells_what_it_cost_and_never_nothing_for_what_cost_something(dollars: float | None, told: str) -> None:
    priced = f'[models."sim/ok"]\ninput_per_million = 0\noutput_per_million = {dollars}\n'
    with provider(more=priced if dollars is not None else ""):
        done = call("ask", "hello", "-o", "max_tokens=3", "-u")
    assert told in done.stderr


def test_quiet_says_nothing_that_need_not_be_known() -> None:
    with provider():
        done = call("ask", "hello", "-q")
    assert done.stderr == ""


def test_a_retry_is_told_with_its_reason_and_its_wait() -> None:
    with provider():
        done = call("ask", "hello", "-m", "sim/503:times=1", "-o", "max_tokens=2")
    assert done.stdout == "token-1 token-2"
    assert "503" in done.stderr
    assert "next in 0.00 s" in done.stderr


def test_a_broken_stream_keeps_what_came_and_ends_as_an_error() -> None:
    with provider():
        done = call("ask", "hello", "-m", "sim/cut@5")
    assert done.exit_code == 5
    assert done.stdout == "token-1 token-2 token-3 token-4 token-5"
    assert "not the whole answer" in done.stderr


def test_json_is_one_object_with_everything_about_the_reply() -> None:
    with provider():
        done = call("ask", "hello", "--json", "-o", "max_tokens=2")
    reply = json.loads(done.stdout)
    assert reply["text"] == "token-1 token-2"
    assert reply["finish"] == "length"
    assert reply["target"] == "sim/ok"
    assert reply["usage"]["output_tokens"] == 2
    assert reply["cost"] is None
    assert reply["attempts"][0]["status"] == 200


def test_jsonl_is_one_event_per_line_and_ends_with_the_reply() -> None:
    with provider():
        done = call("ask", "hello", "--jsonl", "-o", "max_tokens=2")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"] for event in events].count("TextDelta") == 2
    assert events[0]["type"] == "Started"
    assert (events[-1]["type"], events[-1]["text"]) == ("Reply", "token-1 token-2")


def test_jsonl_of_a_broken_stream_ends_with_the_error() -> None:
    with provider():
        done = call("ask", "hello", "--jsonl", "-m", "sim/cut@1")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.exit_code, last["type"], last["error"]) == (5, "Error", "IncompleteStream")


def test_several_choices_are_numbered() -> None:
    with provider():
        done = call("ask", "hello", "-o", "n=2", "-o", "max_tokens=1")
    assert done.stdout.startswith("--- 1 of 2 ---\ntoken-1")
    assert "--- 2 of 2 ---\n" in done.stdout


def test_a_schema_gives_a_validated_object() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    Path("person.json").write_text(json.dumps(schema))
    with provider():
        done = call("ask", "how old?", "--schema", "person.json", "-m", "sim/json")
    assert isinstance(json.loads(done.stdout)["age"], int)


def test_no_stream_gives_the_same_text() -> None:
    with provider() as simulator:
        done = call("ask", "hello", "--no-stream", "-o", "max_tokens=2")
        assert simulator.stats().streams.started == 0
    assert done.stdout == "token-1 token-2"


def test_a_dry_run_shows_the_request_and_sends_nothing() -> None:
    with provider() as simulator:
        done = call("ask", "hello", "-s", "be brief", "-o", "temperature=0.5", "--dry-run")
        assert simulator.stats().requests == 0
    request = json.loads(done.stdout)
    assert request["method"] == "POST"
    assert request["url"] == f"{simulator.base_url}/chat/completions"
    assert request["headers"]["authorization"] == "Bearer ***"
    assert request["body"]["temperature"] == 0.5
    assert [message["role"] for message in request["body"]["messages"]] == ["system", "user"]
    assert KEY not in done.output


def test_a_dry_run_of_demo_sends_nothing_either() -> None:
    with nobody():
        done = call("ask", "hello", "-m", "demo/demo", "--dry-run")
    assert json.loads(done.stdout)["url"] == "inprocess://demo/v1/chat/completions"


def test_settings_arrive_with_their_types() -> None:
    options = {"temperature": "0.2", "max_tokens": "7", "seed": "1", "reasoning_effort": "low"}
    body = sent("hi", *(word for name, value in options.items() for word in ("-o", f"{name}={value}")))
    assert {name: body.get(name) for name in options} == {
        "temperature": 0.2,
        "max_tokens": 7,
        "seed": 1,
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize(
    ("options", "stop"),
    [
        (["stop=END"], ["END"]),
        (["stop=a", "stop=b"], ["a", "b"]),
        (['stop=["x","y"]'], ["x", "y"]),
        (['stop="\\n"'], ["\n"]),
    ],
)
def test_stop_is_text_several_texts_or_json(options: list[str], stop: list[str]) -> None:
    assert sent("hi", *(word for option in options for word in ("-o", option)))["stop"] == stop


def test_what_one_provider_alone_has_goes_as_it_is() -> None:
    assert sent("hi", "--extra", 'routing={"order":["a"]}', "--extra", "top_k=40")["routing"] == {"order": ["a"]}


def test_the_prompt_and_stdin_are_joined_with_a_blank_line() -> None:
    assert words_of(sent("Summarise:", stdin="some text\n")) == "Summarise:\n\nsome text"
    assert words_of(sent("-", stdin="some text\n")) == "some text"
    assert words_of(sent(stdin="\ufeffsome text")) == "some text"
    assert words_of(sent("only this")) == "only this"


def test_a_text_file_goes_along_in_a_block_that_it_cannot_end() -> None:
    Path("notes.md").write_text("```py\nx\n```\n")
    assert words_of(sent("Explain", "-a", "notes.md")) == "Explain\n\nnotes.md:\n````\n```py\nx\n```\n````"


def test_a_picture_goes_along_as_a_part() -> None:
    Path("dot.png").write_bytes(PNG)
    content = words_of(sent("What is it?", "-a", "dot.png", "-a", "https://example.com/b.jpg"))
    assert content[0] == {"type": "text", "text": "What is it?"}
    assert content[1]["image_url"]["url"] == Image(data=PNG).data_url()
    assert content[2]["image_url"]["url"] == "https://example.com/b.jpg"


def test_stdin_can_be_the_picture() -> None:
    assert words_of(sent("What is it?", "-a", "-", stdin=PNG))[1]["type"] == "image_url"


@pytest.mark.parametrize("stdin", [PNG, b"caf\xe9"])
def test_binary_stdin_is_refused_with_what_to_do(stdin: bytes) -> None:
    with configured("http://127.0.0.1:9/v1"):
        done = call("ask", "hi", stdin=stdin)
    assert done.exit_code == 2
    assert "-a -" in done.stderr


def test_what_a_model_answers_with_is_named_where_a_route_leads_elsewhere() -> None:
    with provider(more='[routes.fast]\ntargets = ["sim/503", "sim/ok"]\n'):
        done = call("ask", "hi", "-m", "fast", "-o", "max_tokens=1")
    assert done.stdout == "token-1"
    assert "model: fast (a route to sim/503, sim/ok)" in done.stderr
    assert "sim/ok answers" in done.stderr


def test_a_local_server_that_answers_is_chosen_and_named() -> None:
    with Simulator.in_thread() as simulator, nobody():
        config = Path("nobody.toml")
        lines = config.read_text().replace(
            '[providers."vllm"]\nbase_url = "http://127.0.0.1:9/v1"',
            f'[providers."vllm"]\nbase_url = "{simulator.base_url}"',
        )
        config.write_text(lines)
        done = call("ask", "hi", "-o", "max_tokens=1")
    assert done.stdout == "token-1"
    assert f"model: vllm/ (a server answers at {simulator.base_url})" in done.stderr
    assert "vllm/ok answers" in done.stderr
