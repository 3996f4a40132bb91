"""The file of `tramite secrets set`: the user's alone, and never half written."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tramite.errors import ConfigError, MissingExtra
from tramite.providers.private import replace
from tramite.providers.store import SecretStore


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "own" / "secrets.json")


def test_a_secret_is_kept_in_a_file_of_the_owners_alone_whatever_the_umask(store: SecretStore) -> None:
    before = os.umask(0)
    try:
        store.set("OPENAI_API_KEY", "sk-1")
    finally:
        os.umask(before)
    assert (mode(store.path), mode(store.path.parent)) == (0o600, 0o700)
    assert store.get("OPENAI_API_KEY") == "sk-1"
    assert store.names() == {"OPENAI_API_KEY": "file"}


def test_setting_again_replaces_and_tightens_a_file_that_others_could_read(store: SecretStore) -> None:
    store.set("A_KEY", "one")
    store.path.chmod(0o644)
    assert "chmod 600" in store.problems()[0]
    inode = store.path.stat().st_ino
    store.set("A_KEY", "two")
    assert (store.get("A_KEY"), mode(store.path), store.problems()) == ("two", 0o600, [])
    assert store.path.stat().st_ino != inode  # another file in its place: never one that is being written
    assert [path.name for path in store.path.parent.iterdir()] == ["secrets.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(store: SecretStore) -> None:
    store.set("A_KEY", "one")
    with pytest.raises(TypeError):
        replace(store.path, "text is no bytes")  # type: ignore[arg-type]  # that is the failure
    assert store.get("A_KEY") == "one"
    assert [path.name for path in store.path.parent.iterdir()] == ["secrets.json"]


def test_removing_forgets_one_and_keeps_the_others(store: SecretStore) -> None:
    store.set("A_KEY", "one")
    store.set("B_KEY", "two")
    assert store.remove("A_KEY")
    assert not store.remove("A_KEY")
    assert store.names() == {"B_KEY": "file"}


def test_nothing_is_made_by_looking(store: SecretStore) -> None:
    assert (store.names(), store.get("A_KEY"), store.problems()) == ({}, None, [])
    assert not store.path.parent.exists()


def test_a_link_survives_and_its_target_is_what_is_written(store: SecretStore, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "secrets.json"
    target.parent.mkdir()
    target.write_text("{}")
    target.chmod(0o644)
    store.path.parent.mkdir()
    store.path.symlink_to(target)
    store.set("A_KEY", "one")
    assert store.path.is_symlink()
    assert (mode(target), store.get("A_KEY")) == (0o600, "one")


@pytest.mark.parametrize("name", ["", "a b", "1KEY", "A/B", "A=B", "../x", "A\n", "x" * 200])
def test_a_name_that_no_variable_could_have_is_refused(store: SecretStore, name: str) -> None:
    with pytest.raises(ConfigError, match="is not a name for a secret"):
        store.set(name, "value")


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\r", "sk-é", "\x1b[2J"])
def test_a_value_that_could_not_be_sent_is_refused_and_not_repeated(store: SecretStore, value: str) -> None:
    with pytest.raises(ConfigError, match="the value for A_KEY is empty, or holds") as caught:
        store.set("A_KEY", value)
    assert not value.strip() or value not in str(caught.value)
    assert not store.path.exists()


@pytest.mark.parametrize("content", ["", "[]", "not json: sk-leaked", '{"A_KEY": 5, "B": "sk-leaked"}', "\ud800"])
def test_a_broken_file_is_an_error_that_does_not_repeat_it(store: SecretStore, content: str) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError, match="cannot read the secrets in") as caught:
        store.get("A_KEY")
    assert "leaked" not in str(caught.value)
    with pytest.raises(ConfigError):
        store.set("A_KEY", "value")
    assert store.path.read_bytes() == content.encode("utf-8", "surrogatepass")


def test_writers_at_the_same_time_lose_nothing(store: SecretStore) -> None:
    threads = [threading.Thread(target=store.set, args=(f"KEY_{n}", str(n))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.names()) == 12


class FakeKeyring(SimpleNamespace):
    """The three functions of the keyring library, on a dictionary."""

    def __init__(self) -> None:
        super().__init__(held={})

    def set_password(self, service: str, name: str, value: str) -> None:
        self.held[service, name] = value

    def get_password(self, service: str, name: str) -> str | None:
        return self.held.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        del self.held[service, name]


def test_a_secret_in_the_keyring_is_not_in_the_file(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    store.set("A_KEY", "in-the-file")
    store.set("A_KEY", "in-the-keyring", keyring=True)
    assert "in-the" not in store.path.read_text()
    assert (store.get("A_KEY"), store.names()) == ("in-the-keyring", {"A_KEY": "keyring"})
    assert store.remove("A_KEY")
    assert (keyring.held, store.get("A_KEY")) == ({}, None)


def test_a_keyring_that_fails_or_is_missing_is_an_error_of_ours(
    store: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace())
    with pytest.raises(ConfigError, match="the keyring refused set_password of A_KEY: AttributeError"):
        store.set("A_KEY", "sk-never-shown", keyring=True)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"tramite\[keyring\]"):
        store.set("A_KEY", "sk-never-shown", keyring=True)
    assert not store.path.exists()
