"""Every fault as a client meets it: over a real socket, and in process with the same bytes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.raw import CHAT, Answer, chat, in_process, on_socket
from tramite.simulator import Engine, InProcess, Options, Simulator, fast_forward

_GRACE_S = 0.02  # real time that sockets get before the clock jumps over a wait


def meet(model: str, **fields: Any) -> Answer:
    """What a chat request for this model gets; asked both ways, which must agree."""
    return meet_body(chat(model, **fields))


def meet_body(body: Any, path: str = CHAT, **options: Any) -> Answer:
    async def main() -> tuple[Answer, Answer]:
        async with Simulator.running(**options) as simulator:
            over_socket = await on_socket(simulator, body, path)
        return over_socket, await in_process(InProcess(Engine(Options(**options))), body, path)

    over_socket, inside = fast_forward(main(), _GRACE_S)
    assert over_socket.comparable() == inside.comparable()
    return inside


def words(count: int, start: int = 1) -> str:
    return " ".join(f"token-{number}" for number in range(start, count + 1))


def test_ok_answers_with_counted_words_and_honest_usage() -> None:
    answer = meet("sim/ok")
    assert (answer.status, answer.text) == (200, words(64))
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    assert answer.json["usage"]["completion_tokens"] == 64
    assert answer.json["model"] == "sim/ok"


def test_ok_streams_each_word_as_a_frame_with_finish_usage_and_end() -> None:
    answer = meet("ok,tokens=3", stream=True, stream_options={"include_usage": True})
    *_, usage, done = answer.events
    assert (answer.status, answer.text, done) == (200, words(3), "[DONE]")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 3
    assert [e["choices"][0]["finish_reason"] for e in answer.events[:-2]] == [None] * 4 + ["stop"]


def test_without_being_asked_a_stream_does_not_tell_its_usage() -> None:
    assert not any(e.get("usage") for e in meet("ok", stream=True).events[:-1])


def test_cut_closes_the_connection_after_its_tokens_with_no_finish() -> None:
    answer = meet("cut@40,tokens=60", stream=True)
    assert (answer.text, answer.ending) == (words(40), "broken")
    assert all(event["choices"][0]["finish_reason"] is None for event in answer.events)


def test_cut_past_the_end_still_comes_before_the_finish() -> None:
    answer = meet("cut@40,tokens=3", stream=True)
    assert (answer.text, answer.ending) == (words(3), "broken")


def test_cut_breaks_a_whole_reply_in_its_middle() -> None:
    answer = meet("cut@40")
    assert answer.ending == "broken"
    assert len(answer.body) == int(answer.headers["content-length"]) // 2


@pytest.mark.parametrize("stream", [True, False])
def test_stall_falls_silent_for_its_time_and_goes_on(stream: bool) -> None:
    answer, seconds = timed("stall@20:30s", stream=stream)
    assert (answer.text, answer.ending) == (words(64), "whole")
    assert 30 <= seconds < 31


@pytest.mark.parametrize("stream", [True, False])
def test_slow_first_token_makes_wait_for_the_first_token_only(stream: bool) -> None:
    answer, seconds = timed("slow-first-token:20s", stream=stream)
    assert (answer.text, answer.ending) == (words(64), "whole")
    assert 20 <= seconds < 21


def timed(model: str, **fields: Any) -> tuple[Answer, float]:
    """An answer in process, and how long it took on the jumping clock."""

    async def main() -> tuple[Answer, float]:
        provider = InProcess()
        began = provider.clock.now()
        answer = await in_process(provider, chat(model, **fields))
        return answer, provider.clock.now() - began

    meet(model, **fields)
    return fast_forward(main())


def test_comments_are_sent_while_a_stream_waits() -> None:
    answer = meet("stall@2:10s,comments:3s,tokens=4", stream=True)
    assert answer.body.count(b": waiting\n\n") == 3
    assert answer.text == words(4)


def test_malformed_breaks_one_frame_and_goes_on() -> None:
    body = meet("malformed@10,tokens=12", stream=True).body
    frames = body.split(b"\n\n")
    broken = [frame for frame in frames if frame.startswith(b"data: {") and not frame.endswith(b"}")]
    assert len(broken) == 1
    assert frames.index(broken[0]) == 11  # the role, ten tokens, then this
    assert b"token-12" in body
    assert body.endswith(b"data: [DONE]\n\n")


def test_badutf8_puts_an_impossible_byte_into_one_frame() -> None:
    body = meet("badutf8@10,tokens=12", stream=True).body
    assert body.count(b"\xff") == 1
    with pytest.raises(UnicodeDecodeError):
        body.decode()


def test_malformed_and_badutf8_spoil_a_whole_reply_too() -> None:
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        _ = meet("malformed@10").json
    with pytest.raises(UnicodeDecodeError):
        meet("badutf8@10").body.decode()


def test_error_comes_as_a_frame_in_mid_stream_and_ends_it() -> None:
    answer = meet("error@10", stream=True)
    *frames, last = answer.events
    assert (answer.status, answer.ending, len(frames)) == (200, "whole", 1 + 10)
    assert last["error"]["type"] == "server_error"


def test_error_in_a_whole_reply_is_an_error_under_a_success() -> None:
    answer = meet("error@10")
    assert (answer.status, answer.json["error"]["type"]) == (200, "server_error")


def test_no_done_leaves_out_the_end_marker_alone() -> None:
    answer = meet("no-done,tokens=3", stream=True, stream_options={"include_usage": True})
    assert answer.events[-1]["usage"]["completion_tokens"] == 3
    assert answer.events[-2]["choices"][0]["finish_reason"] == "stop"


def test_no_finish_leaves_out_the_finish_alone() -> None:
    answer = meet("no-finish,tokens=3", stream=True, stream_options={"include_usage": True})
    *frames, usage, done = answer.events
    assert all(frame["choices"][0]["finish_reason"] is None for frame in frames)
    assert usage["usage"]["completion_tokens"] == 3
    assert done == "[DONE]"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("429", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("auth", 401, "invalid_api_key"),
        ("notfound", 404, "model_not_found"),
        ("nosuchfault", 404, "model_not_found"),
        ("context", 400, "context_length_exceeded"),
        ("filter", 400, "content_filter"),
        ("500", 500, None),
        ("503", 503, None),
        ("529", 529, None),
        ("503:loading=20", 503, "model_loading"),
        ("422", 422, None),
    ],
)
def test_refusals_have_their_status_and_code(model: str, status: int, code: str | None, stream: bool) -> None:
    answer = meet(model, stream=stream)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_a_429_says_how_long_to_wait_and_whether_to_try_again() -> None:
    headers = meet("429:retry-after=1500ms:should-retry=false").headers
    assert headers["retry-after"] == "2"
    assert headers["retry-after-ms"] == "1500"
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in meet("429").headers


def test_times_limits_a_fault_to_the_first_requests_of_each_client() -> None:
    async def main() -> list[int]:
        provider = InProcess()
        keys = ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]
        answers = [await in_process(provider, chat("429:times=1"), headers={"Authorization": key}) for key in keys]
        return [answer.status for answer in answers]

    assert fast_forward(main()) == [429, 200, 429, 200]


def test_alternate_fails_every_second_call() -> None:
    async def main() -> list[int]:
        provider = InProcess()
        return [(await in_process(provider, chat("alternate"))).status for _ in range(4)]

    assert fast_forward(main()) == [200, 500, 200, 500]


def test_reset_ends_the_connection_before_any_answer() -> None:
    answer = meet("reset", stream=True)
    assert (answer.status, answer.body, answer.ending) == (0, b"", "broken")


@pytest.mark.parametrize(("model", "status"), [("html", 200), ("html:502", 502)])
def test_html_answers_with_a_page(model: str, status: int) -> None:
    answer = meet(model)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_empty_is_a_success_with_nothing_in_it() -> None:
    answer = meet("empty", stream=True)
    assert (answer.status, answer.body, answer.ending) == (200, b"", "whole")


def test_wrongtype_is_a_success_in_plain_text() -> None:
    answer = meet("wrongtype")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")


def test_filter_with_a_place_ends_the_answer_there_and_says_so() -> None:
    answer = meet("filter@10", stream=True)
    assert (answer.text, answer.events[-1]) == (words(10), "[DONE]")
    assert answer.events[-2]["choices"][0]["finish_reason"] == "content_filter"


def test_length_and_max_tokens_end_an_answer_at_its_length() -> None:
    assert meet("length").json["choices"][0]["finish_reason"] == "length"
    answer = meet("ok", max_tokens=5)
    assert (answer.text, answer.json["choices"][0]["finish_reason"]) == (words(5), "length")


def test_stop_sequences_end_an_answer_in_mid_word() -> None:
    answer = meet("ok", stop=["oken-3"], stream=True)
    assert answer.text == "token-1 token-2 t"
    assert answer.events[-2]["choices"][0]["finish_reason"] == "stop"


def test_echo_repeats_the_last_user_message() -> None:
    assert meet("echo").text == meet("echo", stream=True).text == "Ciao, come va?"


@pytest.mark.parametrize("said", ["token-1 token-2", "token-1 tok", "token-1 token-2 ", ""])
def test_prefill_continues_exactly_where_it_stops(said: str) -> None:
    messages = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": said}]
    body = {"model": "prefill,tokens=5", "messages": messages, "stream": True}
    assert said + meet_body(body).text == words(5)


def test_no_prefill_refuses_a_trailing_assistant_message_and_nothing_else() -> None:
    messages = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "token-1"}]
    assert meet_body({"model": "no-prefill", "messages": messages}).status == 400
    assert meet_body({"model": "no-prefill", "messages": messages[:1]}).status == 200


def test_a_cut_answer_is_completed_by_another_model_that_continues_it() -> None:
    cut = meet("cut@40,tokens=60", stream=True).text
    messages = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": cut}]
    rest = meet_body({"model": "prefill,tokens=60", "messages": messages}).text
    assert cut + rest == words(60)


def test_reasoning_comes_before_the_answer_and_is_counted_apart() -> None:
    answer = meet("reasoning:3,tokens=2")
    message = answer.json["choices"][0]["message"]
    assert message["content"] == words(2)
    assert message["reasoning_content"] == "thought-1 thought-2 thought-3"
    usage = answer.json["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 3


def test_refusal_is_said_apart_from_the_content() -> None:
    message = meet("refusal,tokens=2").json["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, words(2))


def test_several_choices_come_interleaved_and_cost_what_they_are() -> None:
    answer = meet("ok,tokens=2", n=2, stream=True, stream_options={"include_usage": True})
    deltas = [e["choices"][0] for e in answer.events[:-2]]
    said = {0: "", 1: ""}
    for choice in deltas:
        said[choice["index"]] += choice["delta"].get("content") or ""
    assert said == {0: "token-1 token-2", 1: "choice1-1 choice1-2"}
    assert answer.events[-2]["usage"]["completion_tokens"] == 4


def test_logprobs_come_when_asked_for() -> None:
    content = meet("ok,tokens=2", logprobs=True, top_logprobs=2).json["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["token-1", " token-2"]
    assert [len(entry["top_logprobs"]) for entry in content] == [2, 2]


def test_an_answer_may_have_no_words_at_all() -> None:
    answer = meet("tokens=0", stream=True)
    assert (answer.text, answer.events[-1]) == ("", "[DONE]")


def test_names_of_ones_own_behave_as_ok_and_only_when_declared() -> None:
    assert meet_body(chat("gpt-4o-mini"), models=("gpt-4o-mini",)).status == 200
    assert meet_body(chat("gpt-4o-mini")).status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "Ciao", "stream": True}),
        ("/v1/completions", {"prompt": "Ciao"}),
        ("/v1/embeddings", {"input": ["Ciao", "mondo"]}),
    ],
)
@pytest.mark.parametrize(
    ("model", "status", "ending"),
    [("ok", 200, "whole"), ("cut@3", 200, "broken"), ("503", 503, "whole"), ("reset", 0, "broken")],
)
def test_faults_befall_completions_and_embeddings_too(
    path: str, body: dict[str, Any], model: str, status: int, ending: str
) -> None:
    answer = meet_body(body | {"model": model}, path)
    assert (answer.status, answer.ending) == (status, ending)
