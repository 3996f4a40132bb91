"""Whom to ask with what: a configured secret goes to its configured address alone, and a typed key is never shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.world import KEY, configured, provider
from tramite.config import Config, load
from tramite.errors import ConfigError, MissingSecret, TramiteError
from tramite.providers.addresses import origin
from tramite.simulator import Simulator
from tramite.simulator.bill import client_of
from tramite.workbench.access import MOST_CLIENTS, Access, Clients, azure_root, provider_of

TYPED = "sk-typed-9876543210-abcd"
AZURE = '[providers.azure]\nendpoint = "https://contoso.openai.azure.com"\napi_key = "configured-azure-key"\n'


def settings(text: str) -> Config:
    Path("access.toml").write_text(text)
    return load("access.toml")


def ask(config: Config, access: Access) -> str:
    """The answer, of a client that is closed again."""

    async def asked() -> str:
        clients = Clients(config)
        try:
            return (await clients.of(access).chat("hello", model="sim/tokens=3")).text
        finally:
            await clients.aclose()

    return asyncio.run(asked())


def test_without_anything_typed_it_is_asked_as_configured() -> None:
    with provider() as simulator:
        for access in (Access(provider="sim"), Access(provider="sim", endpoint=f" {simulator.base_url}/ ")):
            assert ask(load(), access) == "token-1 token-2 token-3"
        assert list(simulator.stats().accounts) == [client_of(KEY)]


def test_a_configured_secret_is_not_sent_to_a_typed_address() -> None:
    with Simulator.in_thread() as elsewhere, provider() as simulator:
        with pytest.raises(MissingSecret):
            ask(load(), Access(provider="sim", endpoint=elsewhere.base_url))
        with pytest.raises(MissingSecret):
            ask(load(), Access(provider="sim", endpoint=f"{simulator.base_url}/other"))
        assert (elsewhere.stats().requests, simulator.stats().requests) == (0, 0)


def test_a_typed_key_goes_to_the_typed_address_in_the_place_of_the_configured_one() -> None:
    with Simulator.in_thread() as elsewhere, provider() as simulator:
        ask(load(), Access(provider="sim", endpoint=elsewhere.base_url, key=f" {TYPED}\n"))
        assert list(elsewhere.stats().accounts) == [client_of(TYPED)]
        with pytest.raises(TramiteError) as refused:
            ask(load(), Access(provider="sim", key=TYPED))
        assert TYPED not in str(refused.value)
        assert list(simulator.stats().accounts) == [client_of(TYPED)]


@pytest.mark.parametrize(
    "endpoint",
    [
        "elsewhere.example/v1",
        "ftp://elsewhere.example",
        "javascript:alert(1)",
        "https://",
        "https://user:word@elsewhere.example/v1",
        "https://elsewhere.example/v1?key=word",
        "https://else where.example",
        "https://elsewhere.example/\nv1",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(endpoint: str) -> None:
    with configured("http://127.0.0.1:9/v1"), pytest.raises(ConfigError, match="expected an http") as refused:
        provider_of(load(), Access(provider="sim", endpoint=endpoint, key=TYPED))
    assert "word" not in str(refused.value).replace("password", "")


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "localhost.elsewhere.example"])
def test_a_key_does_not_travel_in_the_open(host: str) -> None:
    with configured("http://127.0.0.1:9/v1"):
        with pytest.raises(ConfigError, match="in the open"):
            provider_of(load(), Access(provider="sim", endpoint=f"http://{host}/v1", key=TYPED))
        assert provider_of(load(), Access(provider="sim", endpoint="http://localhost:1/v1", key=TYPED)).secret is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fabrikam.openai.azure.com",
        " https://Fabrikam.openai.azure.com/ ",
        "https://fabrikam.openai.azure.com/openai",
        "https://fabrikam.openai.azure.com/openai/v1/",
        "https://fabrikam.openai.azure.com/openai/deployments/x/chat/completions?api-version=2024-10-21",
    ],
)
def test_azures_endpoint_is_taken_as_people_copy_it(endpoint: str) -> None:
    row = provider_of(settings(AZURE), Access(provider="azure", endpoint=endpoint, key=TYPED))
    assert (row.base_url, azure_root(row)) == (
        "https://fabrikam.openai.azure.com/openai/v1",
        "https://fabrikam.openai.azure.com",
    )
    dated = provider_of(
        settings(AZURE), Access(provider="azure", endpoint=endpoint, api_version="2024-10-21", key=TYPED)
    )
    assert (dated.base_url, dated.api_version) == ("https://fabrikam.openai.azure.com/openai", "2024-10-21")
    assert row.secret is dated.secret is None


def test_azures_configured_resource_keeps_its_secret_whatever_the_version() -> None:
    config = settings(AZURE)
    for endpoint in ("", "https://contoso.openai.azure.com/", "https://contoso.openai.azure.com/openai/v1"):
        row = provider_of(config, Access(provider="azure", endpoint=endpoint, api_version="2024-10-21"))
        assert row.secret == config.providers["azure"].secret is not None
        assert origin(row.base_url) == origin(config.providers["azure"].base_url)
        assert row.api_version == "2024-10-21"


def test_a_placeholder_is_no_resource() -> None:
    with pytest.raises(ConfigError, match="placeholder"):
        provider_of(
            settings(AZURE), Access(provider="azure", endpoint="https://your-resource.openai.azure.com", key="x")
        )


def test_there_is_one_client_for_each_access() -> None:
    with configured("http://127.0.0.1:9/v1"):
        clients = Clients(load())
        usual = clients.of(Access())
        assert clients.of(Access(provider="sim")) is clients.of(Access(provider="demo")) is usual
        typed = [
            Access(provider="sim", key=TYPED),
            Access(provider="sim", key="other"),
            Access(provider="sim", key=TYPED, endpoint="http://127.0.0.1:8/v1"),
            Access(provider="sim", key=TYPED, endpoint="http://127.0.0.1:8/v1", api_version="2"),
            Access(provider="openai", key=TYPED),
        ]
        made = [clients.of(access) for access in typed]
        assert len({*map(id, made), id(usual)}) == len(typed) + 1
        assert [clients.of(access) for access in typed] == made
        asyncio.run(clients.aclose())


def test_clients_that_nobody_wants_are_let_go() -> None:
    with configured("http://127.0.0.1:9/v1"):
        clients = Clients(load())
        first = clients.of(Access(provider="sim", key="key 0"))
        for number in range(MOST_CLIENTS):
            clients.of(Access(provider="sim", key=f"key {number}"))
            assert clients.of(Access(provider="sim", key="key 0")) is first
        clients.of(Access(provider="sim", key="one more"))
        assert len(clients._clients) == MOST_CLIENTS
        assert clients.of(Access(provider="sim", key="key 0")) is first
        asyncio.run(clients.aclose())


def test_no_text_of_an_access_or_its_client_has_the_key() -> None:
    with configured("http://127.0.0.1:9/v1"):
        access = Access(provider="sim", endpoint="http://127.0.0.1:8/v1", key=TYPED)
        clients = Clients(load())
        client = clients.of(access)
        shown = [
            repr(access),
            str(access),
            f"{access}",
            repr(client),
            repr(clients),
            repr(client.config),
            str([access]),
        ]
        assert not [one for one in shown if TYPED in one]
        asyncio.run(clients.aclose())
