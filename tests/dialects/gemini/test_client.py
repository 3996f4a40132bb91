"""Our own client speaks Gemini's dialect, over a real socket: what it asks for, and what it makes of failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.loopback import Exchange, serving
from tramite import AsyncClient, Client, Image, Tool, system, tool_result, user
from tramite import errors as er
from tramite.events import Finished, UsageReported
from tramite.pipeline.retry import Retry
from tramite.simulator import Simulator

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.in_thread(key="right") as running:
        yield running


@pytest.fixture
def llm(simulator: Simulator, tmp_path: Path) -> Iterator[Client]:
    simulator.reset()
    file = tmp_path / "gemini.toml"
    file.write_text(
        f'[providers.near]\ndialect = "gemini"\nbase_url = "{simulator.url}/v1beta"\n'
        'auth = "x-goog-api-key"\napi_key = "right"\n'
    )
    with Client(config=file, retry=Retry(attempts=1)) as client:
        yield client


def test_chat(llm: Client) -> None:
    reply = llm.chat([system("Sei."), user("Ciao", Image(data=PNG))], model="near/ok,tokens=2", temperature=0.5)
    assert (reply.text, reply.finish, reply.notices) == ("token-1 token-2", "stop", ())
    assert reply.usage.output_tokens == 2
    assert reply.target == "near/ok,tokens=2"


def test_stream(llm: Client) -> None:
    with llm.stream("Ciao", model="near/reasoning=2,tokens=3") as stream:
        events = list(stream)
    assert stream.reply.text == "token-1 token-2 token-3"
    assert stream.reply.reasoning == "thought-1 thought-2"
    assert [type(event) for event in events[-2:]] == [Finished, UsageReported]
    assert stream.reply.usage.reasoning_tokens == 2


def test_a_loop_of_tools(llm: Client) -> None:
    def weather(city: str) -> str:
        """Il tempo in una città."""
        return f"sole a {city}"

    reply = llm.chat("Che tempo fa?", model="near/tools", tools=[weather])
    assert reply.text == "The tool answered: sole a text"


def test_embeddings_and_models(llm: Client) -> None:
    reply = llm.embed(["Eventi", "Alpi"], model="near/ok", dimensions=8)
    assert [len(vector) for vector in reply.vectors] == [8, 8]
    assert "echo" in [model.id for model in llm.models("near")]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("429:retry-after=2", er.Throttled),
        ("401", er.AuthenticationFailed),
        ("404", er.ModelNotFound),
        ("context", er.ContextTooLong),
        ("503", er.Overloaded),
        ("malformed@3", er.BadReply),
    ],
)
def test_failures(llm: Client, model: str, kind: type[er.ProviderError]) -> None:
    with pytest.raises(kind):
        llm.chat("Ciao", model=f"near/{model}", max_wait_s=0.1)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("cut@3", er.IncompleteStream),
        ("no-finish", er.IncompleteStream),
        ("error@3", er.Overloaded),
        ("malformed@3", er.BadReply),
    ],
)
def test_a_broken_stream_keeps_its_partial_text(llm: Client, model: str, kind: type[er.ProviderError]) -> None:
    stream = llm.stream("Ciao", model=f"near/{model}")
    with pytest.raises(kind) as caught, stream:
        list(stream)
    assert caught.value.partial.startswith("token-1 token-2 token-3")


def test_a_stream_whose_usage_is_missing_is_still_whole(llm: Client) -> None:
    with llm.stream("Ciao", model="near/no-done,tokens=2") as stream:
        assert "".join(stream.text) == "token-1 token-2"
    assert stream.reply.finish == "stop"


async def _gemini_3(exchange: Exchange) -> None:
    """As Gemini 3 does: it signs its calls, and refuses to go on when a signature is missing."""
    contents = json.loads(exchange.body)["contents"]
    calls = [part for content in contents for part in content["parts"] if "functionCall" in part]
    if any(part.get("thoughtSignature") != "c2lnbmVk" for part in calls):
        error = {"code": 400, "message": "Function call is missing a thought_signature", "status": "INVALID_ARGUMENT"}
        await exchange.reply(json.dumps({"error": error}).encode(), "400 Bad Request")
        return
    part = {"functionCall": {"name": "weather", "args": {"city": "Roma"}}, "thoughtSignature": "c2lnbmVk"}
    said = {"text": "C'è il sole."} if len(calls) == 2 else part
    candidate = {"content": {"role": "model", "parts": [said]}, "finishReason": "STOP"}
    answer = json.dumps({"candidates": [candidate], "responseId": f"r{len(calls)}"}).encode()
    if "alt=sse" in exchange.target:
        await exchange.begin(content_type="text/event-stream")
        await exchange.chunk(b"data: %b\r\n\r\n" % answer)
        await exchange.end()
    else:
        await exchange.reply(answer, content_type="application/json")


def _near(url: str, folder: Path) -> Path:
    file = folder / "near.toml"
    file.write_text(f'[providers.near]\ndialect = "gemini"\nbase_url = "{url}"\nauth = "none"\n')
    return file


async def test_signatures_survive_a_loop_of_tools(tmp_path: Path) -> None:
    async def weather(city: str) -> str:
        """Il tempo in una città."""
        return f"sole a {city}"

    async with (
        serving(_gemini_3) as server,
        AsyncClient(config=_near(server.url, tmp_path), retry=Retry(attempts=1)) as llm,
    ):
        reply = await llm.chat("Che tempo fa a Roma?", model="near/gemini-3.8-flash", tools=[weather])
    assert reply.text == "C'è il sole."
    assert reply.notices == ()
    assert [json.loads(request.body)["contents"][-1]["parts"] for request in server.requests[1:]] == [
        [{"functionResponse": {"id": id, "name": "weather", "response": {"output": "sole a Roma"}}}]
        for id in ("call_r0_0", "call_r1_0")
    ]


async def test_signatures_survive_a_stream_and_a_conversation(tmp_path: Path) -> None:
    tool = Tool("weather", "Il tempo", {"type": "object"})
    async with (
        serving(_gemini_3) as server,
        AsyncClient(config=_near(server.url, tmp_path), retry=Retry(attempts=1)) as llm,
    ):
        history = [user("Che tempo fa?")]
        for _ in range(3):
            async with llm.stream(history, model="near/gemini-3.8-flash", tools=[tool]) as stream:
                _ = [event async for event in stream]
            answer = stream.reply.message
            history += [answer, *(tool_result(call, "sole") for call in answer.tool_calls)]
    assert stream.reply.text == "C'è il sole."
    assert stream.reply.finish == "stop"
