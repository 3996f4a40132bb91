"""Opening a store: what is made, what is refused, and that no password is told."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.world import opened, select
from tramite.errors import ConfigError, MissingExtra
from tramite.store import open_store, sqlite_url
from tramite.store.rows import COLUMNS
from tramite.store.schema import MIGRATIONS


def test_a_new_store_is_readable_by_its_owner_only(url: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "ledger.sqlite"
    with opened(sqlite_url(path)) as store:
        connection = store.connect()
        connection.begin()
        files = list(path.parent.iterdir())
        assert {file.suffix for file in files} == {".sqlite", ".sqlite-shm", ".sqlite-wal"}
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        connection.close()


def test_the_table_has_the_columns_of_an_entry(url: str) -> None:
    open_store(url).close()
    assert [row[1] for row in select(url, "PRAGMA table_info(attempts)")] == ["seq", *COLUMNS]


def test_opening_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        open_store(url).close()
    assert select(url, "SELECT version FROM schema_version") == [(len(MIGRATIONS),)]


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    open_store(url).close()
    select(url, "UPDATE schema_version SET version = 99")
    with pytest.raises(ConfigError, match="has version 99, made by a newer tramite"):
        open_store(url)


def test_several_processes_that_open_a_new_store_at_once_make_it_once(url: str) -> None:
    script = "import sys; from tramite.store import open_store; sys.stdin.read(1); open_store(sys.argv[1]).close()"
    command = [sys.executable, "-c", script, url]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for run in runs:
        run.stdin.write(".")  # type: ignore[union-attr]
        run.stdin.flush()  # type: ignore[union-attr]
    assert [(run.communicate()[1], run.returncode) for run in runs] == [("", 0)] * 4
    assert select(url, "SELECT version FROM schema_version") == [(len(MIGRATIONS),)]


def test_a_file_that_is_no_database_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("Dear diary, " * 100)
    with pytest.raises(ConfigError, match=r"cannot open the store at sqlite:///.*: file is not a database"):
        open_store(url)


def test_a_place_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot open the store at sqlite:///.*/file/ledger.sqlite: "):
        open_store(sqlite_url(tmp_path / "file" / "ledger.sqlite"))


@pytest.mark.parametrize("url", ["", "ledger.sqlite", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://h/d"])
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="expected sqlite:///PATH or postgresql://"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:hunter2@host/db",
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql://me:hunter2/@127.0.0.1:1/db",
        "postgresql://me:hunter2@@127.0.0.1:1/db",
        "postgresql://me:x@hunter2:y@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?password=hunter2",
        "postgresql://127.0.0.1:1/db?nonsense=hunter2",
        "postgresql://me:hunter2@127.0.0.1:port/db",
    ],
)
def test_no_message_tells_a_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(ConfigError) as refused:
        open_store(url)
    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_postgres_without_its_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tramite\[postgres\]'"):
        open_store("postgresql://127.0.0.1/db")
