"""Starting and stopping: on a loop, on a thread, as a program; with keys, context windows and ports that are taken."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.simulator.raw import chat, in_process, on_socket
from tramite.errors import ConfigError
from tramite.simulator import Engine, InProcess, Options, Simulator


async def test_a_port_that_is_taken_is_a_clear_error() -> None:
    async with Simulator.running() as simulator:
        port = int(simulator.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port} .*choose another port"):
            async with Simulator.running(port=port):
                pass


async def test_an_option_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="speed"):
        async with Simulator.running(speed=3):
            pass


async def test_many_connections_at_once_are_all_served() -> None:
    async with Simulator.running() as simulator:
        answers = await asyncio.gather(*[on_socket(simulator, chat("ok", stream=True)) for _ in range(200)])
        assert {answer.ending for answer in answers} == {"whole"}
        assert simulator.stats().streams.finished == 200


async def test_a_key_is_asked_for_in_any_of_the_usual_headers() -> None:
    provider = InProcess(Engine(Options(key="sk-right")))
    assert "sk-right" not in repr(provider)
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer sk-wrong"}, 401),
        ({"Authorization": "Bearer sk-right"}, 200),
        ({"api-key": "sk-right"}, 200),
    ):
        assert (await in_process(provider, chat("ok"), headers=headers)).status == status


async def test_input_and_output_must_fit_in_the_context_window() -> None:
    provider = InProcess(Engine(Options(context_tokens=40)))
    assert (await in_process(provider, chat("tokens=1", max_tokens=30))).status == 200
    refused = await in_process(provider, chat("tokens=1", max_tokens=31))
    assert refused.json["error"]["code"] == "context_length_exceeded"
    long = {"model": "ok", "input": ["short", "x" * 200]}
    assert (await in_process(provider, long, "/v1/embeddings")).status == 400


async def test_a_body_may_be_large() -> None:
    body = chat("ok,tokens=1")
    body["messages"][0]["content"] = "x" * 3_000_000
    async with Simulator.running() as simulator:
        assert (await on_socket(simulator, body)).status == 200


def _fetch(url: str, body: object = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data) as response:
        return dict(json.load(response))


def test_synchronous_code_has_it_on_a_thread() -> None:
    with Simulator.in_thread(tokens=2) as simulator:
        reply = _fetch(f"{simulator.base_url}/chat/completions", chat("ok"))
        assert reply["choices"][0]["message"]["content"] == "token-1 token-2"  # type: ignore[index]  # it is JSON
        assert simulator.stats().requests == 1
    assert simulator.stats().open_now == 0


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m tramite.simulator`, ended by force if it does not end by itself."""
    command = [sys.executable, "-m", "tramite.simulator", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_program_prints_its_address_and_ends_quietly_when_interrupted() -> None:
    flags = ("--tokens", "2", "--price-out", "1", "--price-in", "0", "--model", "gpt-4o", "--virtual-clock")
    with program("--port", "0", *flags) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        _fetch(f"{url}/v1/chat/completions", chat("gpt-4o"))
        assert _fetch(f"{url}/sim/stats")["billed_nanousd"] == 2000
        assert _fetch(f"{url}/sim/advance?s=5", {})["now"] == 5
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
        assert (process.returncode, complaints) == (0, "")


async def test_the_program_says_when_its_port_is_taken_or_a_value_cannot_be() -> None:
    async with Simulator.running() as simulator:
        for arguments, words in (
            (("--port", simulator.url.rsplit(":", 1)[1]), "cannot listen"),
            (("--port", "0", "--rpm", "0"), "rpm must be more than 0"),
        ):
            with program(*arguments) as process:
                _, complaints = await asyncio.to_thread(process.communicate, timeout=20)
            assert process.returncode == 2
            assert words in complaints


async def test_azures_paths_are_served_and_name_the_model() -> None:
    provider = InProcess(Engine(Options(models=("my-deployment",))))
    body = {"messages": chat("")["messages"], "max_tokens": 2}
    old = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"
    for deployment, status in (("my-deployment", 200), ("ok%2Ctokens=2", 200), ("other", 404)):
        assert (await in_process(provider, body, old.format(deployment))).status == status
    assert (await in_process(provider, chat("ok"), "/openai/v1/chat/completions")).status == 200
    assert (await in_process(provider, chat("ok"), "/openai/v1/nothing")).status == 404
    async with Simulator.running() as simulator:
        assert (await on_socket(simulator, body, old.format("ok%2Ctokens=2"))).text == "token-1 token-2"


async def test_a_client_that_leaves_while_it_sends_its_body_leaves_no_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Simulator.running() as simulator:
        host, port = simulator.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()
        assert (await on_socket(simulator, chat("ok"))).status == 200
        assert simulator.stats().requests == 1
    assert caplog.text == ""
