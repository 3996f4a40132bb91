"""`tramite pull`, by the hub's own library, from a hub on this machine: what comes, what does not, and what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.local.hub import COMMIT, Hub, running
from tramite.errors import ModelNotFound
from tramite.providers.local import places

FILES = {
    "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 99}',
    "model.safetensors": b"weights",
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "modeling_own.py": b"import os",
    "onnx/model.onnx": b"once more",
    "original/model.safetensors": b"once more",
    "README.md": b"words",
}
PICKLED = {name: content for name, content in FILES.items() if "safetensors" not in name}


def tramite(*words: str, hub: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"HF_ENDPOINT": hub, "HF_HUB_CACHE": str(Path("cache").absolute())}
    command = [sys.executable, "-m", "tramite", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_pulled_model_is_listed_and_found_and_holds_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Hub({"tiny/llama": FILES})) as hub:
        done = tramite("pull", "tiny/llama", hub=hub.url)
        assert (done.stdout, done.returncode) == ("local/tiny/llama\n", 0), done.stderr
        again = len(hub.asked)
        assert tramite("pull", "local/tiny/llama", "-q", hub=hub.url).returncode == 0
        assert not any("/resolve/" in path for path in hub.asked[again:])
    folder = Path("cache/models--tiny--llama/snapshots") / COMMIT
    came = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert came == {"config.json", "model.safetensors", "tokenizer.json"}
    monkeypatch.setenv("HF_HUB_CACHE", str(Path("cache").absolute()))
    assert places.find("tiny/llama").samefile(folder)
    listed = tramite("models", "local", "--json", hub="http://127.0.0.1:9")
    (model,) = json.loads(listed.stdout)
    assert (model["name"], model["context_tokens"], model["type"]) == ("local/tiny/llama", 99, "llm")


def test_weights_that_can_run_code_are_not_fetched() -> None:
    with running(Hub({"tiny/llama": PICKLED})) as hub:
        done = tramite("pull", "tiny/llama", hub=hub.url)
        assert not any("/resolve/" in path for path in hub.asked)
    assert done.returncode == 5
    assert "pytorch_model.bin, a format that runs code" in done.stderr


@pytest.mark.parametrize(
    ("refuse", "words", "code"),
    [
        ("GatedRepo", "accepted its conditions: do so at https://huggingface.co/tiny/llama", 3),
        ("RepoNotFound", "the hub has no model tiny/llama, or it is private", 5),
        ("", "the hub has no model tiny/llama", 5),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_to_do(refuse: str, words: str, code: int) -> None:
    with running(Hub({}, refuse)) as hub:
        done = tramite("pull", "tiny/llama", hub=hub.url)
    assert words in " ".join(done.stderr.split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_hub_that_does_not_answer_is_told() -> None:
    done = tramite("pull", "tiny/llama", hub="http://127.0.0.1:9")
    assert "tiny/llama was not fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 5


@pytest.mark.parametrize("name", ["no/such/model", "..", "a b", "tiny/llama"])
def test_nothing_is_fetched_unless_it_was_asked_for(name: str) -> None:
    with pytest.raises(ModelNotFound, match=r"tramite pull .* allow_download = true|no such|no config"):
        places.find(name)
