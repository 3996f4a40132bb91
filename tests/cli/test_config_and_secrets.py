"""`tramite config` and `tramite secrets`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.world import KEY, call, configured, nobody, variables

SECRET = "sk-abcdefghijklmnop9876"


def secrets_file() -> Path:
    return Path(os.environ["TRAMITE_HOME"]) / "secrets.json"


def test_every_value_is_shown_with_where_it_comes_from() -> None:
    with configured("http://127.0.0.1:9/v1"), variables(TRAMITE_TIMEOUTS_STALL_S="12"):
        done = call("config", "show", "--origin")
        told = json.loads(call("config", "show", "--json").stdout)
    rows = {row[0]: row[1:] for row in (line.split("\t") for line in done.stdout.splitlines())}
    assert rows["default_model"] == ["sim/ok", str(Path("sim.toml").absolute())]
    assert rows["timeouts.stall_s"] == ["12.0", "env TRAMITE_TIMEOUTS_STALL_S"]
    assert rows["timeouts.deadline_s"] == ["600.0", "default"]
    assert rows["providers.sim.api_key"][0] == "env:SIM_KEY …wxyz"
    assert {row["key"]: row["value"] for row in told["settings"]}["default_model"] == "sim/ok"


def test_a_secret_that_is_written_out_is_warned_of_and_not_shown() -> None:
    with configured("http://127.0.0.1:9/v1", more=f'[providers.x]\nbase_url = "http://[::1]:9"\napi_key = "{KEY}"\n'):
        done = call("config", "show")
    assert "providers.x.api_key is written out" in done.stderr


def test_the_path_of_the_file_to_edit_is_one_line() -> None:
    with nobody():
        assert call("config", "path").stdout == f"{Path('nobody.toml').absolute()}\n"
    assert call("config", "path").stdout == f"{os.environ['TRAMITE_HOME']}/tramite.toml\n"
    assert "secrets" in call("config", "path", "--all").stdout


def test_a_folder_that_wants_more_than_a_folder_may_has_to_be_trusted() -> None:
    Path("tramite.toml").write_text('[providers.openai]\nbase_url = "https://elsewhere.example/v1"\n')
    with variables(OPENAI_API_KEY=SECRET):
        refused = call("config", "show")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "tramite config trust" in refused.stderr
        asked = call("config", "trust")
        assert asked.exit_code == 2
        assert "https://elsewhere.example/v1" in asked.stderr
        granted = call("config", "trust", "--yes")
        assert "https://elsewhere.example/v1" in granted.stderr
        assert "https://elsewhere.example/v1" in call("config", "show").stdout
        assert "trusted already" in call("config", "trust").stderr
        call("config", "trust", "--revoke")
        assert call("config", "show").exit_code == 1
        assert SECRET not in asked.output + granted.output


def test_a_folder_that_wants_nothing_needs_no_trust() -> None:
    done = call("config", "trust")
    assert done.exit_code == 0
    assert "nothing" in done.stderr


def test_a_secret_is_kept_listed_by_its_end_and_removed() -> None:
    kept = call("secrets", "set", "openai", stdin=f"{SECRET}\n")
    assert kept.exit_code == 0
    assert stat.S_IMODE(secrets_file().stat().st_mode) == 0o600
    assert json.loads(secrets_file().read_text()) == {"OPENAI_API_KEY": SECRET}
    listed = call("secrets", "list")
    assert listed.stdout == "OPENAI_API_KEY\topenai, openai-responses\tstored:OPENAI_API_KEY …9876\n"
    removed = call("secrets", "remove", "OPENAI_API_KEY")
    assert json.loads(secrets_file().read_text()) == {}
    assert "no secrets yet" in call("secrets", "list").stderr
    assert SECRET not in kept.output + listed.output + removed.output


def test_secrets_of_the_environment_are_listed_with_who_uses_them() -> None:
    with variables(GROQ_API_KEY=SECRET):
        rows = json.loads(call("secrets", "list", "--json").stdout)
    assert rows == [{"secret": "GROQ_API_KEY", "used_by": "groq", "source": "env:GROQ_API_KEY …9876"}]


def test_a_kept_secret_that_the_environment_overrides_is_said_so() -> None:
    with variables(OPENAI_API_KEY="sk-0"):
        done = call("secrets", "set", "OPENAI_API_KEY", stdin=SECRET)
    assert "goes first" in done.stderr


@pytest.mark.parametrize("arguments", [("OPENAI_API_KEY", SECRET), (SECRET,), ("openai", "a", "b")])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(arguments: tuple[str, ...]) -> None:
    done = call("secrets", "set", *arguments)
    assert done.exit_code == 2
    assert SECRET not in done.output
    assert not secrets_file().exists()


@pytest.mark.parametrize("value", ["", "two\nlines", "caffè"])
def test_what_cannot_be_a_secret_is_refused_and_not_repeated(value: str) -> None:
    done = call("secrets", "set", "OPENAI_API_KEY", stdin=value)
    assert done.exit_code == 1
    assert not value or value not in done.output
    assert not secrets_file().exists()
