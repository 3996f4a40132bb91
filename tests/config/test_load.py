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
from tramite.config.rules import NAMED
from tramite.dialects.base import Traits
from tramite.errors import ConfigError, MissingSecret

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
    assert config.providers["azure"].base_url == "https://name.openai.azure.com/openai"
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


def test_every_trait_of_a_target_can_be_set_in_a_file(world: World) -> None:
    assert set(Traits.__struct_fields__) <= set(NAMED["providers"])
    world.own(
        "[providers.mine]\nbase_url = 'https://x.example'\nauth = 'none'\napi_key = 'unused'\nprefill = true\n"
        "unsupported = ['seed']\nechoes = ['reasoning_content']\nmax_tokens_field = 'max_completion_tokens'\n"
        "include_usage = false\nbase64_embeddings = true\ntruncates = true\ndeveloper_role = true\n"
        "kinds = ['chat']"
    )
    mine = world.load().providers["mine"]
    assert mine.traits == Traits(
        max_tokens_field="max_completion_tokens",
        unsupported=("seed",),
        include_usage=False,
        base64_embeddings=True,
        truncates=True,
        developer_role=True,
        prefill=True,
        echoes=("reasoning_content",),
    )
    assert (mine.kinds, mine.credentials()) == (("chat",), {})


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
