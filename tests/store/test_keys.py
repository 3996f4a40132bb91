"""Keys of ours: what is kept of them and what never is, how they end, and what a wrong pepper does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.store.world import NOON_NS, Clock, select
from tramite.config import Budget, Cap, Limits
from tramite.config.places import pepper_file
from tramite.errors import ConfigError, InvalidCall, StoreFailed
from tramite.store.keys import SECRET, SECRET_LENGTH, Keys, NameTaken, NoSuchKey, Ring, Terms, open_keys

TERMS = Terms(
    models=("fast", "azure/*"),
    addresses=("10.0.0.0/8",),
    limits=Limits(requests_per_minute=600, concurrency=4),
    budget=Budget(limit=(Cap(50 * 10**9, "month"),), max_output_tokens=1000),
    expires_ns=NOON_NS + 10**12,
)


@pytest.fixture
def keys(url: str) -> Keys:
    return open_keys(url, Clock())


def ring_of(keys: Keys) -> Ring:
    ring = keys.ring()
    assert ring is not None
    return ring


def test_a_key_keeps_its_terms_and_says_when_it_was_made(keys: Keys) -> None:
    with keys:
        made = keys.create("alice", TERMS)
        assert keys.get("alice") == keys.get(made.key.id) == made.key
    assert (made.key.terms, made.key.created_ns, made.key.state(NOON_NS)) == (TERMS, NOON_NS, "live")
    assert made.key.state(NOON_NS + 10**12) == "expired"


def test_the_secret_is_random_and_nowhere_in_the_store_or_beside_it(keys: Keys, tmp_path: Path) -> None:
    with keys:
        secrets = [keys.create(f"key-{number}", Terms()).secret for number in range(3)]
        text = repr(keys.ring()) + repr(keys.all())
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(set(secrets)) == 3
    for secret in secrets:
        assert SECRET.fullmatch(secret)
        assert len(secret) == SECRET_LENGTH
        assert secret not in text
        assert not any(secret[11:].encode() in data for data in files)


def test_the_pepper_is_a_file_that_only_its_owner_may_read_and_not_in_the_store(keys: Keys, url: str) -> None:
    with keys:
        keys.create("alice", Terms())
    path = pepper_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [(mark,)] = select(url, "SELECT pepper FROM keyring")
    assert mark
    assert mark not in path.read_text()
    assert path.read_text().strip() not in str(select(url, "SELECT * FROM keys"))


def test_the_file_of_one_machine_is_the_variable_of_another(
    keys: Keys, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keys:
        made = keys.create("alice", Terms())
        text = pepper_file().read_text()
    monkeypatch.setenv("TRAMITE_HOME", str(tmp_path / "another machine"))
    with open_keys(url) as elsewhere:
        with pytest.raises(ConfigError, match="TRAMITE_KEY_PEPPER"):
            elsewhere.ring()
        monkeypatch.setenv("TRAMITE_KEY_PEPPER", text)
        ring = ring_of(elsewhere)
        assert ring.pepper is not None
        assert ring.pepper.digest(made.secret) == ring.issued[0].digest


def test_another_pepper_is_refused_before_a_key_is_made_that_works_nowhere(
    keys: Keys, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keys:
        keys.create("alice", Terms())
        monkeypatch.setenv("TRAMITE_KEY_PEPPER", "another one, that is long enough")
        with pytest.raises(ConfigError, match="another pepper"):
            keys.create("bob", Terms())
        assert [key.name for key in keys.all()] == ["alice"]


@pytest.mark.parametrize("text", ["tiny-one", "x" * 31])
def test_a_short_pepper_is_refused(keys: Keys, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAMITE_KEY_PEPPER", text)
    with keys, pytest.raises(ConfigError, match="too short") as refused:
        keys.create("alice", Terms())
    assert text not in str(refused.value)


@pytest.mark.parametrize("name", ["", "global", "k_0123456789", "sk-tramite-x", "a b", "-x", "x" * 65, "key:x", "è"])
def test_what_would_be_mistaken_for_something_else_is_no_name(keys: Keys, name: str) -> None:
    with keys, pytest.raises(InvalidCall, match="cannot be a key's name"):
        keys.create(name, Terms())


def test_a_name_is_free_again_once_its_key_is_revoked(keys: Keys) -> None:
    with keys:
        first = keys.create("alice", Terms())
        with pytest.raises(NameTaken):
            keys.create("alice", Terms())
        assert keys.revoke("alice").state(NOON_NS) == "revoked"
        second = keys.create("alice", Terms())
        assert keys.get("alice").id == second.key.id
        assert keys.get(first.key.id).revoked_ns == NOON_NS
        assert keys.revoke(first.key.id).revoked_ns == NOON_NS
        assert keys.get("alice").state(NOON_NS) == "live"


def test_a_revoked_key_cannot_be_brought_back(keys: Keys) -> None:
    with keys:
        keys.create("alice", Terms())
        keys.revoke("alice")
        for attempt in (lambda: keys.rotate("alice"), lambda: keys.change("alice", TERMS)):
            with pytest.raises(InvalidCall, match="is revoked, and stays so"):
                attempt()


def test_rotating_changes_the_secret_alone_and_keeps_the_old_one_for_as_long_as_was_said(keys: Keys) -> None:
    with keys:
        old = keys.create("alice", TERMS)
        new = keys.rotate("alice", grace_s=60)
        [issued] = ring_of(keys).issued
        pepper = ring_of(keys).pepper
        assert pepper is not None
        assert (issued.digest, issued.old_digest) == (pepper.digest(new.secret), pepper.digest(old.secret))
        assert (new.key.id, new.key.terms) == (old.key.id, TERMS)
        assert issued.key.old_until_ns == new.key.old_until_ns == NOON_NS + 60 * 10**9


def test_a_name_that_is_unknown_is_told_with_the_nearest(keys: Keys) -> None:
    with keys:
        keys.create("alice", Terms())
        with pytest.raises(NoSuchKey, match="did you mean alice"):
            keys.get("alcie")


def test_the_ring_is_read_again_only_after_a_change(keys: Keys) -> None:
    with keys:
        assert ring_of(keys).issued == ()
        keys.create("alice", Terms())
        changes = ring_of(keys).changes
        assert keys.ring(changes) is None
        keys.used({keys.get("alice").id: NOON_NS})
        assert keys.ring(changes) is None
        keys.change("alice", TERMS)
        ring = keys.ring(changes)
        assert ring is not None
        assert ring.issued[0].key.terms == TERMS


def test_the_last_use_never_goes_back(keys: Keys) -> None:
    with keys:
        key = keys.create("alice", Terms()).key
        for at_ns in (NOON_NS, NOON_NS - 5, NOON_NS + 5):
            keys.used({key.id: at_ns, "k_unknown": at_ns})
        assert keys.get("alice").used_ns == NOON_NS + 5


def test_a_store_that_fails_says_so_as_an_error_of_ours(keys: Keys, url: str) -> None:
    select(url, "DROP TABLE keyring")
    with keys, pytest.raises(StoreFailed, match="the keys in"):
        keys.create("alice", Terms())
