"""Who is let in: secrets in headers, keys from a copy in memory, models and addresses that a key may use."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.world import Clock
from tramite import config as configuration
from tramite.config import Budget, Cap, Config, Limits
from tramite.dialects import registry
from tramite.errors import AuthenticationFailed, StoreFailed
from tramite.gateway.keys import (
    GAP_S,
    STALE_S,
    USED_S,
    KeyRefused,
    KeyRing,
    allows,
    caller,
    check_address,
    check_model,
    refused,
    secret_of,
)
from tramite.simulator import fast_forward
from tramite.store.keys import Key, Keys, Ring, Terms, open_keys
from tramite.store.opening import sqlite_url

GRACE_S = 0.02
"""Reading the store is a thread's work: the clock must not jump over it."""
CONFIG = """
default_model = "fast"
default_provider = "openai"
[providers.azure]
endpoint = "https://mine.openai.azure.com"
[routes.fast]
targets = ["openai/gpt-4o-mini", "azure/small"]
[routes.openai-only]
targets = ["openai/gpt-4o-mini", "openai/gpt-4o"]
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "ledger.sqlite")


@pytest.fixture
def keys(url: str) -> Iterator[Keys]:
    with open_keys(url, Clock()) as opened:
        yield opened


def with_ring(url: str, use: Callable[[KeyRing, Clock], Awaitable[None]]) -> None:
    """A ring on a loop on which waiting takes no time."""

    async def main() -> None:
        clock = Clock()
        ring = KeyRing(url, clock)
        await ring.start()
        try:
            await use(ring, clock)
        finally:
            await ring.aclose()

    fast_forward(main(), GRACE_S)


async def code_of(asked: Awaitable[Key]) -> str | None:
    with pytest.raises(KeyRefused) as caught:
        await asked
    assert caught.value.status == 401
    return caught.value.code


def test_a_key_is_found_without_waiting_once_the_keys_are_read(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())

    async def use(ring: KeyRing, clock: Clock) -> None:
        assert ring.find(made.secret) == made.key
        assert await ring.load(made.secret) == made.key
        assert ring.in_use

    with_ring(url, use)


def test_a_key_that_was_made_a_moment_ago_works_at_once(url: str, keys: Keys) -> None:
    async def use(ring: KeyRing, clock: Clock) -> None:
        assert not ring.in_use
        for name in ("one", "two", "three"):
            made = keys.create(name, Terms())
            assert await ring.load(made.secret) == made.key

    with_ring(url, use)


@pytest.mark.parametrize("pause_s", [0.05, STALE_S + 1])
def test_from_the_first_key_on_one_is_needed_within_five_seconds(url: str, keys: Keys, pause_s: float) -> None:
    async def use(ring: KeyRing, clock: Clock) -> None:
        assert not await ring.came_into_use()
        keys.create("alice", Terms())
        until_s = asyncio.get_running_loop().time() + max(STALE_S, pause_s)
        while not await ring.came_into_use():
            assert asyncio.get_running_loop().time() < until_s
            await asyncio.sleep(pause_s)

    with_ring(url, use)


def test_a_revoked_key_works_no_longer_than_five_seconds_even_without_a_pause(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())

    async def use(ring: KeyRing, clock: Clock) -> None:
        keys.revoke("alice")
        loop = asyncio.get_running_loop()
        revoked_s = loop.time()
        while ring.find(made.secret) is not None:
            await asyncio.sleep(0.05)
            assert loop.time() <= revoked_s + STALE_S
        assert await code_of(ring.load(made.secret)) == "revoked_api_key"
        assert ring.in_use

    with_ring(url, use)


def test_after_a_pause_nothing_is_taken_for_granted(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())

    async def use(ring: KeyRing, clock: Clock) -> None:
        keys.revoke("alice")
        await asyncio.sleep(STALE_S + 0.01)
        assert ring.find(made.secret) is None
        assert await code_of(ring.load(made.secret)) == "revoked_api_key"

    with_ring(url, use)


def test_expired_rotated_missing_and_unknown_secrets_are_told_apart(url: str, keys: Keys) -> None:
    clock = Clock()
    expiring = keys.create("bob", Terms(expires_ns=clock.now_ns + 10**9)).secret
    old = keys.create("alice", Terms()).secret
    new = keys.rotate("alice", grace_s=60).secret

    async def use(ring: KeyRing, clock: Clock) -> None:
        for secret in (expiring, old, new):
            assert ring.find(secret) is not None
        clock.advance(1)
        assert await code_of(ring.load(expiring)) == "expired_api_key"
        clock.advance(59)
        assert await code_of(ring.load(old)) == "revoked_api_key"
        assert ring.find(new) is not None
        assert await code_of(ring.load("")) == "missing_api_key"
        assert await code_of(ring.load("sk-proj-another")) == "invalid_api_key"
        assert await code_of(ring.load(f"sk-tramite-{token_urlsafe(32)}")) == "invalid_api_key"

    with_ring(url, use)


class Counted(KeyRing):
    """One that counts how often the store was asked."""

    readings = 0

    def _ask(self, used: dict[str, int]) -> Ring | None:
        self.readings += 1
        return super()._ask(used)


def test_a_flood_of_unknown_secrets_fills_no_memory_and_asks_the_store_ten_times_a_second(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())

    async def flood() -> None:
        ring = Counted(url)
        await ring.start()
        began_s = asyncio.get_running_loop().time()
        for _ in range(5):
            wrong = [f"sk-tramite-{token_urlsafe(32)}" for _ in range(200)]
            results = await asyncio.gather(*map(ring.load, wrong), return_exceptions=True)
            assert {type(result) for result in results} == {KeyRefused}
        took_s = asyncio.get_running_loop().time() - began_s
        assert ring.readings - 1 <= took_s / GAP_S + 1
        assert len(ring._entries) == 1
        before = ring.readings
        for length in (0, 10, 100_000):
            with pytest.raises(KeyRefused):
                await ring.load("x" * length)
        assert ring.readings == before, "what cannot be one of ours is never looked for"
        assert ring.find(made.secret) == made.key
        await ring.aclose()

    fast_forward(flood(), GRACE_S)


def test_keys_stop_working_when_nobody_can_tell_whether_they_are_revoked(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())
    path = Path(url.removeprefix("sqlite:///"))

    async def use(ring: KeyRing, clock: Clock) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("ALTER TABLE keyring RENAME TO hidden")
        await asyncio.sleep(STALE_S - 1)
        assert ring.find(made.secret) is not None
        await asyncio.sleep(STALE_S)
        assert ring.find(made.secret) is None
        with pytest.raises(StoreFailed):
            await ring.load(made.secret)
        connection.execute("ALTER TABLE hidden RENAME TO keyring")
        connection.close()
        assert await ring.load(made.secret) == made.key

    with_ring(url, use)


def test_who_waits_for_a_reading_may_leave_without_ending_it_for_the_others(url: str, keys: Keys) -> None:
    async def use(ring: KeyRing, clock: Clock) -> None:
        made = keys.create("alice", Terms())
        first, second = (asyncio.create_task(ring.load(made.secret)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == made.key
        with pytest.raises(asyncio.CancelledError):
            await first

    with_ring(url, use)


def test_when_a_key_was_used_is_written_down_now_and_then_and_at_the_end(url: str, keys: Keys) -> None:
    made = keys.create("alice", Terms())
    seen: list[int | None] = []

    async def use(ring: KeyRing, clock: Clock) -> None:
        for _ in range(2):
            await asyncio.sleep(USED_S + 1)
            await ring.load(made.secret)
            await ring.renew()
            seen.append(keys.get("alice").used_ns)
            clock.advance(30)
            ring.find(made.secret)

    with_ring(url, use)
    assert seen[0] == Clock().now_ns
    assert keys.get("alice").used_ns == Clock().now_ns + 60 * 10**9


def scope(*headers: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"type": "http", "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers], **more}


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ([("authorization", "Bearer sk-1")], "sk-1"),
        ([("authorization", "bearer   sk-1 ")], "sk-1"),
        ([("x-api-key", "sk-1")], "sk-1"),
        ([("api-key", "sk-1")], "sk-1"),
        ([("x-goog-api-key", "sk-1")], "sk-1"),
        ([("authorization", "Basic dXNlcg=="), ("api-key", "sk-1")], "sk-1"),
        ([("x-api-key", "sk-2"), ("authorization", "Bearer sk-1")], "sk-1"),
        ([("authorization", "Bearer sk-1"), ("authorization", "Bearer sk-2")], "sk-1"),
        ([("authorization", "Bearer")], ""),
        ([("authorization", "sk-1")], ""),
        ([("cookie", "api-key=sk-1")], ""),
        ([], ""),
    ],
)
def test_the_secret_is_where_each_client_puts_it(headers: list[tuple[str, str]], secret: str) -> None:
    assert secret_of(scope(*headers, query_string=b"key=sk-query")) == secret


NAMES = st.sampled_from([b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"host"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=100))))
def test_no_header_breaks_the_reader_and_none_is_made_up(headers: list[tuple[bytes, bytes]]) -> None:
    secret = secret_of({"type": "http", "headers": headers})
    assert secret == secret.strip()
    assert not secret or any(secret in str(value, "latin-1") for name, value in headers if name != b"host")


def key(**terms: Any) -> Key:
    return Key(id="k_0", name="alice", terms=Terms(**terms), created_ns=0)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "tramite.toml").write_text(CONFIG)
    return configuration.load(tmp_path / "tramite.toml")


@pytest.mark.parametrize(
    ("patterns", "model", "may"),
    [
        ((), "anything/at-all", True),
        (("fast",), "fast", True),
        (("fast",), None, True),
        (("azure/*",), None, False),
        (("fast",), "openai/gpt-4o-mini", False),
        (("fast",), "faster", False),
        (("azure/*",), "azure/small", True),
        (("azure/*",), "azure/a/b", True),
        (("azure/*",), "fast", False),
        (("openai/*",), "fast", False),
        (("openai/*", "azure/small"), "fast", True),
        (("openai/*",), "openai-only", True),
        (("openai/gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o", True),
        (("hf/*",), "huggingface/a/b", False),
        (("huggingface/*",), "hf/a/b", True),
        (("*",), "no-such/thing", True),
        (("azure/*",), "Azure/small", False),
        (("azure/*",), "azure", False),
        (("azure/*",), "no-such/azure/small", False),
        (("azure/*",), "x\nazure/small", False),
    ],
)
def test_a_model_is_allowed_by_the_name_asked_for_or_by_all_that_it_stands_for(
    patterns: tuple[str, ...], model: str | None, may: bool, config: Config
) -> None:
    asking = key(models=patterns)
    if may:
        check_model(asking, model, config)
    else:
        with pytest.raises(KeyRefused, match="may not use") as caught:
            check_model(asking, model, config)
        assert (caught.value.status, caught.value.code) == (403, "model_not_allowed")


@given(st.text(max_size=40), st.lists(st.from_regex(r"[a-z*/]{1,10}", fullmatch=True), max_size=3).map(tuple))
def test_only_a_pattern_lets_a_name_through(model: str, patterns: tuple[str, ...]) -> None:
    allowed = allows(key(models=patterns), model, ANYTHING)
    assert allowed == (not patterns or any(_like(model, pattern) for pattern in patterns))


class _Anything(Config, frozen=True):
    def resolve(self, model: str | None = None) -> list[Any]:
        return []


ANYTHING = _Anything()


def _like(text: str, pattern: str) -> bool:
    """The plainest reading of a pattern that there is."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and _like(text[1:], pattern[1:])


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("fd00::1", True),
        ("fd00::2", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_a_key_may_be_used_from_its_addresses_alone(address: str, may: bool) -> None:
    asking = key(addresses=("10.0.0.0/8", "fd00::1/128"))
    if may:
        check_address(asking, address)
    else:
        with pytest.raises(KeyRefused, match="may not be used from") as caught:
            check_address(asking, address)
        assert (caught.value.status, caught.value.code) == (403, "address_not_allowed")


def test_the_pipeline_is_told_who_asks_and_what_they_may_take() -> None:
    limits, budget = Limits(requests_per_minute=600), Budget(limit=(Cap(1, "day"),))
    asking = caller(key(limits=limits, budget=budget), "10.0.0.1")
    assert (asking.key, asking.address, asking.limits, asking.budget) == ("alice", "10.0.0.1", limits, budget)


@pytest.mark.parametrize(("code", "status"), [("missing_api_key", 401), ("model_not_allowed", 403)])
def test_a_refusal_is_said_in_the_words_of_each_dialect_and_read_back_by_its_clients(code: str, status: int) -> None:
    refusal = refused("no", code, status)
    for name in ("openai", "openai-responses", "anthropic"):
        dialect = registry.get(name)
        said, body = dialect.encode_error(refusal)
        read = dialect.decode_error(said, {}, body)
        assert (said, type(read), read.status) == (status, AuthenticationFailed, status)
    assert json.loads(registry.get("openai").encode_error(refusal)[1])["error"]["code"] == code
