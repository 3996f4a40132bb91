"""TGI's streams: tokens without an end marker, proven by the text in the last frame, broken by an error in one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite import events as ev
from tramite.assembly import Assembler
from tramite.calls import CompletionCall
from tramite.dialects.base import Watcher
from tramite.dialects.huggingface import HUGGINGFACE
from tramite.replies import TokenLogprob, Usage
from tramite.wire.frames import Frame
from tramite.wire.sse import SSEDecoder

GENERATION = HUGGINGFACE.operations["completion"]
DETAILS = {"finish_reason": "length", "generated_tokens": 2, "seed": None, "input_length": 3}


def token(text: str, special: bool = False, **fields: Any) -> Frame:
    said = {"index": 1, "token": {"id": 5, "text": text, "logprob": -0.5, "special": special}, **fields}
    return Frame(json.dumps({"generated_text": None, "details": None, **said}, separators=(",", ":")).encode())


def last(text: str = "", generated: str = "sì, certo", details: Any = DETAILS, special: bool = False) -> Frame:
    return token(text, special, generated_text=generated, details=details)


def watched(*frames: Frame) -> Watcher:
    watcher = GENERATION.watcher(1)
    for frame in frames:
        watcher.note(frame)
    watcher.close()
    return watcher


def read(*frames: Frame, **settings: Any) -> Assembler:
    assembler = Assembler()
    reader = GENERATION.reader(CompletionCall(**{"prompt": "Q: chi?\nA:", **settings}))
    for frame in frames:
        assembler.feed(reader.read([frame]))
    return assembler


def test_tokens_then_the_last_frame() -> None:
    frames = (token("sì"), token(", certo"), last())
    reply = read(*frames).reply()
    assert (reply.text, reply.finish, reply.usage) == ("sì, certo", "length", Usage(input_tokens=3, output_tokens=2))
    watcher = watched(*frames)
    assert (watcher.proof, watcher.ended, watcher.finish, watcher.error) == (True, True, "length", None)
    assert watcher.usage == reply.usage


def test_without_the_last_frame_nothing_is_proven() -> None:
    watcher = watched(token("sì"), token(", certo"))
    assert (watcher.content, watcher.proof, watcher.ended) == (True, False, False)


def test_a_generated_text_that_is_empty_is_a_proof_and_null_is_none() -> None:
    assert watched(last(" ", generated="")).proof
    assert not watched(token("", generated_text=None)).proof


def test_an_end_marker_of_another_dialect_proves_nothing() -> None:
    watcher = watched(token("sì"), Frame(b"[DONE]"))
    assert (watcher.proof, watcher.ended) == (False, True)
    assert read(token("sì"), Frame(b"[DONE]"), Frame(b"")).text == "sì"


def test_a_last_frame_without_details_is_finished_for_an_unknown_reason() -> None:
    frames = (token("sì"), last(generated="sì", details=None))
    assert (watched(*frames).proof, watched(*frames).finish) == (True, "unknown")
    assert read(*frames).reply().finish == "unknown"


def test_frames_come_without_a_space_and_between_comments() -> None:
    body = b"data:%b\n\n:\n\ndata:%b\n\n" % (token("sì").data, last(generated="sì").data)
    decoder = SSEDecoder()
    frames = [*decoder.feed(body), *decoder.flush()]
    assert read(*frames).text == "sì"
    assert watched(*frames).proof


@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        (er.Overloaded, "overloaded", "Model is overloaded"),
        (er.Overloaded, "generation", "Request failed during generation"),
        (er.Overloaded, "incomplete_generation", "Incomplete generation"),
        (er.RequestRejected, "validation", "`temperature` must be strictly positive"),
        (er.ContextTooLong, "validation", "`inputs` tokens + `max_new_tokens` must be <= 1024. Given: 1 and 10000"),
    ],
)
def test_an_error_in_a_frame_ends_the_stream(kind: type[er.ProviderError], word: str, message: str) -> None:
    failed = Frame(json.dumps({"error": message, "error_type": word}).encode())
    for before in ((), (token("sì"),)):
        watcher = watched(*before, failed, last())
        assert type(watcher.error) is kind
        assert watcher.error.status == 200
        assert not watcher.proof
    assert read(token("sì"), failed).text == "sì"


def test_text_that_looks_like_a_frame_says_nothing() -> None:
    watcher = watched(token("sì"), token('"generated_text":null'), token('{"error":"no"}'))
    assert (watcher.error, watcher.proof) == (None, False)


def test_special_tokens_are_no_text() -> None:
    frames = (token("sì"), last("</s>", generated="sì", special=True))
    assert read(*frames).text == "sì"
    assert not watched(token("<s>", special=True)).content


def test_a_text_that_came_in_no_token_comes_at_the_end() -> None:
    frame = Frame(b'{"token":null,"generated_text":"Q: chi?\\nA: io","details":null}')
    assert read(frame).text == " io"
    assert read(frame, echo=True).text == "Q: chi?\nA: io"
    assert read(token(""), last(generated=" io")).text == " io"
    assert watched(frame).content


@pytest.mark.parametrize("pieces", [("Q: chi?\nA:", " io"), ("Q:", " chi?\nA: io"), ("Q", ": chi?", "\nA: io", "")])
def test_a_prompt_that_is_repeated_is_taken_out(pieces: tuple[str, ...]) -> None:
    frames = [*map(token, pieces), last(generated="Q: chi?\nA: io")]
    assert read(*frames).text == " io"


def test_what_only_begins_as_the_prompt_is_given_out() -> None:
    assert read(token("Q: "), token("cosa?"), last()).text == "Q: cosa?"
    assert read(token("Q: "), last(generated="Q: ")).text == "Q: "


def test_echo_brings_the_prompt_first_and_once() -> None:
    events = GENERATION.reader(CompletionCall(prompt="Q:", echo=True)).read([token(" io"), token("!"), last()])
    assert [event.text for event in events if isinstance(event, ev.TextDelta)] == ["Q:", " io", "!"]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [((" io", "\n", "\n"), " io"), ((" io\n", "\n"), " io"), ((" io\n", "tu"), " io\ntu"), ((" io", "\n"), " io\n")],
)
def test_a_stop_sequence_at_the_end_is_taken_out_however_it_came(pieces: tuple[str, ...], text: str) -> None:
    assert read(*map(token, pieces), last(), stop=["\n\n"]).text == text


def test_probabilities_come_with_each_token_when_asked_for() -> None:
    top = [{"id": 5, "text": " io", "logprob": -0.5}, {"id": 6, "text": " tu", "logprob": -1.5}]
    frames = (token(" io", top_tokens=top), last("!", generated=" io!"))
    assert read(*frames, logprobs=2).reply().logprobs == (
        TokenLogprob(" io", -0.5, ((" io", -0.5), (" tu", -1.5))),
        TokenLogprob("!", -0.5),
    )
    assert read(*frames).reply().logprobs == ()


def test_a_frame_that_is_not_json_is_told_with_what_came_before_it() -> None:
    reader = GENERATION.reader(CompletionCall(prompt="Q:"))
    with pytest.raises(er.BadReply) as caught:
        reader.read([token("sì"), Frame(b'{"token":{"text":"x')])
    assert caught.value.events == (ev.TextDelta("sì"),)
    assert isinstance(watched(Frame(b'{"token":{"text":"x')).error, er.BadReply)


def test_half_an_emoji_does_not_lose_the_frame() -> None:
    frame = Frame(b'{"token":{"text":"\\ud83d","special":false},"generated_text":null}')
    assert read(frame, last()).text == "\ufffd"
    assert watched(frame).content


def test_a_server_repeats_the_prompt_in_the_last_frame_alone() -> None:
    writer = GENERATION.writer(CompletionCall(prompt="Q: chi?", echo=True))
    said = [frame for event in map(ev.TextDelta, ("Q: chi", "? io", "!")) for frame in writer.write(event)]
    writer.write(ev.Finished("stop"))
    frames = [json.loads(frame.data) for frame in [*said, *writer.end()]]
    assert [frame["token"]["text"] for frame in frames] == [" io", "!", ""]
    assert [frame["generated_text"] for frame in frames] == [None, None, "Q: chi? io!"]
    assert [frame["index"] for frame in frames] == [1, 2, 3]
    assert frames[-1]["details"]["finish_reason"] == "eos_token"
