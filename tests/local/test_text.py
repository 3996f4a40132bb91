"""Chats and completions of a local model, through both clients, held against transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.local import tiny
from tramite import AsyncClient, Client, Tool, assistant, system, user
from tramite.errors import ContextTooLong, RequestRejected, Unsupported
from tramite.events import Noticed, TextDelta
from tramite.messages import Image


def reference(folder: Path, prompt: str, tokens: int, **settings: Any) -> str:
    """What transformers' own `generate` writes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    given = tokenizer(prompt, return_tensors="pt", add_special_tokens=not prompt.startswith("<s>"))
    written = model.generate(**given, max_new_tokens=tokens, **settings)[0, given["input_ids"].shape[1] :]
    return tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)


async def test_a_chat_goes_through_the_models_own_template(models: Path) -> None:
    async with AsyncClient() as llm:
        reply = await llm.chat([system("Breve."), user("Ciao!")], model=f"local/{models}/llama", max_tokens=30)
    expected = reference(models / "llama", "<s><system>Breve.</s><user>Ciao!</s><assistant>", 30, do_sample=False)
    assert reply.text == expected
    assert (reply.finish, reply.usage.input_tokens, reply.usage.output_tokens) == ("length", 34, 30)
    assert reply.target == f"local/{models}/llama"
    assert reply.notices == ()


async def test_a_completion_continues_the_prompt(models: Path) -> None:
    async with AsyncClient() as llm:
        reply = await llm.complete("The quick", model=f"local/{models}/llama", max_tokens=25)
        echoed = await llm.complete("The quick", model=f"local/{models}/llama", max_tokens=25, echo=True)
    assert reply.text == reference(models / "llama", "The quick", 25, do_sample=False)
    assert echoed.text == "The quick" + reply.text


def test_the_synchronous_client_streams_token_by_token(models: Path) -> None:
    with Client() as llm:
        whole = llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=30)
        with llm.stream("Ciao", model=f"local/{models}/llama", max_tokens=30) as stream:
            pieces = list(stream.text)
    assert "".join(pieces) == whole.text == stream.reply.text
    assert len(pieces) > 15  # a token in the middle of a character shows nothing
    assert stream.reply.usage == whole.usage
    assert stream.reply.finish == "length"


async def test_the_model_ends_its_answer_with_one_of_its_own_marks(models: Path, tmp_path: Path) -> None:
    written = AutoTokenizer.from_pretrained(models / "llama")
    first = reference(models / "llama", "<s><user>Ciao</s><assistant>", 12, do_sample=False)
    async with AsyncClient() as llm:
        whole = await llm.chat("Ciao", model=f"local/{models}/llama", max_tokens=12)
    assert whole.text == first
    mark = written(first, add_special_tokens=False)["input_ids"][3]
    folder = tiny.llama(tmp_path / "ending", eos_token_id=[2, mark])
    async with AsyncClient() as llm:
        reply = await llm.chat("Ciao", model=f"local/{folder}", max_tokens=100)
    assert reply.finish == "stop"
    assert whole.text.startswith(reply.text)
    assert len(reply.text) < len(whole.text)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
async def test_a_stop_sequence_is_never_shown_wherever_the_tokens_divide_it(models: Path, length: int) -> None:
    model = f"local/{models}/llama"
    async with AsyncClient() as llm:
        whole = (await llm.complete("Cosa", model=model, max_tokens=40)).text
        for start in range(0, len(whole) - length, 5):
            stop = whole[start : start + length]
            pieces = []
            async with llm.stream_complete("Cosa", model=model, max_tokens=40, stop=["never", stop]) as stream:
                async for piece in stream.text:
                    pieces.append(piece)  # what is shown is looked at as it comes
                    assert stop not in "".join(pieces)
            assert "".join(pieces) == whole[: whole.index(stop)]
            assert stream.reply.finish == "stop"


async def test_the_same_seed_gives_the_same_text_and_leaves_the_process_its_own_chance(models: Path) -> None:
    model = f"local/{models}/llama"
    before = torch.random.get_rng_state()
    async with AsyncClient() as llm:
        settings: dict[str, Any] = {"model": model, "max_tokens": 20, "temperature": 1.0}
        texts = [(await llm.complete("La", **settings, seed=seed)).text for seed in (7, 7, 8, -1)]
        unseeded = {(await llm.complete("La", **settings)).text for _ in range(3)}
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3
    assert len(unseeded) == 3
    assert torch.equal(torch.random.get_rng_state(), before)


