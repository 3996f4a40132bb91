from __future__ import annotations

import pytest

from tests.client.world import config, in_process, words
from tramite import AsyncClient, CompletionCall, InvalidCall, Overloaded, Unsupported
from tramite.providers.infill import template_for, written_out
from tramite.simulator import Engine, InProcess, Options

GAP = CompletionCall(prompt="def add(a, b):\n    return ", suffix="\n\nprint('{prefix}')", stop=("\n\n",))


async def test_targets_and_styles_are_asked_at_once_and_stand_side_by_side() -> None:
    llm, provider = in_process(token_interval_s=0.001)
    columns = await llm.compare("hello", ["sim/tokens=3", "sim/500"], repeat=2, temperature=0, seed=7)
    assert [(column.target, column.style) for column in columns] == [
        ("sim/tokens=3", "chat"),
        ("sim/tokens=3", "completion"),
        ("sim/500", "chat"),
        ("sim/500", "completion"),
    ]
    assert [reply.text for reply in columns[0].replies] == [words(3)] * 2
    assert columns[0].different == 1
    assert columns[1].replies[0].timings.first_token_s is not None
    assert all(isinstance(result, Overloaded) for result in columns[2].results)
    assert provider.stats().open_max > 1


async def test_different_answers_to_the_same_settings_are_counted() -> None:
    llm, _ = in_process()
    [column] = await llm.compare("hello", ["sim/alternate,length"], styles=["chat"], repeat=4)
    assert len(column.results) == 4
    assert column.different == len({reply.text for reply in column.replies}) == 1
    assert len(column.fingerprints) <= 1


async def test_a_comparison_of_nothing_is_refused() -> None:
    llm, _ = in_process()
    for targets, styles, repeat in (([], ["chat"], 1), (["sim/ok"], ["song"], 1), (["sim/ok"], ["chat"], 0)):
        with pytest.raises(InvalidCall):
            await llm.compare("x", targets, styles=styles, repeat=repeat)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "<|fim_prefix|>{p}<|fim_suffix|>{s}<|fim_middle|>"),
        ("bigcode/starcoder2-3b", "<fim_prefix>{p}<fim_suffix>{s}<fim_middle>"),
        ("codellama/CodeLlama-7b-hf", "<PRE> {p} <SUF>{s} <MID>"),
        ("deepseek-coder-6.7b-base", "<｜fim▁begin｜>{p}<｜fim▁hole｜>{s}<｜fim▁end｜>"),
        ("Codestral-22B-v0.1", "[SUFFIX]{s}[PREFIX]{p}"),
    ],
)
def test_each_family_s_gap_is_written_in_its_own_marks(model: str, prompt: str) -> None:
    infill = template_for(model)
    assert infill is not None
    call = written_out(GAP, infill)
    assert call.prompt == prompt.replace("{p}", GAP.prompt).replace("{s}", GAP.suffix or "")
    assert call.suffix is None
    assert call.stop[0] == "\n\n"
    assert set(call.stop[1:]) <= set(infill.stop)


async def test_a_gap_is_written_out_only_where_the_server_knows_no_suffix() -> None:
    models = ("qwen2.5-coder", "gpt-neo")
    llm, provider = in_process(more='unsupported = ["suffix"]\n', models=models)
    reply = await llm.complete(GAP, model="sim/qwen2.5-coder")
    assert "written in the qwen template" in reply.notices[0]
    with pytest.raises(Unsupported, match="suffix"):
        await llm.complete(GAP, model="sim/gpt-neo")
    native = AsyncClient(config(), transport=InProcess(Engine(Options(models=models))))
    assert (await native.complete(GAP, model="sim/qwen2.5-coder")).notices == ()
    assert provider.stats().requests == 1
