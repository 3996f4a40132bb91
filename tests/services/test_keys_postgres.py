"""Keys in Postgres: two machines see the same ones, as they are."""

from __future__ import annotations

import asyncio

import pytest

from tramite.config import Budget, Cap
from tramite.gateway.keys import KeyRefused, KeyRing
from tramite.store.key_terms import told
from tramite.store.keys import NameTaken, NoSuchKey, Terms, open_keys

TERMS = Terms(models=("fast",), budget=Budget(limit=(Cap(10**9, "day"),)))


async def test_a_key_that_one_machine_makes_and_revokes_is_known_to_another(postgres: str) -> None:
    ring = KeyRing(postgres)
    await ring.start()
    keys = await asyncio.to_thread(open_keys, postgres)
    made = keys.create("alice", TERMS)
    assert (await ring.load(made.secret)).terms == TERMS
    rotated = keys.rotate("alice", grace_s=60)
    assert {(await ring.load(secret)).id for secret in (made.secret, rotated.secret)} == {made.key.id}
    with pytest.raises(NameTaken):
        keys.create("alice", TERMS)
    with pytest.raises(NoSuchKey):
        keys.get("bob")
    assert told(made.key, 0, keys.standings(made.key))["spent"][0]["left_nanousd"] == 10**9
    keys.revoke("alice")
    await ring.renew()
    with pytest.raises(KeyRefused, match="revoked"):
        await ring.load(made.secret)
    await ring.aclose()
    assert keys.get("alice").used_ns is not None
    assert keys.create("alice", TERMS).key.id != made.key.id
    keys.close()


async def test_a_connection_that_is_lost_is_made_anew(postgres: str) -> None:
    ring = KeyRing(postgres)
    await ring.start()
    with open_keys(postgres) as keys:
        made = keys.create("alice", TERMS)
        keys._database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert (await ring.load(made.secret)).name == "alice"
    await ring.aclose()
