"""Our own client and the simulator, with this dialect between them: cold starts, prompts, faults, over sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.world import QUICK, words
from tests.wire.loopback import Exchange, Loopback, serving
from tramite import AsyncClient, BadReply, Loading, Reply, Retry, TramiteError
from tramite.config import Config, load
from tramite.simulator import Engine, InProcess, Options, Simulator, fast_forward

PROMPT = "Q: chi sei?\nA:"
TWO = "token-1 token-2"


def config(base_url: str = "http://127.0.0.1:9", more: str = "") -> Config:
    """The catalogue's own row, at another address."""
    Path("world.toml").write_text(f'[providers.huggingface]\nbase_url = "{base_url}"\napi_key = "hf_right"\n{more}')
    return load("world.toml")


def world(retry: Retry = QUICK, more: str = "", **options: Any) -> tuple[AsyncClient, InProcess]:
    provider = InProcess(Engine(Options(key="hf_right", **options)))
    return AsyncClient(config(more=more), retry=retry, transport=provider), provider


def root(provider: Loopback) -> str:
    """Where a loopback server begins."""
    return provider.url.removesuffix("/v1/x")


async def complete(llm: AsyncClient, model: str, stream: bool, prompt: str = PROMPT, **settings: Any) -> Reply:
    settings["model"] = f"huggingface/{model}"
    if not stream:
        return await llm.complete(prompt, **settings)
    async with llm.stream_complete(prompt, **settings) as streamed:
        async for _ in streamed:
            pass
    return streamed.reply


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_over_a_socket(stream: bool) -> None:
    async with Simulator.running(key="hf_right") as simulator, AsyncClient(config(simulator.url)) as llm:
        reply = await complete(llm, "tokens=3", stream, max_tokens=3, temperature=0)
    assert (reply.text, reply.finish, reply.target) == (words(3), "stop", "huggingface/tokens=3")
    assert reply.usage.output_tokens == 3
    assert reply.usage.input_tokens
    assert reply.notices == ()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("prompt", [PROMPT, "C'era una volta 😀\n\n", "token"])
async def test_a_repeated_prompt_never_comes_back_unless_asked_for(stream: bool, prompt: str) -> None:
    async with Simulator.running(key="hf_right") as simulator, AsyncClient(config(simulator.url)) as llm:
        quiet = await complete(llm, "repeat-prompt,tokens=2", stream, prompt)
        plain = await complete(llm, "tokens=2", stream, "Q: ")
        loud = [
            await complete(llm, model, stream, prompt, echo=True) for model in ("tokens=2", "repeat-prompt,tokens=2")
        ]
    assert quiet.text == TWO
    assert plain.text == TWO
    assert [reply.text for reply in loud] == [prompt + TWO] * 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_goes_to_the_router_under_its_whole_name(stream: bool) -> None:
    model = "org/model:together"
    async with (
        Simulator.running(key="hf_right", models=(model,), tokens=2) as simulator,
        AsyncClient(config(simulator.url)) as llm,
    ):
        if stream:
            async with llm.stream("Ciao", model=f"huggingface/{model}") as streamed:
                text = "".join([piece async for piece in streamed.text])
        else:
            text = (await llm.chat("Ciao", model=f"huggingface/{model}")).text
        assert simulator.log()[0].model == model
    assert text == TWO


async def test_models_and_embeddings_of_the_router() -> None:
    async with Simulator.running(key="hf_right") as simulator, AsyncClient(config(simulator.url)) as llm:
        assert "ok" in [info.id for info in await llm.models("huggingface")]
        texts = [f"testo {number}" for number in range(70)]
        reply = await llm.embed(texts, model="huggingface/ok")
        assert simulator.stats().requests == 4  # the list, and 32 + 32 + 6 texts
    assert (len(reply), len(reply.vectors[0])) == (70, 64)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cold_start_is_waited_for_over_a_socket_without_counting_tries(stream: bool) -> None:
    async with (
        Simulator.running(key="hf_right") as simulator,
        AsyncClient(config(simulator.url), retry=Retry(attempts=1)) as llm,
    ):
        reply = await complete(llm, "503:loading=10ms:times=3,tokens=2", stream)
    assert reply.text == TWO
    assert [attempt.status for attempt in reply.attempts] == [503, 503, 503, 200]
    assert "ModelLoading" in reply.attempts[0].error


