"""From a model's name to its targets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.config.world import World
from tramite.config import Config
from tramite.errors import ConfigError, UnknownProvider
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.retired import replacement


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def names(config: Config, model: str | None = None) -> list[str]:
    return [f"{provider.name}/{name}" for provider, name in config.resolve(model)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("fireworks/accounts/fireworks/models/x", "fireworks/accounts/fireworks/models/x"),
        ("llama.cpp/x", "llamacpp/x"),
        ("lmstudio/", "lmstudio/"),
        ("openai/", "openai/gpt-4o-mini"),
        ("demo/", "demo/demo"),
    ],
)
def test_provider_and_model_are_taken_apart_at_the_first_slash(world: World, asked: str, found: str) -> None:
    expected = found.replace("gpt-4o-mini", replacement("openai", "gpt-4o-mini") or "gpt-4o-mini")
    assert names(world.load(), asked) == [found if asked == found else expected]


def test_a_hub_name_keeps_its_slashes(world: World) -> None:
    world.own("[providers.huggingface]\nbase_url = 'https://router.huggingface.co/v1'")
    assert names(world.load(), "huggingface/HuggingFaceH4/zephyr-7b-beta") == [
        "huggingface/HuggingFaceH4/zephyr-7b-beta"
    ]


def test_a_bare_name_is_a_route_and_else_a_model_of_the_default_provider(world: World) -> None:
    world.own("default_provider = 'groq'\n[routes.fast]\ntargets = ['demo/a', 'b']")
    config = world.load()
    assert names(config, "fast") == ["demo/a", "groq/b"]
    assert names(config, "quick") == ["groq/quick"]
    assert config.route("fast") is config.routes["fast"]
    assert config.route("quick") is None


def test_an_alias_can_be_the_default_provider(world: World) -> None:
    assert names(world.load(TRAMITE_DEFAULT_PROVIDER="llama.cpp"), "x") == ["llamacpp/x"]


def test_the_default_is_the_configured_model_else_the_first_provider_with_a_secret(world: World) -> None:
    assert names(world.load()) == []
    assert world.load().default is None
    config = world.load(MISTRAL_API_KEY="m-1", GROQ_API_KEY="g-1")
    assert names(config) == ["groq/openai/gpt-oss-20b"]
    config = world.load(GROQ_API_KEY="g-1", TRAMITE_DEFAULT_MODEL="demo/demo")
    assert names(config) == ["demo/demo"]
    assert config.default is not None
    assert config.default.because == "default_model, from env TRAMITE_DEFAULT_MODEL"


def test_a_default_model_may_be_a_route(world: World) -> None:
    world.own("default_model = 'fast'\n[routes.fast]\ntargets = ['demo/a']\non_stream_failure = 'restart'")
    config = world.load()
    assert names(config) == ["demo/a"]
    route = config.route(None)
    assert route is not None
    assert route.on_stream_failure == "restart"


def test_a_local_server_is_never_the_default_without_being_asked(world: World) -> None:
    assert world.load(LM_API_TOKEN="lm-token").default is None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("opnai/gpt-4o", "no provider 'opnai' (asked for: 'opnai/gpt-4o'); did you mean openai?"),
        ("OpenAI/gpt-4o", "did you mean openai?"),
        ("gpt-4o-mini", "'gpt-4o-mini' is no route, and there is no default_provider"),
        ("fsat", "did you mean fast?"),
        ("", "'' is no route"),
        ("/x", "no provider ''"),
        ("zzz/x", "one of your own in [providers.zzz]"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_ones(world: World, asked: str, says: str) -> None:
    world.own("[routes.fast]\ntargets = ['demo/a']")
    with pytest.raises(UnknownProvider) as caught:
        world.load().resolve(asked)
    assert says in str(caught.value)


def test_an_unknown_prefix_does_not_fall_to_the_default_provider_in_silence(world: World) -> None:
    config = world.load(TRAMITE_DEFAULT_PROVIDER="together")
    with pytest.raises(UnknownProvider, match=r"write together/meta-llama/Llama-3"):
        config.resolve("meta-llama/Llama-3")


def test_a_providers_name_alone_is_no_model(world: World) -> None:
    with pytest.raises(ConfigError, match=r"'groq' is a provider, not a model: write groq/openai/gpt-oss-20b"):
        world.load().resolve("groq")
    world.own("[providers.mine]\nbase_url = 'https://x.example'")
    with pytest.raises(ConfigError, match=r"'mine/' names no model: write mine/MODEL"):
        world.load().resolve("mine/")


@pytest.mark.parametrize(
    ("version", "url"),
    [
        ("", "https://contoso.openai.azure.com/openai/v1/chat/completions"),
        ("v1", "https://contoso.openai.azure.com/openai/v1/chat/completions"),
        (
            "2024-10-21",
            "https://contoso.openai.azure.com/openai/deployments/my%2Fown/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_azure_is_addressed_by_deployment_or_by_its_v1_api(world: World, version: str, url: str) -> None:
    world.own("[providers.azure]\nendpoint = 'https://contoso.openai.azure.com'")
    dated = {"AZURE_OPENAI_API_VERSION": version} if version else {}
    [(provider, model)] = world.load(AZURE_OPENAI_DEPLOYMENT="my/own", AZURE_OPENAI_KEY="k" * 20, **dated).resolve()
    assert provider.url("/chat/completions", model) == url
    assert provider.credentials() == {"api-key": "k" * 20}


def test_azure_s_variables_work_alone_with_whatever_path_was_pasted(world: World) -> None:
    pasted = "https://contoso.openai.azure.com/openai/deployments/old/chat/completions"
    for endpoint in ("https://contoso.openai.azure.com/", "https://contoso.openai.azure.com/openai/v1/", pasted):
        [(provider, _)] = world.load(AZURE_OPENAI_ENDPOINT=endpoint, AZURE_OPENAI_KEY="k").resolve("azure/gpt-4o")
        assert provider.base_url == "https://contoso.openai.azure.com/openai/v1"


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        ("https://NAME.openai.azure.com", "still a placeholder.*AZURE_OPENAI_ENDPOINT"),
        ("https://your-resource.openai.azure.com", "still a placeholder"),
        ("http://contoso.openai.azure.com", "expected an https:// address"),
    ],
)
def test_azure_gets_no_secret_at_an_address_that_is_none(world: World, endpoint: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        world.load(AZURE_OPENAI_ENDPOINT=endpoint, AZURE_OPENAI_KEY="k").resolve("azure/gpt-4o")
    with pytest.raises(ConfigError, match="still a placeholder"):
        world.load(AZURE_OPENAI_KEY="k").resolve("azure/gpt-4o")


def test_old_dated_versions_are_not_asked_for_what_they_do_not_know(world: World) -> None:
    world.own("[providers.azure]\nendpoint = 'https://contoso.openai.azure.com'\napi_version = '2024-02-01'")
    traits = world.load().providers["azure"].traits
    assert (traits.max_tokens_field, traits.include_usage) == ("max_tokens", False)


def test_no_row_of_the_catalogue_has_a_default_that_is_gone() -> None:
    """What goes later is replaced at that time by what its provider names."""
    for row in CATALOGUE.values():
        assert replacement(row.name, row.default_model, date(2026, 11, 23)) is None


def test_azure_s_variables_go_before_what_a_file_says(world: World) -> None:
    world.own(
        "[providers.azure]\nendpoint = 'https://contoso.openai.azure.com'\n"
        "api_version = '2024-02-01'\ndefault_model = 'old'"
    )
    said = {"AZURE_OPENAI_API_VERSION": "2024-10-21", "AZURE_OPENAI_DEPLOYMENT": "new", "AZURE_OPENAI_KEY": "k"}
    config = world.load(**said)
    assert (config.providers["azure"].api_version, config.providers["azure"].default_model) == ("2024-10-21", "new")
    assert config.origins["providers.azure.api_version"] == "env AZURE_OPENAI_API_VERSION"
