"""The anthropic SDK, as it is, at a gateway with keys, limits and budgets; targets speak its dialect and another."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests.gateway.keyed import DIALECTS, Keyed, keyed
from tramite.config import Budget, Cap, Limits
from tramite.store.keys import Terms

TOOLS: Any = [{"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
ASKED: list[Any] = [{"role": "user", "content": "Che tempo fa a Roma?"}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
SAID = "token-1 token-2 token-3"
MODELS = ("ok,tokens=3", "ok", "tools", "json", "reasoning=2,tokens=3")
FAULTS = ("429", "500", "529", "context", "notfound", "cut@3", "error@3", "no-finish,no-done")
every_target = pytest.mark.parametrize("target", DIALECTS)


class Place(BaseModel):
    city: str


@pytest.fixture
def door() -> Iterator[Keyed]:
    with keyed(*MODELS, *FAULTS) as door:
        yield door


@pytest.fixture
def claude(door: Keyed) -> Iterator[anthropic.Anthropic]:
    with door.anthropic() as client:
        yield client


@every_target
def test_a_message_and_what_its_headers_tell(claude: anthropic.Anthropic, target: str) -> None:
    raw = claude.messages.with_raw_response.create(
        model=f"{target}/ok,tokens=3", max_tokens=99, messages=ASKED, system="Sii breve."
    )
    reply: Any = raw.parse()
    assert (reply.content[0].text, reply.stop_reason, reply.role) == (SAID, "end_turn", "assistant")
    assert (reply.usage.output_tokens, reply.usage.input_tokens > 0) == (3, True)
    assert raw.headers["x-tramite-target"] == f"{target}/ok,tokens=3"
    assert raw.headers["x-ratelimit-limit-requests"] == "60000"
    assert raw.headers["x-request-id"]


@every_target
def test_a_streamed_message(claude: anthropic.Anthropic, target: str) -> None:
    with claude.messages.stream(model=f"{target}/ok,tokens=3", max_tokens=99, messages=ASKED) as stream:
        assert "".join(stream.text_stream) == SAID
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 3)
    events = list(claude.messages.create(model=f"{target}/ok", max_tokens=99, messages=ASKED, stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")


@every_target
def test_the_asynchronous_client(door: Keyed, target: str) -> None:
    async def main() -> None:
        async with (
            anthropic.AsyncAnthropic(base_url=door.url, api_key=door.secret, max_retries=0) as claude,
            claude.messages.stream(model=f"{target}/ok,tokens=3", max_tokens=99, messages=ASKED) as stream,
        ):
            assert "".join([text async for text in stream.text_stream]) == SAID

    asyncio.run(main())


@every_target
def test_a_secret_as_a_bearer_token_is_as_good(door: Keyed, target: str) -> None:
    with anthropic.Anthropic(base_url=door.url, auth_token=door.secret, max_retries=0) as claude:
        assert claude.messages.create(model=f"{target}/ok", max_tokens=99, messages=ASKED).content


@every_target
def test_tools_whole_and_streamed_and_their_results(claude: anthropic.Anthropic, target: str) -> None:
    asked: Any = {"model": f"{target}/tools", "max_tokens": 999, "tools": TOOLS}
    whole = claude.messages.create(messages=ASKED, **asked)
    with claude.messages.stream(messages=ASKED, **asked) as stream:
        streamed = stream.get_final_message()
    for reply in (whole, streamed):
        assert reply.stop_reason == "tool_use"
        call: Any = reply.content[-1]
        assert (call.name, call.input) == ("weather", {"city": "text"})
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "sole"}
        turns: list[Any] = [*ASKED, reply.to_param(), {"role": "user", "content": [result]}]
        again: Any = claude.messages.create(messages=turns, **asked)
        assert again.content[0].text == "The tool answered: sole"


@every_target
def test_structured_output(claude: anthropic.Anthropic, target: str) -> None:
    reply = claude.messages.parse(model=f"{target}/json", max_tokens=99, messages=ASKED, output_format=Place)
    assert reply.parsed_output == Place(city="text")


@every_target
def test_thinking(claude: anthropic.Anthropic, target: str) -> None:
    asked: Any = {"max_tokens": 4_000, "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    with claude.messages.stream(model=f"{target}/reasoning=2,tokens=3", messages=ASKED, **asked) as stream:
        final: Any = stream.get_final_message()
    assert [block.type for block in final.content if block.type != "redacted_thinking"] == ["thinking", "text"]
    turns: list[Any] = [*ASKED, final.to_param(), {"role": "user", "content": "E domani?"}]
    again = claude.messages.create(model=f"{target}/reasoning=2,tokens=3", messages=turns, **asked)
    assert again.stop_reason == "end_turn"


@every_target
def test_an_image(claude: anthropic.Anthropic, target: str) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    asked: list[Any] = [{"role": "user", "content": [picture, {"type": "text", "text": "Che cos'è?"}]}]
    reply: Any = claude.messages.create(model=f"{target}/ok,tokens=3", max_tokens=99, messages=asked)
    assert reply.content[0].text == SAID


def test_models(claude: anthropic.Anthropic) -> None:
    models = list(claude.models.list())
    assert (models[0].id, models[0].type, models[0].display_name) == ("fast", "model", "fast")
    assert claude.models.retrieve("primary/json").id == "primary/json"
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("nothing")


@every_target
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("context", anthropic.BadRequestError),
        ("notfound", anthropic.NotFoundError),
        ("500", anthropic.InternalServerError),
    ],
)
def test_a_target_s_error_is_of_the_right_class(
    claude: anthropic.Anthropic, target: str, model: str, kind: Any
) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as caught:
            claude.messages.create(model=f"{target}/{model}", max_tokens=99, messages=ASKED, stream=stream)
        assert caught.value.body["type"] == "error"
        assert caught.value.body["error"]["message"]


@every_target
@pytest.mark.parametrize("fault", ["cut@3", "error@3", "no-finish,no-done"])
def test_a_stream_that_broke_is_an_error_and_never_a_short_answer(
    claude: anthropic.Anthropic, target: str, fault: str
) -> None:
    events: list[Any] = []
    with pytest.raises(anthropic.APIError):
        events.extend(claude.messages.create(model=f"{target}/{fault}", max_tokens=99, messages=ASKED, stream=True))
    kinds = {event.type for event in events}
    assert not {"message_stop", "message_delta"} & kinds


def test_who_has_no_key_of_ours_is_told_so(door: Keyed) -> None:
    with door.anthropic(api_key="sk-wrong") as claude, pytest.raises(anthropic.AuthenticationError) as caught:
        claude.messages.create(model="fast", max_tokens=9, messages=ASKED)
    assert caught.value.type == "authentication_error"


def test_over_its_limit_a_key_is_told_when_to_come_back() -> None:
    with keyed("ok", terms=Terms(limits=Limits(requests_per_minute=1))) as door, door.anthropic() as claude:
        claude.messages.create(model="backup/ok", max_tokens=99, messages=ASKED)
        with pytest.raises(anthropic.RateLimitError) as caught:
            claude.messages.create(model="backup/ok", max_tokens=99, messages=ASKED)
        assert 30 < int(caught.value.response.headers["retry-after"]) <= 61
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_over_its_budget_a_key_gets_402_and_nothing_is_asked() -> None:
    terms = Terms(budget=Budget(limit=(Cap(1_000_000, "total"),)))
    with keyed("ok", terms=terms) as door, door.anthropic() as claude:
        with pytest.raises(anthropic.APIStatusError) as caught:
            claude.messages.create(model="backup/ok", max_tokens=4_000, messages=ASKED)
        assert (caught.value.status_code, caught.value.type) == (402, "billing_error")
        assert claude.messages.create(model="backup/ok", max_tokens=20, messages=ASKED).content
        assert door.world.backup.stats().requests == 1
