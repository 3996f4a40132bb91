"""Which targets answer: secrets that are renewed, models that are found by asking, names that are forgotten."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.client.world import QUICK, config, in_process, words
from tramite import AsyncClient, AuthenticationFailed, BadReply, InvalidCall, RequestRejected, Retry, assistant
from tramite.simulator import Engine, InProcess, Options
from tramite.simulator.inprocess import InProcessResponse
from tramite.wire.seam import Request


def renewable(folder: Path, **options: Any) -> tuple[AsyncClient, InProcess, Path]:
    kept = folder / "secret"
    kept.write_text("old-secret-0000")
    provider = InProcess(Engine(Options(key="new-secret-1111", **options)))
    return AsyncClient(config(more=f'api_key = "file:{kept}"\n'), retry=QUICK, transport=provider), provider, kept


async def test_a_renewed_secret_serves_every_request_that_the_old_one_failed(tmp_path: Path) -> None:
    llm, _, kept = renewable(tmp_path, latency_s=0.01)
    for _ in range(3):  # the first of them learn the old secret
        with pytest.raises(AuthenticationFailed):
            await llm.chat("x", model="sim/tokens=1")
        with pytest.raises(AuthenticationFailed):
            await llm.chat("x", model="sim/tokens=2")
    kept.write_text("new-secret-1111")
    replies = await asyncio.gather(*(llm.chat("x", model="sim/tokens=1") for _ in range(8)))
    assert [reply.text for reply in replies] == [words(1)] * 8
    # another model's endpoint has the old secret still, and its source says nothing new any more
    assert (await llm.chat("x", model="sim/tokens=2")).text == words(2)


async def test_a_secret_that_is_still_refused_is_sent_twice_and_no_more(tmp_path: Path) -> None:
    llm, provider, kept = renewable(tmp_path)
    with pytest.raises(AuthenticationFailed):
        await llm.chat("x")
    asked = provider.stats().requests
    kept.write_text("newer-but-wrong")
    with pytest.raises(AuthenticationFailed):
        await llm.chat("x")
    assert (asked, provider.stats().requests) == (1, 3)


class Repeating(InProcess):
    """It repeats the secret that it refuses, as some providers do."""

    async def send(self, request: Request) -> Any:
        response = await super().send(request)
        said = request.headers["authorization"].removeprefix("Bearer ")
        repeated = {"error": {"message": f"Incorrect API key: {said}", "code": said, "type": said}}
        body = msgspec.json.encode(repeated if response.status >= 400 else {"choices": said})
        return InProcessResponse(response.status, response.headers, response._play, 10_000, body)


@pytest.mark.parametrize("refused", [True, False])
async def test_a_secret_that_the_provider_repeats_is_masked_in_the_error(
    refused: bool, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    provider = Repeating(Engine(Options(key="another" if refused else secret)))
    llm = AsyncClient(config(), retry=QUICK, transport=provider, secrets={"sim": secret})
    with pytest.raises(AuthenticationFailed if refused else BadReply) as caught:
        await llm.chat("x")
    assert "…cdef" in caught.value.body
    error = caught.value
    told = "".join(traceback.format_exception(error))
    assert secret not in f"{error!s}{error!r}{vars(error)}{error.attempts}{told}{caplog.text}"


class Redirecting(InProcess):
    async def send(self, request: Request) -> Any:
        response = await super().send(request)
        response.status = 307
        response.headers = {"location": "https://me:hunter2@elsewhere.example/v1?key=sk-hunter2"}
        return response


async def test_a_redirect_is_told_without_what_is_secret_in_it() -> None:
    llm = AsyncClient(config(), transport=Redirecting())
    with pytest.raises(RequestRejected, match=r"redirects to https://…@elsewhere.example/v1; secrets") as caught:
        await llm.chat("x")
    assert "hunter2" not in f"{caught.value!s}{caught.value!r}{caught.value.attempts}"


async def test_what_is_given_in_place_of_an_answer_keeps_what_it_says_of_itself() -> None:
    backup, _ = in_process(more='[models."sim/tokens=2"]\ninput_per_million = 1.0\noutput_per_million = 1.0\n')
    whole = await backup.chat("x", model="sim/tokens=2")

    async def ask_the_backup(state: Any) -> Any:
        return whole

    llm, _ = in_process(retry=Retry(attempts=2, base_s=0, on_give_up=ask_the_backup))
    reply = await llm.chat("x", model="sim/500")
    assert (reply.target, reply.cost_nanousd, reply.request_id) == ("sim/tokens=2", whole.cost_nanousd, "sim-1")
    assert [attempt.target for attempt in reply.attempts] == ["sim/500", "sim/500", "sim/tokens=2"]
    plain = Retry(attempts=1, on_give_up=lambda state: "sorry")
    reply = await llm.chat("x", model="sim/500", retry=plain)
    assert (reply.target, reply.message, reply.cost) == ("", assistant("sorry"), None)
    for given in (5, {"text": "sorry"}):
        with pytest.raises(InvalidCall, match=r"on_give_up must give Reply, .*got (int|dict)"):
            await llm.chat("x", model="sim/500", retry=Retry(attempts=1, on_give_up=lambda state, given=given: given))
    with pytest.raises(InvalidCall, match="on_give_up must give EmbeddingReply"):
        await llm.embed("x", model="sim/500", retry=plain)
    assert msgspec.structs.asdict(reply.usage)["input_tokens"] is None
