"""Text generation, whole: what goes out, what comes back, and where the prompt and the stop sequences stay."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.calls import CompletionCall
from tramite.dialects.base import Serves, Target, Traits, decode_for
from tramite.dialects.huggingface import HUGGINGFACE
from tramite.dialects.huggingface.cutting import Cutter, trimmed
from tramite.errors import BadReply, InvalidCall, Overloaded, Unsupported
from tramite.messages import assistant
from tramite.replies import Choice, Reply, TokenLogprob, Usage

GENERATION = HUGGINGFACE.operations["completion"]
ROUTER = Target("huggingface", "org/model", Traits(serves="router"))
TGI = Target("mine", "tgi")


def sent(target: Target = TGI, stream: bool = False, **settings: Any) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Path, body and notices."""
    encoded = GENERATION.encode(CompletionCall(**{"prompt": "Q:", **settings}), target, stream)
    return encoded.path, json.loads(encoded.body), encoded.notices


def parameters(**settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = sent(**settings)[1]["parameters"]
    return found


def reply(payload: Any, **settings: Any) -> Reply:
    call = CompletionCall(**{"prompt": "Q:", **settings})
    found: Reply = decode_for(GENERATION, json.dumps(payload).encode(), call)
    return found


@pytest.mark.parametrize(
    ("serves", "stream", "path", "said"),
    [
        ("containers", False, "/generate", None),
        ("containers", True, "/generate_stream", None),
        ("tgi", True, "/generate_stream", None),
        ("router", False, "/hf-inference/models/org/model", None),
        ("router", True, "/hf-inference/models/org/model", True),
        ("task", False, "", None),
        ("task", True, "", True),
    ],
)
def test_the_path_is_what_serves(serves: Serves, stream: bool, path: str, said: bool | None) -> None:
    target = Target("mine", "org/model", Traits(serves=serves))
    found, body, _ = sent(target, stream)
    assert (found, body.get("stream")) == (path, said)


@pytest.mark.parametrize("name", ["../../x", "org/../x", "./x", "a//b", "/x", ""])
def test_a_model_that_would_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InvalidCall, match="is not a model's name"):
        sent(Target("huggingface", name, ROUTER.traits))


def test_a_models_name_is_one_step_of_the_path_whatever_is_in_it() -> None:
    path, _, _ = sent(Target("huggingface", "org/mo del?x#y%2e", ROUTER.traits))
    assert path == "/hf-inference/models/org/mo%20del%3Fx%23y%252e"
    call, _ = GENERATION.decode_call(b'{"inputs":"Q:"}', path)
    assert call.model == "org/mo del?x#y%2e"


def test_completions_of_another_provider_than_hf_inference_are_refused() -> None:
    with pytest.raises(Unsupported, match="leave out :together"):
        sent(Target("huggingface", "org/model:together", ROUTER.traits))
    assert sent(Target("huggingface", "org/model:hf-inference", ROUTER.traits))[0] == "/hf-inference/models/org/model"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"temperature": 0}, {"do_sample": False}),
        ({"temperature": 0, "top_p": 0.9}, {"do_sample": False}),
        ({"temperature": 0.7}, {"do_sample": True, "temperature": 0.7}),
        ({"temperature": 0.7, "top_p": 0.9}, {"do_sample": True, "temperature": 0.7, "top_p": 0.9}),
        ({"temperature": 0.7, "top_p": 1}, {"do_sample": True, "temperature": 0.7}),
        ({"top_p": 0.9}, {"do_sample": True, "top_p": 0.9}),
        ({"top_p": 1.0}, {}),
        ({"extra": {"do_sample": True}}, {"do_sample": True}),
    ],
)
def test_sampling_follows_the_temperature(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    found = parameters(**settings)
    assert {name: value for name, value in found.items() if name in ("do_sample", "temperature", "top_p")} == expected


def test_every_setting_has_its_name() -> None:
    assert parameters(max_tokens=5, seed=7, stop=["\n"], frequency_penalty=0.5, logprobs=3, echo=True) == {
        "details": True,
        "return_full_text": True,
        "max_new_tokens": 5,
        "seed": 7,
        "stop": ["\n"],
        "frequency_penalty": 0.5,
        "top_n_tokens": 3,
    }


def test_extra_goes_into_the_parameters_and_options_beside_them() -> None:
    _, body, _ = sent(extra={"top_k": 5, "repetition_penalty": 1.1, "options": {"wait_for_model": True}})
    assert body["parameters"]["top_k"] == 5
    assert body["parameters"]["repetition_penalty"] == 1.1
    assert body["options"] == {"wait_for_model": True}
    with pytest.raises(InvalidCall, match="max_new_tokens"):
        sent(extra={"max_new_tokens": 5})


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"suffix": "x"}, "suffix"), ({"n": 2}, "n"), ({"seed": -1}, "seed"), ({"top_p": 0}, "top_p")],
)
def test_what_it_cannot_do_is_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Unsupported) as caught:
        sent(**settings)
    assert caught.value.field == field