def test_a_long_cold_start_is_told_on_the_stream() -> None:
    async def main() -> tuple[str, list[Loading]]:
        llm, _ = world(Retry(attempts=1), cold_start_s=100.0)
        stream = llm.stream_complete(PROMPT, model="huggingface/tokens=2")
        loading = [event async for event in stream if isinstance(event, Loading)]
        return stream.reply.text, loading

    text, loading = fast_forward(main())
    assert text == TWO
    assert [round(event.estimated_s or 0) for event in loading] == [100, 70, 40, 10]


# fault, error of a whole reply and how often it was tried, error of a stream, tries, the text that it keeps
FAILS: list[tuple[str, str, int, str, int, str | None]] = [
    ("429", "Throttled", 6, "Throttled", 6, ""),
    ("500", "Overloaded", 3, "Overloaded", 3, ""),
    ("cut@2", "ConnectionBroken", 3, "IncompleteStream", 1, TWO),
    ("cut@0", "ConnectionBroken", 3, "IncompleteStream", 3, ""),
    ("malformed@2", "BadReply", 3, "BadReply", 1, TWO),
    ("malformed@0", "BadReply", 3, "BadReply", 3, ""),
    ("badutf8@2", "BadReply", 3, "Reply", 1, None),  # in a frame, the byte is in a part that nobody reads
    ("error@2", "Overloaded", 3, "Overloaded", 1, TWO),
    ("error@0", "Overloaded", 3, "Overloaded", 3, ""),
    ("no-done", "", 1, "IncompleteStream", 1, words(4)),
    ("html", "BadReply", 3, "BadReply", 3, ""),
    ("empty", "BadReply", 3, "BadReply", 3, ""),
    ("context", "ContextTooLong", 1, "ContextTooLong", 1, ""),
    ("filter", "ContentFiltered", 1, "ContentFiltered", 1, ""),
    ("quota", "QuotaExhausted", 1, "QuotaExhausted", 1, ""),
    ("auth", "AuthenticationFailed", 1, "AuthenticationFailed", 1, ""),
    ("notfound", "ModelNotFound", 1, "ModelNotFound", 1, ""),
]


async def ask(model: str, stream: bool) -> tuple[Reply | TramiteError, int]:
    llm, provider = world()
    settings: dict[str, Any] = {"model": f"huggingface/{model},tokens=4", "stall_s": 20, "deadline_s": 300}
    try:
        if not stream:
            return await llm.complete(PROMPT, **settings), provider.stats().requests
        async with llm.stream_complete(PROMPT, **settings, first_token_s=10) as streamed:
            async for _ in streamed:
                pass
        return streamed.reply, provider.stats().requests
    except TramiteError as error:
        return error, provider.stats().requests


@pytest.mark.parametrize(("model", "whole", "tries", "_stream", "_tries", "_partial"), FAILS)
def test_a_whole_reply_that_fails_says_how(
    model: str, whole: str, tries: int, _stream: Any, _tries: Any, _partial: Any
) -> None:
    got, asked = fast_forward(ask(model, stream=False))
    assert (type(got).__name__, asked) == (whole or "Reply", tries)


@pytest.mark.parametrize(("model", "_whole", "_tries", "stream", "tries", "partial"), FAILS)
def test_a_stream_that_fails_says_how_and_keeps_its_text(
    model: str, _whole: Any, _tries: Any, stream: str, tries: int, partial: str | None
) -> None:
    got, asked = fast_forward(ask(model, stream=True))
    assert (type(got).__name__, asked) == (stream, tries)
    assert getattr(got, "partial", None) == partial


