"""What is read, from where, in which order, and what is said when it is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.config.world import World

from tramite.config import Config, load
from tramite.errors import ConfigError, MissingSecret, UnknownProvider

DESIGN = """
default_model    = "fast"
default_provider = "openai"

[providers.mine]
dialect  = "openai"
base_url = "http://127.0.0.1:9100/v1"
api_key  = "env:MINE_KEY"
prefill  = true

[providers.azure]
endpoint    = "https://NAME.openai.azure.com"
api_version = "2024-12-01-preview"
api_key     = "env:AZURE_OPENAI_KEY"

[routes.fast]
targets           = ["mine/gpt-4o-mini", "azure/my-deployment"]
on_stream_failure = "restart"

[limits."mine/gpt-4o-mini"]
requests_per_second = 10
tokens_per_minute   = 60000
requests_per_day    = 10000
concurrency         = 64

[retry]
attempts = 5
strategy = "exponential_jitter"
base_s   = 0.5
max_s    = 8.0

[timeouts]
connect_s = 5
write_s = 30
first_token_s = 60
stall_s = 30
max_wait_s = 30
deadline_s = 600

[models."mine/gpt-4o-mini"]
input_per_million  = 0.15
output_per_million = 0.60
context_tokens     = 128000

[store]
url = "sqlite:///ledger.db"
[state]
url = "file"

[gateway]
host = "127.0.0.1"
port = 4000
workers = 1
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_any_file_there_are_the_catalogue_and_the_defaults(world: World) -> None:
    config = world.load()
    assert config.providers["openai"].base_url == "https://api.openai.com/v1"
    assert (config.retry.attempts, config.timeouts.deadline_s, config.gateway.port) == (5, 600, 4000)
    assert config.default is None
    assert config.files == ()
    assert config.origins["retry.attempts"] == "default"


def test_every_table_of_the_design_is_understood(world: World) -> None:
    config = load(world.own(DESIGN), {"MINE_KEY": "secret-of-mine"}, world.folder)
    mine = config.providers["mine"]
    assert (mine.base_url, mine.dialect, mine.traits.prefill, mine.local) == (
        "http://127.0.0.1:9100/v1",
        "openai",
        True,
        True,
    )
    assert mine.credentials() == {"authorization": "Bearer secret-of-mine"}
    assert config.providers["azure"].base_url == "https://name.openai.azure.com/openai/v1"
    assert config.providers["azure"].auth == "api-key"
    assert config.routes["fast"].targets == ("mine/gpt-4o-mini", "azure/my-deployment")
    assert config.limits["mine/gpt-4o-mini"].tokens_per_minute == 60000
    assert config.models["mine/gpt-4o-mini"].input_per_million == 0.15
    assert (config.timeouts.first_token_s, config.store.url, config.state.url) == (60, "sqlite:///ledger.db", "file")


def test_well_known_variables_work_with_no_file_at_all(world: World) -> None:
    config = world.load(OPENAI_API_KEY="sk-of-the-environment", LMSTUDIO_URL="10.0.0.7:4321")
    assert config.providers["openai"].credentials() == {"authorization": "Bearer sk-of-the-environment"}
    assert config.origins["providers.openai.api_key"] == "env OPENAI_API_KEY"
    assert config.providers["lmstudio"].base_url == "http://10.0.0.7:4321/v1"
    assert config.origins["providers.lmstudio.base_url"] == "env LMSTUDIO_URL"
    assert config.default is not None
    assert config.default.model.startswith("openai/")
    assert "OPENAI_API_KEY" in config.default.because


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("http://127.0.0.1:1234/v1/chat/completions", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://box.lan:99", "http://box.lan:99/v1"),
        ("box.lan", "http://box.lan:1234/v1"),
        ("localhost:1235", "http://localhost:1235/v1"),
        ("0.0.0.0", "http://127.0.0.1:1234/v1"),
        (":1299", "http://127.0.0.1:1299/v1"),
        ("[::1]:1299", "http://[::1]:1299/v1"),
        ("https://models.lan", "https://models.lan/v1"),
    ],
)
def test_lmstudio_is_found_however_its_address_is_written(world: World, value: str, address: str) -> None:
    assert world.load(LMSTUDIO_URL=value).providers["lmstudio"].base_url == address


def test_a_wrong_address_in_a_variable_names_the_variable(world: World) -> None:
    with pytest.raises(ConfigError, match=r"env LMSTUDIO_URL is 'ftp://x'; expected an http"):
        world.load(LMSTUDIO_URL="ftp://x")


def test_a_local_provider_in_a_file_may_leave_v1_out(world: World) -> None:
    world.own('[providers.vllm]\nbase_url = "http://127.0.0.1:8001"')
    assert world.load().providers["vllm"].base_url == "http://127.0.0.1:8001/v1"