def test_what_a_target_refuses_is_left_out_and_named_if_somebody_asked_for_it() -> None:
    plain = Traits(unsupported=("details", "return_full_text", "stop", "logprobs"))
    _, body, notices = sent(Target("mine", "t5", plain), stop=["\n"], presence_penalty=1)
    assert body["parameters"] == {}
    assert notices == (
        "mine/t5 does not support presence_penalty: it was left out",
        "mine/t5 does not support stop: it was left out",
    )


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_reply_with_details(wrapped: bool) -> None:
    details = {"finish_reason": "length", "generated_tokens": 3, "seed": None, "prefill": [], "tokens": []}
    whole = {"generated_text": " sì", "details": details}
    got = reply([whole] if wrapped else whole)
    assert (got.text, got.finish, got.usage) == (" sì", "length", Usage(output_tokens=3))


def test_a_reply_without_details_is_finished_for_an_unknown_reason() -> None:
    got = reply([{"generated_text": " sì"}])
    assert (got.text, got.finish, got.usage) == (" sì", "unknown", Usage())


def test_the_tokens_of_the_prompt_are_counted_where_they_are_told() -> None:
    details = {"finish_reason": "eos_token", "generated_tokens": 3, "prefill": [{"id": 1, "text": "Q"}, {"id": 2}]}
    assert reply({"generated_text": "x", "details": details}).usage == Usage(input_tokens=2, output_tokens=3)
    details["input_length"] = 5
    assert reply({"generated_text": "x", "details": details}).usage == Usage(input_tokens=5, output_tokens=3)


def test_the_generations_beside_the_best_are_choices_and_cost_too() -> None:
    other = {"generated_text": "b", "finish_reason": "length", "generated_tokens": 4, "prefill": [], "tokens": []}
    details = {"finish_reason": "eos_token", "generated_tokens": 3, "best_of_sequences": [other]}
    got = reply({"generated_text": "a", "details": details}, extra={"best_of": 2})
    assert [(choice.message.text, choice.finish) for choice in got.choices] == [("a", "stop"), ("b", "length")]
    assert got.usage.output_tokens == 7


def test_probabilities_come_with_the_tokens_when_asked_for() -> None:
    tokens = [
        {"id": 5, "text": " sì", "logprob": -0.5, "special": False},
        {"id": 2, "text": "</s>", "logprob": -0.1, "special": True},
    ]
    top = [[{"id": 5, "text": " sì", "logprob": -0.5}, {"id": 6, "text": " no", "logprob": -1.5}], []]
    details = {"finish_reason": "eos_token", "generated_tokens": 2, "tokens": tokens, "top_tokens": top}
    whole = {"generated_text": " sì", "details": details}
    assert reply(whole, logprobs=2).logprobs == (TokenLogprob(" sì", -0.5, ((" sì", -0.5), (" no", -1.5))),)
    assert reply(whole).logprobs == ()


