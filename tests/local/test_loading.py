"""What is loaded and what is refused; and what happens when a model may be fetched, and when it may not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5ForConditionalGeneration

from tests.local import tiny
from tests.providers.local.hub import Hub, running
from tramite import AsyncClient
from tramite.errors import ModelNotFound, RequestRejected


async def refusal(model: str) -> str:
    async with AsyncClient() as llm:
        with pytest.raises((RequestRejected, ModelNotFound)) as caught:
            await llm.chat("Ciao", model=model, max_tokens=2)
    return str(caught.value)


async def test_a_model_that_is_not_here_is_an_error_that_names_both_ways_to_get_it() -> None:
    said = await refusal("local/owner/name")
    assert "tramite pull owner/name" in said
    assert "allow_download = true under [providers.local]" in said


async def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "own-code")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "unheard-of",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise AssertionError('the code was run')")
    assert "program code of its own, which is never run" in await refusal(f"local/{folder}")


async def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "pickled")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert "a format that runs code when it is read" in await refusal(f"local/{folder}")


async def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "incomplete")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "lacks 1 of its weights, such as model.layers.1.mlp.up_proj.weight" in await refusal(f"local/{folder}")


async def test_a_model_of_vectors_is_not_made_to_write(models: Path) -> None:
    assert "writes no text, it is BertModel" in await refusal(f"local/{models}/bert")


async def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "something")
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        for content in (b"{}", b"nonsense", b""):
            (folder / name).write_bytes(content)
            assert "cannot be loaded: " in await refusal(f"local/{folder}")


async def test_a_model_in_two_parts_answers_in_a_window_of_its_own(tmp_path: Path) -> None:
    tokenizer = tiny.byte_tokenizer(template=None)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    with torch.random.fork_rng():
        torch.manual_seed(13)
        model = T5ForConditionalGeneration(config).eval()
    model.save_pretrained(tmp_path / "t5")
    tokenizer.save_pretrained(tmp_path / "t5")
    given = tokenizer("translate: ciao", return_tensors="pt")["input_ids"]
    expected = model.generate(given, max_new_tokens=12, do_sample=False)[0, 1:]
    async with AsyncClient() as llm:
        reply = await llm.complete("translate: ciao", model=f"local/{tmp_path}/t5", max_tokens=12)
    assert reply.text == tokenizer.decode(expected, skip_special_tokens=True, clean_up_tokenization_spaces=False)


async def test_the_model_that_is_loaded_needs_no_name(models: Path) -> None:
    async with AsyncClient() as llm:
        await llm.chat("a", model=f"local/{models}/llama", max_tokens=1)
        reply = await llm.chat("a", model="local/", max_tokens=1)
        listed = await llm.models("local")
    assert reply.target == f"local/{models}/llama"
    assert [(model.id, model.type, model.loaded) for model in listed] == [(f"{models}/llama", "llm", True)]


CHAT = """
from tramite import Client
with Client() as llm:
    print(llm.chat("Ciao", model="local/tiny/llama", max_tokens=4).usage.output_tokens)
"""


@pytest.mark.timeout(300)  # importing PyTorch three times takes long on a busy machine
def test_a_model_is_fetched_when_the_configuration_says_so_and_never_asked_about_again(tmp_path: Path) -> None:
    folder = tiny.llama(tmp_path / "llama")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    allowed = tmp_path / "allowed.toml"
    allowed.write_text("[providers.local]\nallow_download = true\n")

    def run(hub: str, **more: str) -> subprocess.CompletedProcess[str]:
        environ = os.environ | {"HF_ENDPOINT": hub, "HF_HUB_CACHE": str(tmp_path / "cache")} | more
        return subprocess.run([sys.executable, "-c", CHAT], env=environ, capture_output=True, text=True, check=False)

    with running(Hub({"tiny/llama": files})) as hub:
        refused = run(hub.url)
        assert "ModelNotFound" in refused.stderr
        assert hub.asked == []
        fetched = run(hub.url, TRAMITE_CONFIG=str(allowed))
        assert (fetched.stdout, fetched.stderr) == ("4\n", "")
        hub.asked.clear()
        assert run(hub.url, TRAMITE_CONFIG=str(allowed)).stdout == "4\n"
        assert hub.asked == []
