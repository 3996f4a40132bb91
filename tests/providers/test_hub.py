"""Hugging Face's addresses: what follows from each, and which are refused with what to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tramite.config import Config, load
from tramite.config.trust import review
from tramite.errors import ConfigError
from tramite.providers.rows import Provider

ENDPOINT = "https://abc123.eu-west-1.aws.endpoints.huggingface.cloud"


def written(lines: str) -> Config:
    file = Path("hub.toml")
    file.write_text(lines)
    return load(file)


def mine(base_url: str, more: str = "", dialect: str = "huggingface") -> Provider:
    head = f'[providers.mine]\ndialect = "{dialect}"\nbase_url = "{base_url}"\n'
    return written(head + more).providers["mine"]


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN"])
def test_the_row_takes_its_token_from_any_of_its_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hf_x")
    config = written("")
    for prefix in ("huggingface", "hf"):
        ((provider, model),) = config.resolve(f"{prefix}/HuggingFaceH4/zephyr-7b-beta:together")
        assert model == "HuggingFaceH4/zephyr-7b-beta:together"
        assert provider.credentials() == {"authorization": "Bearer hf_x"}
    assert (provider.base_url, provider.traits.serves) == ("https://router.huggingface.co", "router")
    assert provider.kinds == ("chat", "completion", "embedding", "models")
    assert not provider.cold_starts


@pytest.mark.parametrize("address", [ENDPOINT, f"{ENDPOINT}/v1", f"{ENDPOINT}/v1/chat/completions"])
def test_a_dedicated_endpoint_is_known_by_its_address(address: str) -> None:
    provider = mine(address)
    assert (provider.base_url, provider.traits.serves) == (ENDPOINT, "containers")
    assert provider.cold_starts
    assert provider.kinds == ("chat", "completion", "embedding", "rerank", "models")
    assert (provider.embed_batch, provider.default_model) == (32, "tgi")


@pytest.mark.parametrize(
    ("serves", "kinds"),
    [
        ("tgi", ("chat", "completion", "models")),
        ("tei", ("embedding", "rerank")),
        ("task", ("completion", "embedding")),
        ("router", ("chat", "completion", "embedding", "models")),
    ],
)
def test_what_serves_decides_what_it_can_do(serves: str, kinds: tuple[str, ...]) -> None:
    assert mine(ENDPOINT, f'serves = "{serves}"\n').kinds == kinds
    assert mine(ENDPOINT, f'serves = "{serves}"\nkinds = ["chat"]\nembed_batch = 7\n').kinds == ("chat",)


@pytest.mark.parametrize("address", [ENDPOINT, f"{ENDPOINT}/v1"])
def test_a_server_of_the_openai_dialect_sleeps_and_wakes_up_too(address: str) -> None:
    provider = mine(address, 'serves = "openai"\n')
    assert (provider.dialect, provider.base_url) == ("openai", f"{ENDPOINT}/v1")
    assert provider.cold_starts
    assert mine(f"{ENDPOINT}/v1", dialect="openai").cold_starts
    assert not mine(ENDPOINT, "cold_starts = false\n").cold_starts


def test_the_catalogues_row_at_an_endpoint_is_an_endpoint() -> None:
    row = written(f'[providers.huggingface]\nbase_url = "{ENDPOINT}"\n').providers["huggingface"]
    assert row.traits.serves == "containers"
    assert row.cold_starts
    again = mine("https://router.huggingface.co/v1")
    assert (again.traits.serves, again.base_url) == ("router", "https://router.huggingface.co")


def test_who_pays_and_how_long_a_request_is_held_are_headers() -> None:
    provider = mine(ENDPOINT, 'bill_to = "my-org"\nscale_up_timeout_s = 600\n')
    assert provider.further_headers() == {"x-hf-bill-to": "my-org", "x-scale-up-timeout": "600"}
    assert mine(ENDPOINT).further_headers() == {}


def test_a_held_request_may_be_silent_for_as_long_as_it_is_held() -> None:
    timeouts = written("").timeouts
    assert timeouts.first_token(mine(ENDPOINT), stream=True) == 60
    assert timeouts.first_token(mine(ENDPOINT, "scale_up_timeout_s = 600\n"), stream=True) == 660


@pytest.mark.parametrize(
    ("address", "dialect", "advice"),
    [
        ("https://api-inference.huggingface.co", "huggingface", "router.huggingface.co"),
        ("https://api-inference.huggingface.co/models/gpt2", "openai", "router.huggingface.co"),
        ("https://huggingface.co/spaces/me/app", "openai", "dedicated endpoint"),
        ("https://hf.co/spaces/me/app", "huggingface", "dedicated endpoint"),
        ("https://me-app.hf.space", "huggingface", 'dialect = "openai"'),
        ("https://huggingface.co/HuggingFaceH4/zephyr-7b-beta", "huggingface", "huggingface/MODEL"),
        ("https://huggingface.co/api/inference-proxy/together", "openai", "huggingface/MODEL"),
        ("https://endpoints.huggingface.co/me/endpoints/app", "huggingface", "endpoints.huggingface.cloud"),
        ("https://api.endpoints.huggingface.cloud/v2", "huggingface", "stands on its page"),
    ],
)
def test_an_address_that_is_no_endpoint_is_refused_with_what_to_use(address: str, dialect: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=r"hub\.toml.*providers\.mine\.base_url is") as caught:
        mine(address, dialect=dialect)
    assert address in str(caught.value)
    assert advice in str(caught.value)


def test_a_space_that_runs_a_server_of_the_openai_dialect_may_be_asked() -> None:
    assert mine("https://me-app.hf.space/v1", dialect="openai").base_url == "https://me-app.hf.space/v1"


def test_a_file_that_came_with_a_project_cannot_say_who_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    Path("tramite.toml").write_text('[providers.huggingface]\nbill_to = "their-org"\n')
    assert review().wants == ("have 'their-org' pay for what you ask huggingface",)
