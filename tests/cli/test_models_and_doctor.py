"""`tramite models` and `tramite doctor`: what is there, and what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.cli.world import KEY, call, configured, nobody, provider

BROKEN = '[providers.broken]\nbase_url = "http://127.0.0.1:9/v1"\n'


def findings(*arguments: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The doctor's exit code, and its findings by what they are about."""
    done = call("doctor", "--json", *arguments)
    by: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        by.setdefault(finding["what"], []).append(finding)
    return done.exit_code, by


def test_models_of_one_provider_by_their_full_names() -> None:
    with provider():
        names = [row["name"] for row in json.loads(call("models", "sim", "--json").stdout)]
        lines = call("models", "sim/").stdout.splitlines()
    assert "sim/ok" in names
    assert lines[0].split("\t")[0] == names[0]


def test_a_provider_that_fails_does_not_keep_the_others_from_being_listed() -> None:
    with provider(more=BROKEN):
        done = call("models")
    assert done.exit_code == 0
    assert done.stdout.startswith("sim/ok")
    assert "broken does not say what it has" in done.stderr


def test_when_nobody_can_be_asked_it_says_what_to_do() -> None:
    with nobody():
        done = call("models")
    assert done.exit_code == 0
    assert all(line.startswith("embedded/") for line in done.stdout.splitlines())
    assert "tramite doctor" in done.stderr


def test_a_doctor_finds_what_answers_and_what_does_not() -> None:
    with provider(more=BROKEN):
        code, found = findings()
        text = call("doctor")
    assert code == 0
    assert found["sim"][0]["state"] == "ok"
    assert "env:SIM_KEY …wxyz" in found["sim"][0]["text"]
    assert found["broken"][0]["state"] == "error"
    assert found["broken"][0]["fix"]
    assert "sim/ok" in found["default"][0]["text"]
    assert "OPENAI_API_KEY" in found["no secret"][0]["text"]
    assert "A model can be used" in text.stdout


def test_a_doctor_ends_with_1_when_nothing_can_be_used() -> None:
    with nobody():
        code, found = findings()
    assert code == 1
    assert found["default"][0]["state"] == "error"
    assert "secrets set" in found["default"][0]["fix"]


def test_a_doctor_survives_a_broken_configuration() -> None:
    with configured("not an address"):
        code, found = findings()
    assert code == 1
    assert "sim.toml" in found["configuration"][0]["text"]


def test_a_doctor_finds_a_dotenv_that_git_tracks() -> None:
    Path(".env").write_text("OTHER=1\n")
    with nobody():
        assert findings()[1][".env"][0]["state"] == "ok"  # there is no git here
        subprocess.run(["git", "init", "-q"], check=True)
        assert "does not ignore" in findings()[1][".env"][0]["text"]
        subprocess.run(["git", "add", ".env"], check=True)
        finding = findings()[1][".env"][0]
    assert finding["state"] == "warning"
    assert "git rm --cached .env" in finding["fix"]


def test_a_doctor_finds_secrets_that_others_can_read() -> None:
    call("secrets", "set", "MINE", stdin="sk-abcdefghijklmnop")
    file = Path(os.environ["TRAMITE_HOME"]) / "secrets.json"
    file.chmod(0o644)
    with nobody():
        assert "chmod 600" in findings()[1]["secrets"][0]["text"]
    with configured(
        "http://127.0.0.1:9/v1", more=f'[providers.x]\nbase_url = "http://127.0.0.1:9"\napi_key = "{KEY}"\n'
    ):
        texts = [one["text"] for one in findings()[1]["configuration"]]
    assert any("providers.x.api_key is written out in" in text for text in texts)
