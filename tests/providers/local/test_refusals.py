"""What local models refuse before anything is loaded, from whoever asks."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from tramite import AsyncClient
from tramite.errors import MissingExtra
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.local import transport
from tramite.wire.seam import Request

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("chat/completions", CHAT | {"n": 2}, "n"),
        ("chat/completions", CHAT | {"logprobs": True}, "logprobs"),
        ("chat/completions", CHAT | {"frequency_penalty": 1}, "frequency_penalty"),
        ("chat/completions", CHAT | {"tools": [TOOL]}, "tools"),
        ("chat/completions", CHAT | {"response_format": {"type": "json_object"}}, "response_format"),
        ("chat/completions", CHAT | {"reasoning_effort": "low"}, "reasoning_effort"),
        ("chat/completions", CHAT | {"min_tokens": 3, "stream": True}, "min_tokens"),
        ("completions", {"model": "m", "prompt": "a", "suffix": "b"}, "suffix"),
        ("embeddings", {"model": "m", "input": "a", "dimensions": 3}, "dimensions"),
        ("embeddings", {"model": "m", "input": "a", "input_type": "query"}, "input_type"),
    ],
)
async def test_a_setting_that_would_be_dropped_is_refused_by_name(
    path: str, body: dict[str, object], named: str
) -> None:
    request = Request(method="POST", url=f"inprocess://local/v1/{path}", body=msgspec.json.encode(body))
    response = await transport(CATALOGUE["local"]).send(request)
    error = msgspec.json.decode(await response.read())["error"]
    assert (response.status, response.headers["x-should-retry"]) == (400, "false")
    assert f"do not support {named}:" in error["message"]


async def test_without_a_model_in_the_request_it_says_how_to_name_one() -> None:
    body = msgspec.json.encode({"messages": CHAT["messages"]})
    request = Request(method="POST", url="inprocess://local/v1/chat/completions", body=body)
    response = await transport(CATALOGUE["local"]).send(request)
    assert response.status == 404
    assert b"no model is named" in await response.read()


async def test_without_pytorch_the_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "transformers", None)
    async with AsyncClient() as llm:
        with pytest.raises(MissingExtra, match=r'pip install "tramite\[local\]"'):
            await llm.chat("a", model=f"local/{tmp_path}")
        with pytest.raises(MissingExtra, match=r'pip install "tramite\[local\]"'):
            await llm.embed("a", model=f"local/{tmp_path}")
