"""What `tramite config show --origin` and `tramite doctor` are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.world import World
from tramite.config import show

# They occur in none of the words that stand around a secret
HIDDEN = st.text("J~^%|`", min_size=1, max_size=60)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_row_says_where_it_comes_from(world: World) -> None:
    own = world.own(
        "default_model = 'fast'\n[routes.fast]\ntargets = ['demo/a', 'demo/b']\n[providers.vllm]\nprefill=true"
    )
    config = world.load(OPENAI_API_KEY="sk-0123456789abcdef", TRAMITE_RETRY_ATTEMPTS="2", LMSTUDIO_URL="127.0.0.1:9")
    found = {row.key: (row.value, row.origin) for row in show.rows(config)}
    assert found["default_model"] == ("fast", str(own))
    assert found["routes.fast.targets"] == ("demo/a, demo/b", str(own))
    assert found["routes.fast.on_stream_failure"] == ("terminate", "default")
    assert found["providers.openai.api_key"] == ("env:OPENAI_API_KEY …cdef", "env OPENAI_API_KEY")
    assert found["providers.lmstudio.base_url"] == ("http://127.0.0.1:9/v1", "env LMSTUDIO_URL")
    assert found["providers.vllm.prefill"] == ("true", str(own))
    assert found["retry.attempts"] == ("2", "env TRAMITE_RETRY_ATTEMPTS")
    assert found["timeouts.stall_s"] == ("30.0", "default")
    assert "timeouts.first_token_s" not in found
    assert "providers.openai.base_url" not in found


def test_a_secret_that_cannot_be_read_is_said_so_in_its_row(world: World) -> None:
    world.own("[providers.openai]\napi_key = 'file:/nowhere/at/all'\n[providers.groq]\napi_key = 'env:NOT_SET'")
    found = {row.key: row.value for row in show.rows(world.load())}
    assert "file:/nowhere/at/all: the secret file:/nowhere/at/all is not set" in found["providers.openai.api_key"]
    assert "tramite secrets set NOT_SET" in found["providers.groq.api_key"]


def test_a_command_is_not_run_for_showing(world: World) -> None:
    ran = world.folder / "ran"
    world.own(f"[providers.openai]\napi_key = 'command:touch {ran}'")
    found = {row.key: row.value for row in show.rows(world.load())}
    assert found["providers.openai.api_key"] == "command:touch …"
    assert not ran.exists()


def test_passwords_in_addresses_are_not_shown(world: World) -> None:
    world.own("[store]\nurl = 'postgresql://me:hunter2@db.example/x'\n[state]\nurl = 'redis://:hunter3@r.example/0'")
    rows = show.rows(world.load())
    assert not [row for row in rows if "hunter" in row.value]
    assert ("store.url", "postgresql://…@db.example/x") in [(row.key, row.value) for row in rows]


@given(HIDDEN)
def test_no_part_of_a_secret_is_shown_but_its_end(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    config = World(tmp_path_factory.mktemp("show")).load(OPENAI_API_KEY=value)
    shown = [*map(repr, show.rows(config)), *show.warnings(config), repr(config), repr(config.default)]
    assert config.providers["openai"].credentials() == {"authorization": f"Bearer {value}"}
    text = "\n".join([*shown, repr(config), str(config.providers["openai"])])
    left = text.replace(value[-4:], "") if len(value) > 12 else text
    assert not any(char in left for char in value)


def test_doctor_hears_of_secrets_written_out_or_sent_in_the_clear(world: World) -> None:
    world.own(
        "[providers.openai]\napi_key = 'sk-written-out-here'\n[providers.mine]\nbase_url = 'http://box.lan/v1'\n"
        "api_key = 'env:MINE_KEY'\n[providers.here]\nbase_url = 'http://127.0.0.1:1/v1'\napi_key = 'env:MINE_KEY'"
    )
    found = show.warnings(world.load(MINE_KEY="k", TRAMITE_RETRY_ATEMPTS="1"))
    assert [line for line in found if "providers.openai.api_key is written out" in line]
    assert [line for line in found if "the secret of mine goes to http://box.lan/v1 unencrypted" in line]
    assert [line for line in found if "TRAMITE_RETRY_ATEMPTS" in line]
    assert len(found) == 3
    assert not [line for line in found if "sk-written" in line]