def own(url: str, more: str = "") -> Config:
    """A dedicated endpoint."""
    Path("own.toml").write_text(f'[providers.mine]\ndialect = "huggingface"\nbase_url = "{url}"\n{more}')
    return load("own.toml")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_dedicated_endpoint_is_asked_below_its_address(stream: bool) -> None:
    async with Simulator.running(tokens=2) as simulator, AsyncClient(own(simulator.url)) as llm:
        streamed = llm.stream_complete(PROMPT, model="mine/")
        text = (
            "".join([piece async for piece in streamed.text])
            if stream
            else (await llm.complete(PROMPT, model="mine/")).text
        )
        chat = await llm.chat("Ciao", model="mine/ok")
        vectors = await llm.embed(["uno", "due"], model="mine/", truncate=True)
        assert [entry.kind for entry in simulator.log()] == ["completion", "chat", "embedding"]
    assert text == chat.text == TWO
    assert len(vectors) == 2
    assert "cut by the server" in vectors.notices[0]


async def test_an_endpoint_that_wakes_up_is_waited_for_whatever_it_says() -> None:
    answers = [b"<html>503</html>", b"", b'[{"generated_text":" sono io"}]']

    async def wake(exchange: Exchange) -> None:
        body = answers[len(provider.requests) - 1]
        status = "200 OK" if body.startswith(b"[") else ("503 No", "502 No")[len(provider.requests) % 2]
        await exchange.reply(body, status, content_type="application/json", retry_after="0.01")

    settings = "cold_starts = true\nscale_up_timeout_s = 600\n"
    async with (
        serving(wake) as provider,
        AsyncClient(own(root(provider), settings), retry=Retry(attempts=1)) as llm,
    ):
        reply = await llm.complete(PROMPT, model="mine/")
    assert reply.text == " sono io"
    assert [attempt.status for attempt in reply.attempts] == [502, 503, 200]
    assert "the endpoint is waking up" in reply.attempts[0].error
    assert provider.requests[0].headers["x-scale-up-timeout"] == "600"
    assert provider.requests[0].target == "/generate"


A, B, MEAN = [1.0, 2.0], [3.0, 5.0], [2.0, 3.5]


@pytest.mark.parametrize(
    ("payload", "texts", "pooled", "expected"),
    [
        (A, 1, False, [A]),
        ([A, B], 2, False, [A, B]),
        ([[A], [B]], 2, False, [A, B]),
        ([[A, B]], 1, True, [MEAN]),
        ([[[A, B]], [[B]]], 2, True, [MEAN, B]),
        ([[A, B]], 1, False, None),
        ([[[A, B]], [[B, A]]], 2, False, None),
    ],
)
async def test_embeddings_of_any_depth(payload: Any, texts: int, pooled: bool, expected: Any) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(json.dumps(payload).encode(), content_type="application/json")

    async with serving(answer) as provider, AsyncClient(config(root(provider)), retry=QUICK) as llm:
        extra = {"pooling": "mean"} if pooled else {}
        asked = llm.embed(["x"] * texts, model="huggingface/org/model", extra=extra)
        if expected is None:
            with pytest.raises(BadReply, match="a vector for each token"):
                await asked
        else:
            assert (await asked).vectors == expected
    (request,) = provider.requests  # a model that gives token vectors will do so again
    assert request.target == "/hf-inference/models/org/model/pipeline/feature-extraction"
    assert json.loads(request.body) == {"inputs": ["x"] * texts}


async def test_who_pays_is_said_with_every_request() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(b'[{"generated_text":"x"}]', content_type="application/json")

    async with serving(answer) as provider, AsyncClient(config(root(provider), 'bill_to = "my-org"\n')) as llm:
        await llm.complete(PROMPT, model="huggingface/gpt2")
    (request,) = provider.requests
    assert request.headers["x-hf-bill-to"] == "my-org"
    assert request.headers["authorization"] == "Bearer hf_right"
    assert "x-scale-up-timeout" not in request.headers
