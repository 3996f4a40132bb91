"""What is said when a configuration is wrong: file, key, value and what was expected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.config.world import World
from tramite.config import load
from tramite.errors import ConfigError, UnknownProvider


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("defautl_model = 'x'", ["there is no setting 'defautl_model'", "did you mean default_model?"]),
        ("[retri]\nattempts = 1", ["there is no setting 'retri'", "did you mean retry?"]),
        ("[retry]\natempts = 1", ["retry.atempts", "did you mean attempts?"]),
        ("[retry]\nattempts = 'five'", ["retry.attempts is 'five'", "expected a whole number from 1 to 100"]),
        ("[retry]\nattempts = 0", ["retry.attempts is 0", "from 1 to 100"]),
        ("[retry]\nattempts = true", ["retry.attempts is True"]),
        ("[retry]\nattempts = 2.5", ["retry.attempts is 2.5"]),
        ("[retry]\nstrategy = 'linear'", ["retry.strategy is 'linear'", "fixed, random, exponential"]),
        ("[retry]\nbase_s = 9.0\nmax_s = 1.0", ["retry.base_s is 9.0", "at most retry.max_s"]),
        ("retry = 3", ["retry must be a table, written as [retry]"]),
        ("[timeouts]\nstall_s = 0", ["timeouts.stall_s is 0", "more than 0"]),
        ("[timeouts]\nstall_s = -1.0", ["timeouts.stall_s is -1.0"]),
        ("[timeouts]\nstall_s = inf", ["timeouts.stall_s is inf"]),
        ("[timeouts]\nstall_s = nan", ["timeouts.stall_s is nan"]),
        ("[limits.openai]\nconcurrency = 0", ["limits.openai.concurrency is 0"]),
        ('[limits."openai/x"]\ntokens_per_minute = -5', ['limits."openai/x".tokens_per_minute is -5']),
        ("[limits.opnai]\nconcurrency = 1", ["limits.opnai", "did you mean openai?"]),
        ("[models.nobody]\ncontext_tokens = 1", ["models.nobody"]),
        ('[models."openai/x"]\ninput_per_million = -0.1', ["input_per_million is -0.1", "dollars per million"]),
        ("[gateway]\nport = 70000", ["gateway.port is 70000", "a port from 1 to 65535"]),
        ("[gateway]\nworkers = 4\n[state]\nurl = 'memory'", ["state.url is 'memory'", "expected file or redis"]),
        ("[state]\nurl = 'disk'", ["state.url is 'disk'", "memory, file, redis://"]),
        ("[store]\nurl = 'mysql://x'", ["store.url is 'mysql://x'", "sqlite:///"]),
        ("default_provider = 'opnai'", ["default_provider is 'opnai'", "did you mean openai?"]),
        ("default_model = 'opnai/x'", ["default_model", "no provider 'opnai'", "did you mean openai"]),
        ("default_model = ''", ["default_model is ''", "expected a name"]),
        ("default_model = 3", ["default_model is 3"]),
        ("[providers.mine]\nprefill = true", ["providers.mine has no base_url", "before /chat/completions"]),
        ("[providers.mine]\nbase_url = 'example.com'", ["providers.mine.base_url is 'example.com'", "http://"]),
        ("[providers.mine]\nbase_url = 'https://u:p@x.example'", ["an address with a user name"]),
        ("[providers.mine]\nbase_url = 'https://x.example/?a=1'", ["providers.mine.base_url"]),
        ("[providers.mine]\nbase_url = 'https://<name>.example'", ["providers.mine.base_url"]),
        ("[providers.mine]\nbase_url = 'https://x'\nendpoint = 'https://y'", ["base_url and endpoint"]),
        ("[providers.mine]\nbase_url = 'https://x'\ndialect = 'opnai'", ["dialect is 'opnai'", "one of openai"]),
        ("[providers.mine]\nbase_url = 'https://x'\nkinds = ['talk']", ["kinds is ['talk']"]),
        ("[providers.mine]\nbase_url = 'https://x'\napi_kye = 'env:X'", ["did you mean api_key?"]),
        ("[providers.mine]\nbase_url = 'https://x'\napi_key = 'env:'", ["names nothing"]),
        ("[providers.'a/b']\nbase_url = 'https://x'", ["'a/b' is no name for a provider"]),
        ("providers = 'mine'", ["providers must be a table, written as [providers.NAME]"]),
        ("[providers]\nmine = 'x'", ["providers.mine must be a table, written as [providers.mine]"]),
        ("[routes.fast]\non_stream_failure = 'restart'", ["routes.fast has no targets"]),
        ("[routes.fast]\ntargets = []", ["routes.fast.targets is []"]),
        ("[routes.fast]\ntargets = 'demo/a'", ["routes.fast.targets is 'demo/a'", "a list"]),
        ("[routes.fast]\ntargets = ['demo/a', 3]", ["routes.fast.targets"]),
        ("[routes.fast]\ntargets = ['fast']", ["routes.fast.targets names itself"]),
        ("[routes.a]\ntargets=['b']\n[routes.b]\ntargets=['demo/x']", ["routes.a.targets names the route 'b'"]),
        ("[routes.fast]\ntargets = ['nobody/x']", ["routes.fast.targets", "no provider 'nobody'"]),
        ("[routes.fast]\ntargets = ['bare']", ["routes.fast.targets", "'bare' is no route"]),
        ("[routes.openai]\ntargets = ['demo/x']", ["a route cannot be called 'openai'"]),
        ("[routes.'a/b']\ntargets = ['demo/x']", ["a route cannot be called 'a/b'"]),
        ("[routes.a]\ntargets=['demo/x']\nchoose = 'best'", ["routes.a.choose is 'best'", "one of ordered, weighted"]),
        ("[routes.a]\ntargets=['demo/x','demo/y']\nchoose = 'weighted'\nweights = [1]", ["2 targets and 1 weights"]),
        ("[routes.a]\ntargets=['demo/x']\nweights = [0]", ["routes.a.weights is [0]"]),
        ("[routes.a]\ntargets=['demo/x']\nfailover = ['auth']", ["routes.a.failover", "some of throttled, quota"]),
        ("[budgets.global]\nlimit = '50/fortnight'", ["budgets.global.limit is '50/fortnight'", "hour, day, month"]),
        ("[budgets.global]\nlimit = '0/day'", ["budgets.global.limit is '0/day'"]),
        ("[budgets.global]\nlimit = 50", ["budgets.global.limit is 50"]),
        ("[budgets.global]\nmax_output_tokens = 9", ["budgets.global has no limit", "50/month"]),
        (
            "[budgets.global]\nlimit='1/day'\n[providers.mine]\nbase_url='http://127.0.0.1:1'\n"
            "[routes.a]\ntargets=['mine/new']",
            ["routes.a.targets", "the budget 'global' cannot be kept at mine/new", '[models."mine/new"]'],
        ),
        ("x = = 1", ["is not valid TOML", "line 1"]),
        ("[retry]\n[retry]", ["is not valid TOML"]),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_file_key_value_and_expectation(
    world: World, text: str, says: list[str]
) -> None:
    path = world.own(text)
    with pytest.raises(ConfigError) as caught:
        world.load()
    message = str(caught.value)
    assert message.startswith((f"{path}:", f"{path} is not valid TOML:"))
    for piece in says:
        assert piece in message
    assert "u:p" not in message


def test_what_is_wrong_in_a_variable_or_an_argument_is_said_likewise(world: World) -> None:
    with pytest.raises(ConfigError, match=r"env TRAMITE_RETRY_ATTEMPTS: retry.attempts is 'x'; expected a whole"):
        world.load(TRAMITE_RETRY_ATTEMPTS="x")
    world.dotenv("TRAMITE_TIMEOUTS_STALL_S=-1")
    with pytest.raises(ConfigError, match=r"\.env TRAMITE_TIMEOUTS_STALL_S: timeouts.stall_s is -1"):
        world.load()
    world.dotenv("")
    with pytest.raises(
        ConfigError, match=r"argument: there is no setting 'retry.atempts'; did you mean retry.attempts"
    ):
        world.load(overrides={"retry.atempts": 1})
    with pytest.raises(ConfigError, match=r"argument: retry.attempts is -1"):
        world.load(overrides={"retry.attempts": -1})
    with pytest.raises(UnknownProvider, match=r"env TRAMITE_DEFAULT_MODEL: default_model: .*'opnai'"):
        world.load(TRAMITE_DEFAULT_MODEL="opnai/x")


def test_a_wrong_secret_is_not_repeated(world: World) -> None:
    world.own("[providers.openai]\napi_key = 12345678901234567890")
    with pytest.raises(ConfigError) as caught:
        world.load()
    assert "12345" not in str(caught.value)
    assert "providers.openai.api_key" in str(caught.value)


def test_files_that_are_no_text_are_errors(world: World) -> None:
    (world.home / "tramite.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        world.load()
    (world.home / "tramite.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="is larger than"):
        world.load()


def test_a_current_folder_that_is_gone_is_said_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = world.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the current folder is gone"):
        load(environ=world.environ)


def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_an_error_and_keeps_nobody_waiting(world: World) -> None:
    os.mkfifo(world.folder / ".env")
    with pytest.raises(ConfigError, match="is not a plain file"):
        world.load()
    (world.folder / ".env").unlink()
    (world.folder / "tramite.toml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*tramite\.toml"):
        world.load()
