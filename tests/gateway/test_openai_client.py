"""The openai SDK, as it is, at a gateway with keys, limits and budgets; targets speak its dialect and another."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.keyed import DIALECTS, OK, Keyed, keyed
from tests.gateway.world import gateway
from tramite.config import Budget, Cap, Limits
from tramite.store.keys import Terms, open_keys

SCHEMA: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
ASKED: list[Any] = [{"role": "user", "content": "Che tempo fa a Roma?"}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
FAULTS = ("500", "context", "notfound", "cut@3", "error@3", "no-finish,no-done")
every_target = pytest.mark.parametrize("target", DIALECTS)


class Place(BaseModel):
    city: str


@pytest.fixture
def door() -> Iterator[Keyed]:
    with keyed("ok,tokens=3", "ok", "tools", "json", "echo", *FAULTS) as door:
        yield door


@pytest.fixture
def llm(door: Keyed) -> Iterator[openai.OpenAI]:
    with door.openai() as client:
        yield client


@every_target
def test_a_chat_and_what_its_headers_tell(llm: openai.OpenAI, target: str) -> None:
    raw = llm.chat.completions.with_raw_response.create(
        model=f"{target}/ok,tokens=3", messages=ASKED, extra_headers={"x-request-id": "mine-1"}
    )
    reply = raw.parse()
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("token-1 token-2 token-3", "stop")
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.usage.prompt_tokens > 0) == (3, True)
    assert raw.request_id == reply._request_id == "mine-1"
    assert raw.headers["x-tramite-target"] == f"{target}/ok,tokens=3"
    assert raw.headers["x-tramite-attempts"] == "1"
    assert float(raw.headers["x-tramite-overhead-ms"]) >= 0
    assert int(raw.headers["x-tramite-cost-nanousd"]) > 0
    assert raw.headers["x-ratelimit-limit-requests"] == "60000"
    assert raw.headers["x-ratelimit-limit-tokens"] == "60000000"
    assert int(raw.headers["x-ratelimit-remaining-requests"]) >= 59_999
    assert raw.headers["x-ratelimit-reset-requests"].endswith("s")


@every_target
@pytest.mark.parametrize("usage", [False, True])
def test_a_streamed_chat(llm: openai.OpenAI, target: str, usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    raw = llm.chat.completions.with_raw_response.create(
        model=f"{target}/ok,tokens=3", messages=ASKED, stream=True, **options
    )
    assert raw.headers["x-tramite-target"] == f"{target}/ok,tokens=3"
    assert raw.headers["x-ratelimit-limit-requests"] == "60000"
    chunks = list(raw.parse())
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == "token-1 token-2 token-3"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert len([chunk for chunk in chunks if chunk.usage is not None]) == usage
    if usage:
        assert chunks[-1].usage is not None
        assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 3)


@every_target
def test_the_asynchronous_client_asks_many_at_once(door: Keyed, target: str) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=f"{door.url}/v1", api_key=door.secret, max_retries=0) as llm:

            async def streamed() -> str:
                stream = await llm.chat.completions.create(model=f"{target}/ok", messages=ASKED, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

            whole, *texts = await asyncio.gather(
                llm.chat.completions.create(model=f"{target}/ok", messages=ASKED), *(streamed() for _ in range(8))
            )
            assert set(texts) == {whole.choices[0].message.content}

    asyncio.run(main())


@every_target
def test_tools_whole_and_streamed_and_their_results(llm: openai.OpenAI, target: str) -> None:
    whole = llm.chat.completions.create(model=f"{target}/tools", messages=ASKED, tools=TOOLS)
    with llm.chat.completions.stream(model=f"{target}/tools", messages=ASKED, tools=TOOLS) as stream:
        streamed = stream.get_final_completion()
    for reply in (whole, streamed):
        message = reply.choices[0].message
        assert reply.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls is not None
        call: Any = message.tool_calls[0]
        assert (call.function.name, call.function.arguments) == ("weather", '{"city":"text"}')
        result = {"role": "tool", "tool_call_id": call.id, "content": "sole"}
        messages: list[Any] = [*ASKED, message.model_dump(exclude_none=True), result]
        again = llm.chat.completions.create(model=f"{target}/tools", messages=messages, tools=TOOLS)
        assert again.choices[0].message.content == "The tool answered: sole"


@every_target
def test_structured_output(llm: openai.OpenAI, target: str) -> None:
    chat = llm.chat.completions.parse(model=f"{target}/json", messages=ASKED, response_format=Place)
    assert chat.choices[0].message.parsed == Place(city="text")
    response = llm.responses.parse(model=f"{target}/json", input="Dove?", text_format=Place)
    assert response.output_parsed == Place(city="text")


@every_target
def test_an_image(llm: openai.OpenAI, target: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    asked: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Che cos'è?"}, picture]}]
    reply = llm.chat.completions.create(model=f"{target}/ok,tokens=3", messages=asked, max_tokens=20)
    assert reply.choices[0].message.content == "token-1 token-2 token-3"


def test_log_probabilities_of_targets_that_have_them(llm: openai.OpenAI) -> None:
    asked: Any = {"messages": ASKED, "logprobs": True, "top_logprobs": 2}
    reply = llm.chat.completions.create(model="primary/ok,tokens=3", **asked)
    assert reply.choices[0].logprobs is not None
    tokens = reply.choices[0].logprobs.content or []
    assert (tokens[0].token, len(tokens[0].top_logprobs)) == ("token-1", 2)
    raw = llm.chat.completions.with_raw_response.create(model="backup/ok,tokens=3", **asked)
    assert "logprobs" in raw.headers["x-tramite-notices"]


def test_completions(llm: openai.OpenAI) -> None:
    whole = llm.completions.create(model="primary/ok,tokens=3", prompt="Q: che ora è?\nA:", stop=["\n"])
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("token-1 token-2 token-3", "stop")
    stream = llm.completions.create(model="primary/ok,tokens=3", prompt="Q:", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == "token-1 token-2 token-3"
    with pytest.raises(openai.BadRequestError, match="completion"):
        llm.completions.create(model="backup/ok", prompt="Q:")


def test_embeddings_as_numbers_and_packed(llm: openai.OpenAI) -> None:
    floats = llm.embeddings.create(model="primary/ok", input=["uno", "due"], encoding_format="float", dimensions=32)
    packed = llm.embeddings.create(model="primary/ok", input=["uno", "due"], dimensions=32)  # base64, unasked
    assert [len(one.embedding) for one in floats.data] == [32, 32]
    for one, other in zip(floats.data, packed.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding)
    assert floats.usage.prompt_tokens > 0


@every_target
def test_responses_whole_and_streamed(llm: openai.OpenAI, target: str) -> None:
    whole = llm.responses.create(model=f"{target}/ok,tokens=3", input="Ciao", instructions="Rispondi", store=False)
    assert (whole.output_text, whole.status) == ("token-1 token-2 token-3", "completed")
    with llm.responses.stream(model=f"{target}/ok,tokens=3", input="Ciao") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert final.output_text == whole.output_text
    assert final.usage is not None
    assert final.usage.output_tokens == 3


def test_models(llm: openai.OpenAI) -> None:
    names = [model.id for model in llm.models.list()]
    assert names[0] == "fast"
    assert "primary/json" in names
    assert llm.models.retrieve("primary/json").owned_by == "primary"
    with pytest.raises(openai.NotFoundError):
        llm.models.retrieve("nothing")


@every_target
def test_azures_client(door: Keyed, target: str) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=door.url, api_key=door.secret, api_version="2024-10-21", max_retries=0
    ) as azure:
        reply = azure.chat.completions.create(model=f"{target}/ok,tokens=3", messages=ASKED)
        assert reply.choices[0].message.content == "token-1 token-2 token-3"
        stream = azure.chat.completions.create(model=f"{target}/ok,tokens=3", messages=ASKED, stream=True)
        said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        assert "".join(said) == "token-1 token-2 token-3"
        assert len(azure.embeddings.create(model="primary/ok", input="Ciao").data[0].embedding) == 64
        assert azure.completions.create(model="primary/ok,tokens=3", prompt="Q:").choices[0].text
    with (
        openai.AzureOpenAI(azure_endpoint=door.url, api_key="no", api_version="2024-10-21", max_retries=0) as azure,
        pytest.raises(openai.AuthenticationError),
    ):
        azure.chat.completions.create(model="fast", messages=ASKED)


@every_target
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("context", openai.BadRequestError),
        ("notfound", openai.NotFoundError),
        ("500", openai.InternalServerError),
    ],
)
def test_a_target_s_error_is_of_the_right_class(llm: openai.OpenAI, target: str, model: str, kind: Any) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as caught:
            llm.chat.completions.create(model=f"{target}/{model}", messages=ASKED, stream=stream)
        assert caught.value.request_id
        assert caught.value.body["message"]
        with pytest.raises(kind):
            llm.responses.create(model=f"{target}/{model}", input="Ciao", stream=stream)


def test_who_has_no_key_of_ours_is_told_so(door: Keyed) -> None:
    for secret in ("sk-wrong", door.secret[:-1] + ("a" if door.secret[-1] != "a" else "b")):
        with door.openai(api_key=secret) as llm, pytest.raises(openai.AuthenticationError) as caught:
            llm.chat.completions.create(model="fast", messages=ASKED)
        assert caught.value.code == "invalid_api_key"
        assert secret not in str(caught.value)


def test_a_gateway_that_was_open_asks_for_a_key_once_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tramite.gateway.keys.STALE_S", 0.0)
    with gateway(OK) as world, openai.OpenAI(base_url=f"{world.url}/v1", api_key="none", max_retries=0) as llm:
        assert llm.chat.completions.create(model="fast", messages=ASKED).choices
        with open_keys(world.gate.config.store.url) as keys:
            keys.create("alice", Terms())
        with pytest.raises(openai.AuthenticationError):
            llm.chat.completions.create(model="fast", messages=ASKED)


def test_a_model_that_is_not_there_is_not_found(llm: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        llm.chat.completions.create(model="local/models", messages=ASKED)


@every_target
@pytest.mark.parametrize("fault", ["cut@3", "error@3", "no-finish,no-done"])
def test_a_stream_that_broke_is_an_error_and_never_a_short_answer(llm: openai.OpenAI, target: str, fault: str) -> None:
    before: list[Any] = []
    with pytest.raises(openai.APIError):
        before.extend(
            llm.chat.completions.create(model=f"{target}/{fault}", messages=ASKED, stream=True)
        )  # those before an error count
    assert before[0].choices[0].delta.role == "assistant"
    assert not any(choice.finish_reason for chunk in before for choice in chunk.choices)
    events: list[Any] = []
    with pytest.raises(openai.APIError):
        events.extend(llm.responses.create(model=f"{target}/{fault}", input="Ciao", stream=True))
    assert "response.completed" not in {event.type for event in events}


class Impatient(openai.OpenAI):
    """The SDK with its own retries and its own idea of how long to wait, written down and not waited for."""

    waits: tuple[float, ...] = ()

    def _sleep_for_retry(self, *, retries_taken: int, max_retries: int, options: Any, response: Any) -> None:
        headers = None if response is None else response.headers
        wait_s = self._calculate_retry_timeout(max_retries - retries_taken, options, headers)
        self.waits = (*self.waits, wait_s)


def test_over_its_limit_a_key_is_told_when_to_come_back_and_the_sdk_obeys() -> None:
    with keyed("ok", terms=Terms(limits=Limits(requests_per_minute=1))) as door:
        with Impatient(base_url=f"{door.url}/v1", api_key=door.secret, max_retries=2) as llm:
            llm.chat.completions.create(model="primary/ok", messages=ASKED)
            with pytest.raises(openai.RateLimitError) as caught:
                llm.chat.completions.create(model="primary/ok", messages=ASKED)
        headers = caught.value.response.headers
        assert 30 < int(headers["retry-after"]) <= 61
        assert all(wait_s == pytest.approx(int(headers["retry-after"]), abs=1) for wait_s in llm.waits)
        assert len(llm.waits) == 2
        assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("1", "0")
        assert headers["x-ratelimit-reset-requests"][:2] in ("59", "1m")
        assert "x-ratelimit-limit-tokens" not in headers
        assert door.world.primary.stats().requests == 1


def test_over_its_budget_a_key_gets_402_and_nothing_is_asked() -> None:
    budget = Budget(limit=(Cap(1_000_000, "total"),))  # a thousandth of a dollar: under what 4,096 tokens may cost
    with keyed("ok", terms=Terms(budget=budget)) as door:
        with door.openai() as llm:
            with pytest.raises(openai.APIStatusError) as caught:
                llm.chat.completions.create(model="primary/ok", messages=ASKED)
            assert (caught.value.status_code, caught.value.code) == (402, "insufficient_quota")
            reply = llm.chat.completions.create(model="primary/ok", messages=ASKED, max_tokens=20)
            assert reply.choices[0].message.content
        assert door.world.primary.stats().requests == 1