async def test_temperature_and_top_p_steer_the_choice(models: Path) -> None:
    model = f"local/{models}/llama"
    async with AsyncClient() as llm:
        greedy = await llm.complete("La", model=model, max_tokens=20, temperature=0)
        narrow = await llm.complete("La", model=model, max_tokens=20, temperature=2, top_p=0.001, seed=1)
        one = await llm.complete("La", model=model, max_tokens=20, temperature=2, seed=1, extra={"top_k": 1})
        nothing = await llm.complete("La", model=model, max_tokens=20, temperature=2, top_p=0, seed=1)
        wild = await llm.complete("La", model=model, max_tokens=20, temperature=2, seed=1)
    assert greedy.text == narrow.text == nothing.text == one.text != wild.text


async def test_what_nobody_says_is_as_the_models_own_settings_have_it(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "own", do_sample=True, temperature=1.5, max_new_tokens=9)
    async with AsyncClient() as llm:
        texts = {(await llm.complete("La", model=f"local/{folder}", seed=seed)).text for seed in range(4)}
        reply = await llm.complete("La", model=f"local/{folder}", temperature=0)
    assert len(texts) == 4
    assert (reply.usage.output_tokens, reply.finish) == (9, "length")


async def test_without_max_tokens_an_answer_may_fill_the_window(models: Path) -> None:
    async with AsyncClient() as llm:
        reply = await llm.complete("The", model=f"local/{models}/llama", temperature=1.0, seed=5, stop=["\n\n"])
    assert reply.finish in ("stop", "length")
    assert (reply.usage.total_tokens or 0) <= 256


async def test_what_cannot_fit_is_refused_before_it_is_begun(models: Path) -> None:
    model = f"local/{models}/llama"
    async with AsyncClient() as llm:
        with pytest.raises(ContextTooLong, match=r"256 tokens; the prompt has \d+ and 250 are to be written"):
            await llm.chat("Cosa fare sulle Alpi?", model=model, max_tokens=250)
        with pytest.raises(ContextTooLong):
            async with llm.stream("così " * 300, model=model) as stream:
                await stream.fill()


async def test_an_answer_that_was_begun_by_the_caller_is_continued(models: Path) -> None:
    async with AsyncClient() as llm:
        reply = await llm.chat([user("Ciao"), assistant("La città")], model=f"local/{models}/llama", max_tokens=10)
    assert reply.text == reference(models / "llama", "<s><user>Ciao</s><assistant>La città", 10, do_sample=False)


async def test_what_the_template_refuses_is_told_in_its_words(models: Path) -> None:
    async with AsyncClient() as llm:
        with pytest.raises(RequestRejected, match="refuses these messages: system comes first"):
            await llm.chat([user("a"), assistant("b"), system("c"), user("d")], model=f"local/{models}/llama")


async def test_a_model_without_a_template_gets_plain_text_and_it_is_said(models: Path) -> None:
    async with AsyncClient() as llm:
        messages = [system("Breve."), user("Ciao")]
        reply = await llm.chat(messages, model=f"local/{models}/plain", max_tokens=10)
        async with llm.stream(messages, model=f"local/{models}/plain", max_tokens=10) as stream:
            events = [event async for event in stream]
    expected = reference(models / "plain", "System: Breve.\n\nUser: Ciao\n\nAssistant:", 10, do_sample=False)
    assert reply.text == expected
    assert any("has no chat template" in notice for notice in reply.notices)
    assert any(isinstance(event, Noticed) and "has no chat template" in event.text for event in events)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == expected


async def test_what_it_does_not_have_is_an_error_or_a_notice(models: Path) -> None:
    model = f"local/{models}/llama"
    picture = Image(data=b"\x89PNG\r\n\x1a\n")
    async with AsyncClient() as llm:
        for settings in ({"n": 2}, {"tools": [Tool("now")]}, {"schema": {"type": "object"}}):
            with pytest.raises(Unsupported):
                await llm.chat("a", model=model, **settings)  # type: ignore[arg-type]  # that is the test
        with pytest.raises(RequestRejected, match="text alone"):
            await llm.chat(user("what is this?", picture), model=model)
        with pytest.raises(RequestRejected, match="do not support best_of"):
            await llm.complete("a", model=model, extra={"best_of": 3})
        with pytest.raises(RequestRejected, match="repetition_penalty must be a number"):
            await llm.complete("a", model=model, extra={"repetition_penalty": "high"})
        with pytest.raises(RequestRejected, match="top_k must be a whole number from 0"):
            await llm.complete("a", model=model, extra={"top_k": -1})
        reply = await llm.chat("a", model=model, max_tokens=2, presence_penalty=1, logprobs=2)
    assert {word for word in ("presence_penalty", "logprobs") if any(word in said for said in reply.notices)} == {
        "presence_penalty",
        "logprobs",
    }
