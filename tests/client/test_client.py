from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tests.client.world import QUICK, config, in_process, words
from tramite import (
    AsyncClient,
    AuthenticationFailed,
    ChatCall,
    ContextTooLong,
    EmbeddingCall,
    Image,
    InvalidCall,
    MissingSecret,
    ModelNotFound,
    NoModelConfigured,
    Overloaded,
    Reply,
    ReplyRefused,
    Retry,
    SchemaMismatch,
    ToolLoopExceeded,
    UnknownProvider,
    Unsupported,
    assistant,
    system,
    tool_result,
    user,
)
from tramite.config import load
from tramite.simulator import fast_forward

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


async def test_a_reply_tells_what_was_said_by_whom_and_what_it_took() -> None:
    llm, _ = in_process()
    reply = await llm.chat("hello", model="sim/tokens=3", temperature=0.7, max_tokens=60)
    assert str(reply) == reply.text == words(3)
    assert (reply.finish, reply.target, reply.model) == ("stop", "sim/tokens=3", "tokens=3")
    assert (reply.usage.output_tokens, reply.usage.source) == (3, "provider")
    assert [attempt.target for attempt in reply.attempts] == ["sim/tokens=3"]
    assert reply.request_id
    assert reply.cost is None


@pytest.mark.parametrize(
    "prompt",
    [
        "hello",
        user("hello"),
        [system("be kind"), user("hello")],
        {"role": "user", "content": "hello"},
        [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
        ["hello", Image(data=PNG)],
        ChatCall(messages=(user("hello"),)),
    ],
)
async def test_a_prompt_may_be_a_string_messages_parts_mappings_or_a_call(prompt: Any) -> None:
    llm, _ = in_process()
    assert (await llm.chat(prompt, model="sim/echo")).text == "hello"


@pytest.mark.parametrize(
    ("prompt", "options", "complaint"),
    [
        ([], {}, "messages is empty"),
        ("", {}, "is empty"),
        ([system("alone")], {}, "only system messages"),
        ([user("a"), tool_result("call_1", "42")], {}, "no earlier message made"),
        ("x", {"temperature": 2.1}, "temperature must be a number from 0 to 2, got 2.1"),
        ("x", {"max_tokens": 0}, "max_tokens must be a whole number from 1"),
        ("x", {"temprature": 1}, "known settings are model, temperature"),
        ("x", {"deadline_s": -1}, "deadline_s must be a number of seconds above 0"),
        ([3], {}, "expected messages, got int"),
        ({"role": "robot", "content": "x"}, {}, "role must be one of"),
    ],
)
async def test_a_call_that_makes_no_sense_is_refused_before_anything_is_sent(
    prompt: Any, options: dict[str, Any], complaint: str
) -> None:
    llm, provider = in_process()
    with pytest.raises(InvalidCall, match=complaint):
        await llm.chat(prompt, **options)
    assert provider.stats().requests == 0


def test_an_image_that_is_not_one_is_refused() -> None:
    with pytest.raises(InvalidCall, match="not an image"):
        Image(data=b"%PDF-1.7")
    with pytest.raises(InvalidCall, match="cannot read the image"):
        Image.file("missing.png")
    with pytest.raises(InvalidCall, match="not a base64 data URL"):
        Image.from_data_url("data:text/html;base64,AAAA")


async def test_a_name_that_nobody_has_is_answered_with_the_nearest() -> None:
    llm, _ = in_process()
    with pytest.raises(UnknownProvider, match="openai"):
        await llm.chat("x", model="opnai/gpt-4o")


async def test_a_missing_secret_names_the_variable_to_set() -> None:
    with pytest.raises(MissingSecret, match="OPENAI_API_KEY"):
        await AsyncClient().chat("x", model="openai/gpt-4o-mini")


async def test_without_any_model_the_library_makes_nothing_up() -> None:
    llm, _ = in_process()
    bare = AsyncClient(msgspec.structs.replace(load(), providers={}), transport=llm._core._given)
    with pytest.raises(NoModelConfigured, match="OPENAI_API_KEY"):
        await bare.chat("x")


async def test_a_retired_model_is_answered_with_its_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    with pytest.raises(ModelNotFound, match=r"is withdrawn as of .* Ask for openai/"):
        await AsyncClient().complete("x", model="openai/text-davinci-003")


async def test_a_secret_renewed_where_it_is_kept_is_used_after_a_401(tmp_path: Any) -> None:
    kept = tmp_path / "secret"
    kept.write_text("old-secret-0000")
    llm, provider = in_process(more=f'api_key = "file:{kept}"\n', key="new-secret-1111")
    with pytest.raises(AuthenticationFailed):
        await llm.chat("x")
    kept.write_text("new-secret-1111")
    assert (await llm.chat("x", model="sim/tokens=2")).text == words(2)
    assert provider.stats().requests == 3


async def test_completion_on_a_target_that_only_chats_names_others_or_goes_via_chat() -> None:
    llm, _ = in_process(more="")
    chat_only = AsyncClient(config(more='[providers.groq]\napi_key = "gsk-0123456789abcdef"\n'))
    with pytest.raises(Unsupported, match=r"these have: .*openai.*via='chat'"):
        await chat_only.complete("Q:", model="groq/llama")
    reply = await llm.complete("Q: …\nA:", model="sim/tokens=2", stop=["\n"], seed=7, temperature=0)
    assert reply.text == words(2)
    reply = await llm.complete("Q:", model="sim/echo", via="chat")
    assert reply.text == "Q:"
    assert "user message" in reply.notices[-1]
    with pytest.raises(InvalidCall, match="suffix and echo"):
        await llm.complete("def f(", model="sim/echo", via="chat", suffix=")")


async def test_embeddings_are_split_to_the_limits_and_come_back_in_order() -> None:
    llm, provider = in_process(more="embed_batch = 10\n")
    texts = [f"text {number}" for number in range(95)]
    reply = await llm.embed(texts)
    single = await llm.embed(texts[42])
    assert len(reply) == 95
    assert reply.vectors[42] == pytest.approx(single.vectors[0])
    assert provider.stats().by_kind["embedding"] == 10 + 1
    assert reply.usage.input_tokens == sum((len(text) + 3) // 4 for text in texts) or reply.usage.input_tokens


async def test_an_input_that_is_too_long_is_named_or_truncated_with_a_notice() -> None:
    llm, _ = in_process(context_tokens=20)
    texts = ["short", "word " * 100, "brief"]
    with pytest.raises(ContextTooLong, match=r"inputs\[1\] is too long") as caught:
        await llm.embed(texts)
    assert caught.value.index == 1
    reply = await llm.embed(texts, truncate=True)
    assert len(reply) == 3
    assert "inputs[1] was too long" in reply.notices[0]
    with pytest.raises(InvalidCall, match="nothing to embed"):
        await llm.embed([])


async def test_models_are_listed() -> None:
    llm, _ = in_process(models=("one", "two"))
    assert {"one", "two"} <= {model.id for model in await llm.models("sim")}


@dataclass
class City:
    name: str
    inhabitants: int


async def test_a_schema_gives_a_validated_object() -> None:
    llm, _ = in_process()
    reply = await llm.chat("Firenze?", model="sim/json", schema=City)
    assert isinstance(reply.parsed, City)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    reply = await llm.chat("?", model="sim/json", schema=schema)
    assert isinstance(reply.parsed["n"], int)
    with pytest.raises(InvalidCall, match="must describe an object"):
        await llm.chat("?", model="sim/json", schema=list[int])
    with pytest.raises(InvalidCall, match="no valid JSON schema"):
        await llm.chat("?", model="sim/json", schema={"type": "banana"})


async def test_an_answer_that_does_not_validate_is_sent_back_once() -> None:
    llm, provider = in_process()
    reply = await llm.chat("?", model="sim/json:broken=1", schema=City)
    assert isinstance(reply.parsed, City)
    assert len(reply.attempts) == provider.stats().requests == 2
    with pytest.raises(SchemaMismatch) as caught:
        await llm.chat("?", model="sim/json:broken=2,name=other", schema=City)
    assert caught.value.reply.text
    assert len(caught.value.reply.attempts) == 2


async def test_tools_are_plain_functions_called_off_the_loop() -> None:
    threads = []

    def weather(city: str, days: int = 1) -> dict[str, Any]:
        """The weather of a city."""
        threads.append(threading.current_thread())
        return {"city": city, "days": days, "sun": True}

    async def local_time(city: str) -> str:
        return f"noon in {city}"

    llm, provider = in_process()
    reply = await llm.chat("Weather?", model="sim/tools", tools=[weather, local_time])
    assert reply.finish == "stop"
    assert threads
    assert threads[0] is not threading.main_thread()
    assert provider.stats().requests == 2
    reply = await llm.chat("Time?", model="sim/tools", tools=[local_time])
    assert reply.text


async def test_a_tool_that_fails_is_told_to_the_model_and_a_loop_of_tools_is_bounded() -> None:
    def broken(city: str) -> str:
        raise ValueError(f"no such city: {city}")

    llm, provider = in_process()
    assert (await llm.chat("?", model="sim/tools", tools=[broken])).text
    with pytest.raises(ToolLoopExceeded) as caught:
        await llm.chat("?", model="sim/tools:rounds=9", tools=[broken], max_tool_rounds=3)
    assert caught.value.reply.tool_calls
    assert provider.stats().requests == 2 + 4


async def test_map_gives_each_result_as_it_completes_and_one_failure_loses_nothing() -> None:
    llm, provider = in_process(token_interval_s=0.001)
    calls = ["hello", ChatCall(messages=(user("x"),), model="sim/500"), EmbeddingCall(inputs=("a",))] * 10
    got = {position: result async for position, result in llm.map(calls, concurrency=4)}
    assert sorted(got) == list(range(30))
    assert sum(isinstance(result, Overloaded) for result in got.values()) == 10
    assert sum(isinstance(result, Reply) for result in got.values()) == 10
    assert provider.stats().open_max <= 4


async def test_map_takes_items_only_as_there_is_room_and_cancels_the_rest_when_left() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield "x"

    llm, provider = in_process(token_interval_s=0.001)
    results = llm.map(endless(), concurrency=5, model="sim/tokens=4")
    await anext(results)
    await results.aclose()
    assert taken <= 6
    assert provider.stats().open_now == 0
    with pytest.raises(InvalidCall, match="concurrency"):
        await anext(llm.map(["x"], concurrency=0))


async def test_a_conversation_remembers_whole_turns_only() -> None:
    llm, _ = in_process()
    chat = llm.conversation(system="Sei un esperto legale.", model="sim/echo")
    assert (await chat.say("uno")).text == "uno"
    with pytest.raises(Overloaded):
        await chat.say("due", model="sim/500")
    async with chat.stream("tre") as stream:
        async for _ in stream.text:
            pass
    assert chat.messages == [
        system("Sei un esperto legale."),
        user("uno"),
        assistant("uno"),
        user("tre"),
        assistant("tre"),
    ]
    chat.reset()
    assert chat.messages == [system("Sei un esperto legale.")]


async def test_a_conversation_keeps_the_tools_results_and_a_stopped_answer() -> None:
    def weather(city: str) -> str:
        return "sun"

    llm, _ = in_process()
    chat = llm.conversation(model="sim/tools", tools=[weather])
    await chat.say("Weather?")
    assert [message.role for message in chat.messages] == ["user", "assistant", "tool", "assistant"]
    chat = llm.conversation()
    async with chat.stream("count", model="sim/tokens=50") as stream:
        async for _ in stream.text:
            break
    assert chat.messages == [user("count"), assistant("token-1")]


async def test_a_predicate_on_the_reply_asks_again() -> None:
    llm, provider = in_process()
    again = Retry(attempts=2, strategy="fixed", base_s=0, if_reply=lambda reply: reply.finish == "length")
    with pytest.raises(ReplyRefused) as caught:
        await llm.chat("x", model="sim/length", retry=again)
    assert (caught.value.reply.finish, caught.value.reply.target) == ("length", "sim/length")
    assert len(caught.value.attempts) == provider.stats().requests == 2
    assert [attempt.error for attempt in caught.value.attempts] == ["refused by the retry predicate"] * 2


async def test_what_a_predicate_refuses_is_on_the_bill_all_the_same() -> None:
    answers = iter([True, True, False])
    price = '[models."sim/tokens=3"]\ninput_per_million = 1.0\noutput_per_million = 1.0\n'
    llm, _ = in_process(retry=Retry(base_s=0, if_reply=lambda reply: next(answers)), more=price)
    once = await llm.chat("x", model="sim/tokens=3", retry=Retry())
    reply = await llm.chat("x", model="sim/tokens=3")
    assert (once.cost_nanousd, once.usage.output_tokens) == ((once.usage.total_tokens or 0) * 1000, 3)
    assert (reply.cost_nanousd, reply.usage.output_tokens) == (3 * (once.cost_nanousd or 0), 9)
    assert [bool(attempt.error) for attempt in reply.attempts] == [True, True, False]


async def test_on_give_up_may_put_a_reply_in_the_place_of_the_error() -> None:
    llm, _ = in_process()
    retry = Retry(attempts=2, base_s=0, on_give_up=lambda state: f"sorry, {state.attempt_number} tries")
    reply = await llm.chat("x", model="sim/500", retry=retry)
    assert reply.text == "sorry, 2 tries"
    assert "no model answered" in reply.notices[0]
    assert len(reply.attempts) == 2


def test_one_client_serves_several_event_loops_one_after_another() -> None:
    llm, _ = in_process()

    async def ask() -> str:
        return (await llm.chat("x", model="sim/tokens=2")).text

    assert [asyncio.run(ask()) for _ in range(3)] == [words(2)] * 3


async def test_the_first_target_that_can_answers_for_a_route() -> None:
    route = '[routes.fast]\ntargets = ["sim/503", "sim/tokens=2"]\n'
    llm, provider = in_process(more=route)
    reply = await llm.chat("x", model="fast")
    assert (reply.text, reply.target, len(reply.attempts)) == (words(2), "sim/tokens=2", 4)
    async with llm.stream("x", model="fast") as stream:
        assert "".join([text async for text in stream.text]) == words(2)
    route = '[routes.safe]\ntargets = ["sim/filter", "sim/ok"]\n'
    llm, provider = in_process(more=route)
    with pytest.raises(Exception, match="filter"):
        await llm.chat("x", model="safe")
    assert provider.stats().requests == 1


def test_waiting_between_tries_takes_no_time_on_a_clock_that_jumps() -> None:
    async def main() -> str:
        llm, _ = in_process(retry=Retry(attempts=3, strategy="fixed", base_s=100))
        return (await llm.chat("x", model="sim/500:times=2,tokens=1", deadline_s=1000)).text

    assert fast_forward(main()) == words(1)
    assert QUICK.attempts == 3