def test_a_provider_of_ones_own_needs_no_secret_unless_it_names_one(world: World) -> None:
    world.own(
        '[providers.mine]\nbase_url = "https://models.example/v1"\n[providers.other]\nbase_url = "https://o.example"'
    )
    config = world.load()
    assert config.providers["mine"].credentials() == {}
    assert config.providers["mine"].ready
    assert not config.providers["mine"].local


def test_a_missing_secret_names_the_variable_and_the_command(world: World) -> None:
    with pytest.raises(MissingSecret, match=r"OPENAI_API_KEY, or run: tramite secrets set OPENAI_API_KEY"):
        world.load().providers["openai"].credentials()
    world.own('[providers.mine]\nbase_url = "https://models.example/v1"\napi_key = "env:MINE_KEY"')
    with pytest.raises(MissingSecret, match=r"env:MINE_KEY is not set.*tramite secrets set MINE_KEY"):
        world.load().providers["mine"].credentials()


def test_the_secret_that_a_file_names_goes_before_the_well_known_variable(world: World) -> None:
    """A key from the environment must not reach an address that was configured with another key."""
    world.own('[providers.openai]\nbase_url = "https://proxy.example/v1"\napi_key = "env:PROXY_KEY"')
    config = world.load(OPENAI_API_KEY="sk-for-openai-alone", PROXY_KEY="for-the-proxy")
    assert config.providers["openai"].credentials() == {"authorization": "Bearer for-the-proxy"}


def test_a_stored_secret_counts_and_the_environment_goes_before_it(world: World) -> None:
    world.store(GROQ_API_KEY="gsk-stored", MINE_KEY="stored-as-well")
    world.own('[providers.mine]\nbase_url = "https://models.example/v1"\napi_key = "env:MINE_KEY"')
    config = world.load()
    assert config.providers["groq"].credentials() == {"authorization": "Bearer gsk-stored"}
    assert config.providers["mine"].credentials() == {"authorization": "Bearer stored-as-well"}
    assert world.load(GROQ_API_KEY="gsk-env").providers["groq"].credentials() == {"authorization": "Bearer gsk-env"}


def test_an_empty_variable_is_no_variable(world: World) -> None:
    world.dotenv("OPENAI_API_KEY=from-dotenv")
    config = world.load(OPENAI_API_KEY="", TRAMITE_RETRY_ATTEMPTS="")
    assert config.providers["openai"].credentials() == {"authorization": "Bearer from-dotenv"}
    assert config.retry.attempts == 5


SOURCES = ("own", "project", "dotenv", "environ", "argument")


@given(st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 100), max_size=5))
def test_the_last_source_wins_whatever_the_others_say(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, int]
) -> None:
    world = World(tmp_path_factory.mktemp("precedence"))
    environ: dict[str, str] = {}
    if "own" in said:
        world.own(f"[retry]\nattempts = {said['own']}\nbase_s = 0.25")
    if "project" in said:
        world.project(f"[retry]\nattempts = {said['project']}")
    if "dotenv" in said:
        world.dotenv(f"TRAMITE_RETRY_ATTEMPTS={said['dotenv']}")
    if "environ" in said:
        environ["TRAMITE_RETRY_ATTEMPTS"] = str(said["environ"])
    overrides = {"retry.attempts": said["argument"]} if "argument" in said else None
    config = world.load(overrides=overrides, **environ)
    winner = next((source for source in reversed(SOURCES) if source in said), None)
    origins = {
        "own": str(world.home / "tramite.toml"),
        "project": str(world.folder / "tramite.toml"),
        "dotenv": ".env TRAMITE_RETRY_ATTEMPTS",
        "environ": "env TRAMITE_RETRY_ATTEMPTS",
        "argument": "argument",
    }
    assert config.retry.attempts == (said[winner] if winner else 5)
    assert config.origins["retry.attempts"] == (origins[winner] if winner else "default")
    assert config.retry.base_s == (0.25 if "own" in said else 0.5)


def test_tables_of_two_files_are_merged_key_by_key(world: World) -> None:
    world.own('[routes.fast]\ntargets = ["demo/a"]\non_stream_failure = "restart"\n[limits.demo]\nconcurrency = 4')
    world.project('[routes.fast]\ntargets = ["demo/b"]\n[limits.demo]\nrequests_per_minute = 60')
    config = world.load()
    assert (config.routes["fast"].targets, config.routes["fast"].on_stream_failure) == (("demo/b",), "restart")
    assert (config.limits["demo"].concurrency, config.limits["demo"].requests_per_minute) == (4, 60)


def test_a_named_file_is_read_instead_of_the_two_others(world: World, tmp_path: Path) -> None:
    world.own("[retry]\nattempts = 2")
    world.project("[retry]\nattempts = 3")
    named = tmp_path / "named.toml"
    named.write_text("[retry]\nmax_s = 4.0")
    for config in (world.load(named), world.load(TRAMITE_CONFIG=str(named))):
        assert (config.retry.attempts, config.retry.max_s) == (5, 4.0)
        assert config.files == (named,)


