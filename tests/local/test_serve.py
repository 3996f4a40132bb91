"""Our client against `transformers serve`: a real server of the OpenAI dialect that nobody here wrote."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local import tiny
from tests.providers.local.hub import COMMIT
from tramite import AsyncClient, Client
from tramite.config import Config, load
from tramite.errors import RequestRejected

STARTS_WITHIN_S = 120
pytestmark = pytest.mark.timeout(STARTS_WITHIN_S + 60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's address, and the folder of the model that it has: `tiny/llama`, in a cache like the hub's."""
    home = tmp_path_factory.mktemp("serve")
    repository = home / "hub" / "models--tiny--llama"
    folder = tiny.llama(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = str(Path(sys.executable).with_name("transformers"))
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [script, "serve", "tiny/llama", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            env=os.environ | {"HF_HUB_CACHE": str(home / "hub"), "HF_HUB_OFFLINE": "1", "HOME": str(home)},
            stdout=log,
            stderr=log,
        )
    try:
        _wait(server, f"127.0.0.1:{port}", home / "log")
        yield f"http://127.0.0.1:{port}/v1", folder
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Until it listens: a real program's start, which no clock of ours can hasten."""
    host, _, port = address.partition(":")
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-3000:]}")


def config(base_url: str) -> Config:
    file = Path("serve.toml")
    file.write_text(f'[providers.serve]\nbase_url = "{base_url}"\n')
    return load(file)


async def test_it_says_whole_and_streamed_what_the_model_says_in_this_process(served: tuple[str, Path]) -> None:
    url, folder = served
    async with AsyncClient(config(url)) as llm:
        here = await llm.chat("Ciao", model=f"local/{folder}", max_tokens=12)
        whole = await llm.chat("Ciao", model="serve/tiny/llama", max_tokens=12)
        async with llm.stream("Ciao", model="serve/tiny/llama", max_tokens=12) as stream:
            pieces = [piece async for piece in stream.text]
    assert whole.text == here.text
    assert (whole.finish, whole.usage.input_tokens, whole.usage.output_tokens) == ("length", 20, 12)
    assert here.usage == whole.usage
    assert "".join(pieces) == stream.reply.text
    assert here.text.startswith(stream.reply.text)  # its streams leave out a character that the limit cuts
    assert len(pieces) > 4
    assert stream.reply.finish == "length"
    assert stream.reply.usage == whole.usage


async def test_it_completes_and_lists(served: tuple[str, Path]) -> None:
    url, folder = served
    async with AsyncClient(config(url)) as llm:
        here = await llm.complete("The quick", model=f"local/{folder}", max_tokens=8)
        there = await llm.complete("The quick", model="serve/tiny/llama", max_tokens=8)
        listed = await llm.models("serve")
    assert there.text == here.text
    assert [model.id for model in listed] == ["tiny/llama"]


def test_the_synchronous_client_talks_with_it_too(served: tuple[str, Path]) -> None:
    url, _ = served
    with Client(config(url)) as llm:
        assert llm.chat("Ciao", model="serve/tiny/llama", max_tokens=3).usage.output_tokens == 3


async def test_its_errors_are_told_in_its_words(served: tuple[str, Path]) -> None:
    url, _ = served
    async with AsyncClient(config(url)) as llm:
        with pytest.raises(RequestRejected, match="pinned to 'tiny/llama'") as caught:
            await llm.chat("Ciao", model="serve/tiny/unknown", max_tokens=3)
    assert caught.value.status == 400
