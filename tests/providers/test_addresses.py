"""Addresses, well-formed and not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.providers import addresses


@pytest.mark.parametrize(
    ("written", "tidied"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://API.OpenAI.com/v1/", "https://api.openai.com/v1"),
        ("https://x.example:8443/v1/chat/completions", "https://x.example:8443/v1"),
        ("https://x.example/v1/completions/", "https://x.example/v1"),
        ("https://x.example/v1/embeddings", "https://x.example/v1"),
        ("https://r.services.ai.azure.com/models", "https://r.services.ai.azure.com/models"),
        ("https://r.services.ai.azure.com/models/chat/completions", "https://r.services.ai.azure.com/models"),
        ("https://gateway.example/v1/Account/openai", "https://gateway.example/v1/Account/openai"),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000/v1", "http://[::1]:8000/v1"),
        ("http://my_box-1.lan", "http://my_box-1.lan"),
    ],
)
def test_an_address_has_one_form(written: str, tidied: str) -> None:
    assert addresses.tidy(written) == tidied
    assert addresses.tidy(tidied) == tidied


@pytest.mark.parametrize(
    "written",
    [
        "",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "inprocess://demo/v1",
        "https://",
        "https:///v1",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://127.0.0.1@evil.example",
        "https://127.0.0.1\\@evil.example",
        "https://evil.example\\@127.0.0.1",
        "https://evil.example#@127.0.0.1",
        "https://evil.example?@127.0.0.1",
        "https://example.com/v1?key=x",
        "https://example.com/v1#x",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:port",
        "https://exam ple.com",
        "https://example.com/a b",
        "https://exa\tmple.com",
        "https://example.com\r\nx-evil: 1",
        " https://example.com",
        "https://{name}.example.com",
        "https://<name>.example.com",
        "https://exämple.com",
        "https://1。2.example",
        "https://[::1",
        "https://[::1%25eth0]",
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="an http"):
        addresses.tidy(written)


@given(st.text())
def test_any_text_is_tidied_or_refused_and_never_repeated(text: str) -> None:
    try:
        tidied = addresses.tidy(text)
    except ValueError as error:
        assert str(error) == addresses.EXPECTED  # noqa: PT017  # most texts are refused, and not all have to be
    else:
        assert addresses.tidy(tidied) == tidied


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "LOCALHOST"])
def test_this_machine_is_known_by_its_numbers_and_its_name(host: str) -> None:
    assert addresses.is_loopback(addresses.tidy(f"http://{host}:1/v1"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.example.com",
        "localhost.example.com",
        "x.localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "10.0.0.1",
        "[fe80::1]",
    ],
)
def test_what_only_may_be_this_machine_is_not(host: str) -> None:
    assert not addresses.is_loopback(f"http://{host}/v1")


def test_a_password_is_taken_out_for_showing() -> None:
    assert addresses.without_password("postgresql://me:pw@db.example/x@y") == "postgresql://…@db.example/x@y"
    assert addresses.without_password("redis://r.example/0") == "redis://r.example/0"
    assert addresses.without_password("memory") == "memory"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:pw/secret@db.example/ledger",
        "postgresql://me:secret@db.example/ledger?sslmode=require",
        "postgresql://db.example/ledger?user=me&password=secret",
        "postgresql://db.example/ledger?password=a@secret",
        "redis://:pw/secret@r.example/0",
    ],
)
def test_a_databases_password_is_taken_out_wherever_it_stands(address: str) -> None:
    shown = addresses.without_password(address)
    assert "secret" not in shown
    assert shown.startswith(address.partition("//")[0])
