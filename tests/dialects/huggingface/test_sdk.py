"""The official client takes the simulator for Hugging Face: its router's paths, and a container's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from huggingface_hub import AsyncInferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError, OverloadedError, ValidationError

from tramite.simulator import Simulator

PROMPT = "Q: chi?\nA:"


@pytest.fixture(autouse=True)
def _asks_nobody_who_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its first request it would fetch a list of programs that may run it; a list that it has is not fetched."""
    known = tmp_path / "harnesses.json"
    known.write_text('{"standardEnvVars": [], "harnesses": {}}')
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(known))


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator.running(key="hf_right") as running:
        yield running


def client(simulator: Simulator, model: str, token: str = "hf_right") -> AsyncInferenceClient:
    """Of a model of the router's; of a container, where `model` is empty."""
    path = f"/hf-inference/models/{model}" if model else ""
    return AsyncInferenceClient(model=simulator.url + path, token=token)


@pytest.mark.parametrize("model", ["ok,tokens=2", ""])
async def test_text_generation_with_details(simulator: Simulator, model: str) -> None:
    async with client(simulator, model) as hub:
        output = await hub.text_generation(PROMPT, details=True, max_new_tokens=2, do_sample=False)
    assert output.generated_text == "token-1 token-2"
    assert output.details is not None
    assert output.details.finish_reason == ("eos_token" if model else "length")
    assert output.details.generated_tokens == 2


async def test_text_generation_without_details_is_a_string(simulator: Simulator) -> None:
    async with client(simulator, "ok,tokens=2") as hub:
        assert await hub.text_generation(PROMPT) == "token-1 token-2"
        assert await hub.text_generation(PROMPT, return_full_text=True) == PROMPT + "token-1 token-2"


async def test_a_stream_of_tokens_and_one_with_details(simulator: Simulator) -> None:
    async with client(simulator, "ok,tokens=3") as hub:
        said = [text async for text in await hub.text_generation(PROMPT, stream=True)]
        frames = [frame async for frame in await hub.text_generation(PROMPT, stream=True, details=True)]
    assert "".join(said) == "token-1 token-2 token-3"
    assert [frame.index for frame in frames] == [1, 2, 3, 4]
    assert frames[-1].generated_text == "token-1 token-2 token-3"
    assert frames[-1].token.special
    assert frames[-1].details is not None
    assert (frames[-1].details.finish_reason, frames[-1].details.generated_tokens) == ("eos_token", 3)
    assert frames[-1].details.input_length > 0
    assert all(frame.generated_text is None for frame in frames[:-1])


async def test_probabilities(simulator: Simulator) -> None:
    async with client(simulator, "ok,tokens=2") as hub:
        output = await hub.text_generation(PROMPT, details=True, top_n_tokens=2)
    assert output.details is not None
    assert [token.text for token in output.details.tokens] == ["token-1", " token-2"]
    assert output.details.top_tokens is not None
    assert [len(top) for top in output.details.top_tokens] == [2, 2]


async def test_chat_and_its_stream(simulator: Simulator) -> None:
    messages = [{"role": "user", "content": "Ciao"}]
    async with client(simulator, "ok,tokens=2") as hub:
        reply = await hub.chat_completion(messages)
        chunks = [chunk async for chunk in await hub.chat_completion(messages, stream=True)]
    assert reply.choices[0].message.content == "token-1 token-2"
    assert reply.choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "token-1 token-2"


async def test_feature_extraction(simulator: Simulator) -> None:
    async with client(simulator, "ok/pipeline/feature-extraction") as hub:
        several = await hub.feature_extraction(["Eventi in montagna", "Ciao"], normalize=True, truncate=True)
        one = await hub.feature_extraction("Ciao")
    assert several.shape == (2, 64)
    assert one.shape == (1, 64)
    assert (one[0] == several[1]).all()


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("503:loading=20", HfHubHTTPError, "503"),
        ("429", HfHubHTTPError, "429"),
        ("500", HfHubHTTPError, "500"),
        ("auth", HfHubHTTPError, "401"),
        ("notfound", HfHubHTTPError, "404"),
        ("quota", HfHubHTTPError, "429"),
        ("context", ValidationError, "maximum context length"),
    ],
)
async def test_failures_are_told_in_its_classes(
    simulator: Simulator, model: str, error: type[Exception], words: str
) -> None:
    async with client(simulator, model) as hub:
        with pytest.raises(error, match=words) as caught:
            await hub.text_generation(PROMPT)
    assert isinstance(caught.value, error)


async def test_a_failure_in_mid_stream_is_told(simulator: Simulator) -> None:
    async with client(simulator, "error@2") as hub:
        stream = await hub.text_generation(PROMPT, stream=True)
        said = [await anext(stream), await anext(stream)]
        with pytest.raises(OverloadedError, match="had an error"):
            await anext(stream)
    assert said == ["token-1", " token-2"]


async def test_a_wrong_token_is_refused(simulator: Simulator) -> None:
    async with client(simulator, "ok", token="hf_wrong") as hub:
        with pytest.raises(HfHubHTTPError, match="401"):
            await hub.text_generation(PROMPT)
