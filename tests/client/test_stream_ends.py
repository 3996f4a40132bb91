"""How a stream ends when it is not read to its end: nothing is told twice, and no half is taken for a whole."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from tests.client.world import config, in_process, words
from tramite import (
    AsyncClient,
    AsyncStream,
    BadReply,
    Client,
    Finished,
    IncompleteStream,
    ReasoningDelta,
    Restarted,
    Retry,
    Started,
    TextDelta,
    ToolCallDelta,
    assistant,
    user,
)
from tramite.assembly import Assembler
from tramite.client.reading import Reading
from tramite.replies import Usage
from tramite.simulator import Engine, InProcess, Options, fast_forward
from tramite.wire.seam import Request

HANGS = "sim/stall@2,tokens=9"


async def read(stream: AsyncStream) -> str:
    return "".join([text async for text in stream.text])


async def begun(stream: AsyncStream, text: str = words(2)) -> asyncio.Task[str]:
    """A task that reads the stream, and has read so much."""
    reading = asyncio.create_task(read(stream))
    while stream.reading.text_so_far != text:
        await asyncio.sleep(0)
    return reading


async def test_a_turn_that_another_task_stops_is_kept_once() -> None:
    llm, _ = in_process()
    chat = llm.conversation()
    stream = chat.stream("count", model=HANGS)
    reading = await begun(stream)
    await stream.close()
    assert await reading == words(2)
    assert chat.messages == [user("count"), assistant(words(2))]


async def test_a_reader_that_is_cancelled_has_stopped_the_stream() -> None:
    llm, provider = in_process()
    chat = llm.conversation()
    stream = chat.stream("count", model=HANGS)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(stream), 0.05)
    assert [event async for event in stream] == []
    assert (stream.reply.text, stream.reply.finish) == (words(2), "stopped")
    assert chat.messages == [user("count"), assistant(words(2))]
    assert provider.stats().streams.gone == 1


async def test_a_second_reader_is_told_so_and_does_not_disturb_the_first() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model="sim/stall@2:0.05s,tokens=4")
    reading = await begun(stream)
    with pytest.raises(RuntimeError, match="another task is reading this stream"):
        await read(stream)
    assert await reading == words(4)


def test_a_second_thread_is_told_so_and_does_not_disturb_the_first() -> None:
    provider = InProcess(Engine(Options()))
    with Client(config(), transport=provider) as llm:
        stream = llm.stream("x", model="sim/stall@2:0.3s,tokens=4")
        texts: list[str] = []
        seen = threading.Event()

        def first() -> None:
            for text in stream.text:
                texts.append(text)
                if len(texts) == 2:
                    seen.set()

        reading = threading.Thread(target=first)
        reading.start()
        seen.wait()
        with pytest.raises(RuntimeError, match="another task is reading this stream"):
            list(stream)
        reading.join()
        assert "".join(texts) == words(4)


def test_a_stream_whose_loop_has_ended_is_no_whole_one() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model=HANGS)

    async def begin() -> None:
        async for event in stream:
            if isinstance(event, TextDelta):
                break

    async def go_on() -> IncompleteStream:
        with pytest.raises(IncompleteStream, match="event loop") as caught:
            await read(stream)
        return caught.value

    asyncio.run(begin())
    error = asyncio.run(go_on())
    assert error.partial.startswith("token-1")
    with pytest.raises(IncompleteStream):
        _ = stream.reply


async def test_a_stream_that_is_read_on_another_loop_says_so() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model=HANGS)
    reading = await begun(stream)
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, read(stream))
    assert not reading.done()
    await stream.close()
    assert await reading == words(2)


def test_a_client_that_is_closed_under_its_stream_does_not_make_it_look_whole() -> None:
    llm = Client(config(), transport=InProcess(Engine(Options(token_interval_s=0.001))))
    stream = llm.stream("x", model="sim/tokens=500")
    next(stream.text)
    texts = llm.stream("x", model="sim/tokens=500").text
    next(texts)
    llm.close()
    with pytest.raises(IncompleteStream):
        list(texts)
    assert "tramite" not in {thread.name for thread in threading.enumerate()}


async def test_what_was_stopped_tells_what_it_took() -> None:
    llm, _ = in_process(retry=Retry(base_s=0), token_interval_s=0.001)
    async with llm.stream("x", model="sim/503:times=1,tokens=500") as stream:
        await anext(stream.text)
    reply = stream.reply
    assert reply.timings.total_s >= (reply.timings.first_token_s or 9) > 0
    assert [(attempt.status, attempt.maybe_billed) for attempt in reply.attempts] == [(503, False), (200, True)]
    assert (reply.finish, reply.target) == ("stopped", "sim/503:times=1,tokens=500")


async def test_who_leaves_after_the_finish_and_before_the_proof_has_stopped_it() -> None:
    llm, _ = in_process()
    async with llm.stream("x", model="sim/tokens=3") as stream:
        async for event in stream:
            if isinstance(event, Finished):
                break
    assert (stream.reply.text, stream.reply.finish) == (words(3), "stopped")


async def test_a_half_written_tool_call_is_not_remembered() -> None:
    def weather(city: str, days: int) -> None: ...

    llm, _ = in_process()
    chat = llm.conversation(tools=[weather])
    async with chat.stream("Weather?", model="sim/tools") as stream:
        async for event in stream:
            if isinstance(event, ToolCallDelta) and event.arguments:
                break
    assert stream.reply.tool_calls
    assert chat.messages == []


async def test_a_server_that_does_not_stream_is_not_paid_again_and_again() -> None:
    class Whole(InProcess):
        async def send(self, request: Request) -> Any:
            body = {**msgspec.json.decode(request.body), "stream": False}
            del body["stream_options"]
            return await super().send(msgspec.structs.replace(request, body=msgspec.json.encode(body)))

    provider = Whole()
    llm = AsyncClient(config(), transport=provider, retry=Retry(base_s=0))
    with pytest.raises(BadReply, match="this server does not stream"):
        await read(llm.stream("x", model="sim/ok"))
    assert provider.stats().requests == 1


def test_what_came_before_a_restart_is_void() -> None:
    reading = Reading(None)
    void = [TextDelta("no"), ReasoningDelta("hm"), TextDelta("no", 1), ToolCallDelta(0, "1", "f", "{}")]
    reading.pending.extend([Started("a/b"), *void, Restarted("c/d", "broken"), TextDelta("yes")])
    assert list(reading.texts(whole=True)) == ["no", "", "yes"]
    assembler = Assembler()
    assembler.feed([*void, Restarted("c/d", "broken"), TextDelta("yes")])
    reply = assembler.reply()
    assert [choice.message for choice in reply.choices] == [assistant("yes")]
    assert (reply.model, reply.usage) == ("", Usage())


def test_a_million_pieces_are_not_kept_one_by_one() -> None:
    async def main() -> tuple[int, int]:
        llm, _ = in_process()
        stream = llm.stream("x", model="sim/tokens=20000")
        most = 0
        async for _ in stream.text:
            most = max(most, stream.reading.kept)
        return most, len(stream.reply.text.split())

    kept, tokens = fast_forward(main())
    assert tokens == 20_000
    assert kept < 3000


async def test_reprs_tell_how_a_stream_stands() -> None:
    llm, _ = in_process()
    stream = llm.stream("x", model=HANGS)
    assert repr(stream) == "<AsyncStream: not begun>"
    reading = await begun(stream)
    assert repr(stream) == "<AsyncStream of sim/stall@2,tokens=9: under way>"
    await stream.close()
    assert repr(stream) == "<AsyncStream of sim/stall@2,tokens=9: stopped>"
    await reading
    stream = llm.stream("x", model="sim/ok")
    await read(stream)
    assert repr(stream) == "<AsyncStream of sim/ok: complete>"
    stream = llm.stream("x", model="sim/auth")
    with pytest.raises(Exception, match="401"):
        await read(stream)
    assert repr(stream) == "<AsyncStream: failed, AuthenticationFailed>"


async def test_closing_while_a_user_s_callback_runs_ends_it_quietly() -> None:
    release, inside = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        inside.set()
        release.wait(20)

    llm, _ = in_process(retry=Retry(attempts=2, base_s=0, before_sleep=hold))
    stream = llm.stream("x", model="sim/500")
    reading = asyncio.create_task(read(stream))
    await asyncio.to_thread(inside.wait)
    await stream.close()
    assert await reading == ""
    release.set()
    assert isinstance(llm, AsyncClient)
    assert stream.reply.finish == "stopped"