def test_a_named_file_may_be_relative_and_an_argument_goes_before_the_variable(world: World) -> None:
    (world.folder / "a.toml").write_text("[retry]\nattempts = 7")
    (world.folder / "b.toml").write_text("[retry]\nattempts = 8")
    assert world.load(TRAMITE_CONFIG="a.toml").retry.attempts == 7
    assert world.load(Path("b.toml"), TRAMITE_CONFIG="a.toml").retry.attempts == 8


def test_a_named_file_that_is_not_there_is_an_error_that_says_who_named_it(world: World) -> None:
    with pytest.raises(ConfigError, match=r"no file .*x\.toml, which the argument names"):
        world.load(Path("x.toml"))
    with pytest.raises(ConfigError, match=r"no file .*y\.toml, which the variable TRAMITE_CONFIG names"):
        world.load(TRAMITE_CONFIG="y.toml")


def test_parent_folders_are_not_searched(world: World) -> None:
    world.project("[retry]\nattempts = 9")
    world.dotenv("OPENAI_API_KEY=sk-of-the-parent")
    below = world.folder / "below"
    below.mkdir()
    config = load(environ=world.environ, cwd=below)
    assert (config.retry.attempts, config.providers["openai"].secret) == (5, None)


def test_dotenv_is_neither_exported_nor_expanded(world: World) -> None:
    world.dotenv("OPENAI_API_KEY=${HOME}-$(id)\nSOMETHING_ELSE=1")
    config = world.load()
    assert config.providers["openai"].credentials() == {"authorization": "Bearer ${HOME}-$(id)"}
    assert "SOMETHING_ELSE" not in os.environ
    assert "OPENAI_API_KEY" not in os.environ


def test_variables_that_do_nothing_are_noticed(world: World) -> None:
    world.dotenv("HTTPS_PROXY=http://proxy.example:3128")
    config = world.load(TRAMITE_RETRY_ATEMPTS="3", TRAMITE_HOME=str(world.home))
    text = "\n".join(config.notices)
    assert "TRAMITE_RETRY_ATEMPTS is no setting of tramite; did you mean TRAMITE_RETRY_ATTEMPTS?" in text
    assert "HTTPS_PROXY in .env is not used" in text
    assert "TRAMITE_HOME" not in text


@pytest.mark.parametrize("name", ["TRAMITE_CONFIG", "TRAMITE_HOME"])
def test_dotenv_cannot_say_where_the_configuration_is(world: World, name: str) -> None:
    path = world.dotenv(f"{name}=/elsewhere")
    with pytest.raises(ConfigError, match=rf"{path}: {name} .* export {name}="):
        load(environ={"HOME": str(world.home)}, cwd=world.folder)


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
        ("[state]\nurl = 'disk'", ["state.url is 'disk'", "memory, file or redis://"]),
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


def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_an_error_and_keeps_nobody_waiting(world: World) -> None:
    os.mkfifo(world.folder / ".env")
    with pytest.raises(ConfigError, match="is not a plain file"):
        world.load()
    (world.folder / ".env").unlink()
    (world.folder / "tramite.toml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*tramite\.toml"):
        world.load()


def test_timeouts_tell_a_default_first_token_limit_from_a_set_one(world: World) -> None:
    config = world.load()
    openai, ollama = config.providers["openai"], config.providers["ollama"]
    assert config.timeouts.first_token(openai, stream=True) == 60
    assert config.timeouts.first_token(openai, stream=False) is None
    assert config.timeouts.first_token(ollama, stream=True) == 600
    config = world.load(TRAMITE_TIMEOUTS_FIRST_TOKEN_S="15")
    assert config.timeouts.first_token(openai, stream=False) == 15
    assert config.timeouts.first_token(ollama, stream=True) == 15


def test_the_configuration_is_frozen_and_shows_no_password(world: World) -> None:
    world.own(
        '[store]\nurl = "postgresql://me:hunter2@db.example/ledger"\n[state]\nurl = "redis://:hunter3@r.example/0"'
    )
    config = world.load(OPENAI_API_KEY="sk-abcdefghijklmnopqrstuvwxyz")
    config.providers["openai"].credentials()
    for text in (repr(config), str(config)):
        assert "hunter" not in text
        assert "sk-abc" not in text
        assert "ghijkl" not in text
    with pytest.raises(AttributeError):
        config.default_model = "x"  # type: ignore[misc]  # what is tested is that it cannot be done
    with pytest.raises((TypeError, msgspec.EncodeError)):
        msgspec.json.encode(config)


def test_importing_the_configuration_reads_nothing_and_loads_little() -> None:
    probe = (
        "import sys, os; opened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "import tramite.config\n"
        "print([m for m in ('aiohttp', 'dotenv', 'platformdirs', 'asyncio') if m in sys.modules])\n"
        "print([p for p in opened if p.endswith(('.toml', '.env', '.json'))])"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-real")
    config: Config = load()
    assert config.providers["groq"].credentials() == {"authorization": "Bearer gsk-real"}