@pytest.mark.parametrize(
    ("prompt", "text", "settings", "expected"),
    [
        ("Q: 2+2?\nA:", "Q: 2+2?\nA: 4", {}, " 4"),
        ("Q: 2+2?\nA:", " 4", {}, " 4"),
        ("Q: 2+2?\nA:", "Q: 2+2?\nA: 4", {"echo": True}, "Q: 2+2?\nA: 4"),
        ("Q: 2+2?\nA:", " 4", {"echo": True}, "Q: 2+2?\nA: 4"),
        ("Q: 2+2?\nA:", "Q: 2+2?\nA:", {}, ""),
        ("\n", "\n\nCiao", {}, "\n\nCiao"),  # white space says nothing of who wrote it
        ("", "Ciao", {}, "Ciao"),
        ("Q:", " 4\n", {"stop": ["\n"]}, " 4"),
        ("Q:", " 4###", {"stop": ["\n", "###"]}, " 4"),
        ("Q:", " 4\n5", {"stop": ["\n"]}, " 4\n5"),
        ("Q:\n", "Q:\n", {"stop": ["\n"], "echo": True}, "Q:\n"),
        ("Q:\n", "Q:\n 4\n", {"stop": ["\n"], "echo": True}, "Q:\n 4"),
    ],
)
def test_prompt_and_stop_sequences_are_no_part_of_the_answer(
    prompt: str, text: str, settings: dict[str, Any], expected: str
) -> None:
    assert reply([{"generated_text": text}], prompt=prompt, **settings).text == expected


@given(
    prompt=st.text("ab\n", max_size=4),
    text=st.text("ab\n", max_size=8),
    stops=st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=2).map(tuple),
    cuts=st.lists(st.integers(0, 8), max_size=3),
)
def test_text_in_pieces_is_cut_as_the_whole_is(prompt: str, text: str, stops: tuple[str, ...], cuts: list[int]) -> None:
    cutter = Cutter(prompt, stops)
    edges = [0, *sorted(cuts), len(text)]
    said = "".join(cutter.feed(text[start:end]) for start, end in pairwise(edges)) + cutter.end()
    assert said == trimmed(text, CompletionCall(prompt=prompt, stop=stops))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[{}]",
        b'[{"generated_text":null}]',
        b'{"generated_text":5}',
        b'{"generated_text":"\xff"}',
        b'[{"generated_text":"a"',
        b"<html>",
        b'[{"summary_text":"a"}]',
    ],
)
def test_what_is_no_generation_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReply):
        GENERATION.decode(body)
    signals = GENERATION.judge(body)
    assert isinstance(signals.error, BadReply)
    assert not signals.proof


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_error_inside_of_a_success_is_that_error(wrapped: bool) -> None:
    payload: Any = {"error": "Model is overloaded", "error_type": "overloaded"}
    body = json.dumps([payload] if wrapped else payload).encode()
    with pytest.raises(Overloaded, match="Model is overloaded"):
        GENERATION.decode(body)
    assert isinstance(GENERATION.judge(body).error, Overloaded)


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/generate", None, False),
        ("/generate_stream", None, True),
        ("/", "", False),
        ("/models/gpt2", "gpt2", False),
        ("/hf-inference/models/org/model?x=1", "org/model", False),
        ("/models/sim/cut@40/generate_stream", "sim/cut@40", True),
    ],
)
def test_a_server_reads_the_model_from_the_path(path: str, model: str | None, stream: bool) -> None:
    call, streams = GENERATION.decode_call(b'{"inputs":"Q:","parameters":null}', path)
    assert (call.model, streams) == (model, stream)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "inputs"),
        (b'{"inputs":[{"role":"user"}]}', "inputs"),
        (b'{"inputs":"Q:","parameters":[]}', "parameters"),
        (b'{"inputs":"Q:","parameters":{"max_new_tokens":"5"}}', "max_new_tokens"),
        (b'{"inputs":"Q:","parameters":{"temperature":9}}', "temperature"),
        (b'{"inputs":"Q:","stream":"yes"}', "stream"),
    ],
)
def test_a_server_says_which_field_is_wrong(body: bytes, field: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        GENERATION.decode_call(body, "/generate")
    assert caught.value.field == field


def test_a_server_gives_details_to_who_asks_and_a_list_where_the_model_was_named() -> None:
    given = Reply(choices=(Choice(assistant("sì"), "stop"),), usage=Usage(input_tokens=2, output_tokens=1))
    quiet, _ = GENERATION.decode_call(b'{"inputs":"Q:"}', "/generate")
    asking, _ = GENERATION.decode_call(b'{"inputs":"Q:","parameters":{"details":true,"stop":["x"]}}', "/models/m")
    assert json.loads(GENERATION.encode_reply(given, quiet)) == {"generated_text": "sì"}
    (found,) = json.loads(GENERATION.encode_reply(given, asking))
    assert found["details"]["finish_reason"] == "stop_sequence"
    assert found["details"]["generated_tokens"] == 1
