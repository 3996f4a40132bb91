"""Secrets: read from where they are said to be, and never seen."""

from __future__ import annotations

import copy
import logging
import pickle
import shlex
import sys
import threading
import traceback
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.errors import ConfigError, MissingExtra, MissingSecret
from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret, parse_reference

VALUE = "sk-0123456789-abcdef"
# They occur in none of the words that stand around a secret
HIDDEN = st.text("QXZJK~^%", min_size=1, max_size=60)


def python(code: str) -> str:
    return f"command:{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


@given(HIDDEN)
def test_no_more_than_four_characters_are_ever_shown(value: str) -> None:
    secret = Secret(value)
    row = Provider(name="x", base_url="https://x.example", secret=secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", repr(row), repr([secret]), repr(secret.source)]
    assert secret.reveal() == value
    shown += [repr(secret), str(secret), repr(row)]
    for text in shown:
        left = text.replace(secret.tail, "") if secret.tail else text
        assert value not in text
        assert not any(char in left for char in value)
    assert secret.tail == (value[-4:] if len(value) > 12 else "")


@given(HIDDEN, st.sampled_from(["\n", "\r", "\x00", "\x1b", "\x7f", "é", "’", "\u200b"]), st.integers(0, 60))
def test_what_cannot_stand_in_a_header_is_refused_without_being_repeated(value: str, bad: str, where: int) -> None:
    where = min(where, len(value))
    secret = parse_reference("env:THE_NAME", environ={"THE_NAME": value[:where] + bad + value[where:]})
    with pytest.raises(ConfigError, match=rf"env:THE_NAME holds .* at position {where + 1} of") as caught:
        secret.reveal()
    assert not any(char in str(caught.value) for char in value)


def test_it_says_where_it_comes_from() -> None:
    secret = parse_reference("env:OPENAI_API_KEY", environ={"OPENAI_API_KEY": VALUE})
    assert repr(secret) == "Secret('…', 'env:OPENAI_API_KEY', '…')"
    secret.reveal()
    assert repr(secret) == "Secret('…', 'env:OPENAI_API_KEY', '…cdef')"


def test_it_is_in_no_log_no_json_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    secret.reveal()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").warning("%s %r %s", secret, secret, {"key": secret})
    assert "0123456789" not in caplog.text
    with pytest.raises((TypeError, msgspec.EncodeError)):
        msgspec.json.encode(secret)
    bad = parse_reference("env:X", environ={"X": f"{VALUE}\n"})
    with pytest.raises(ConfigError) as caught:
        bad.reveal()
    assert "0123456789" not in "".join(traceback.format_exception(caught.value))


def test_the_environment_goes_before_dotenv_and_is_asked_anew() -> None:
    environ = {"A": "first"}
    secret = parse_reference("env:A", environ=environ, dotenv={"A": "second", "B": "third"})
    assert secret.reveal() == "first"
    environ["A"] = "renewed"
    assert secret.reveal() == "first"
    assert secret.refresh()
    assert secret.reveal() == "renewed"
    assert not secret.refresh()
    del environ["A"]
    assert secret.refresh()
    assert (secret.reveal(), secret.origin) == ("second", ".env:A")


def test_a_refresh_that_fails_leaves_no_old_secret_behind() -> None:
    environ = {"A": "first"}
    secret = parse_reference("env:A", environ=environ)
    secret.reveal()
    del environ["A"]
    with pytest.raises(MissingSecret):
        secret.refresh()
    with pytest.raises(MissingSecret):
        secret.reveal()


def test_a_file_is_read_without_its_line_end_and_again_after_a_401(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{VALUE}\r\n")
    secret = parse_reference("file:key", base=tmp_path)
    assert secret.reveal() == VALUE
    path.write_text("another-one")
    assert secret.refresh()
    assert secret.reveal() == "another-one"


def test_a_home_can_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(VALUE)
    assert parse_reference("file:~/key", base=Path("/nowhere")).reveal() == VALUE


@pytest.mark.parametrize(
    ("content", "says"), [(None, "is not set"), (b"", "is empty"), (b"\xff", "is not UTF-8"), (b"a\nb", "a line end")]
)
def test_a_file_that_holds_no_secret_is_an_error(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        parse_reference(f"file:{path}").reveal()


def test_a_folder_or_a_device_is_no_secret(tmp_path: Path) -> None:
    for path in (str(tmp_path), "/dev/zero"):
        with pytest.raises(ConfigError, match="cannot read the secret"):
            parse_reference(f"file:{path}").reveal()


def test_a_command_runs_once_without_a_shell_and_again_after_a_401(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        f"open({str(log)!r}, 'a').write('x'); import pathlib; print('secret-' + pathlib.Path({str(log)!r}).read_text())"
    )
    secret = parse_reference(python(code))
    assert secret.blocking
    assert (secret.reveal(), secret.reveal()) == ("secret-x", "secret-x")
    assert not secret.blocking
    assert secret.refresh()
    assert secret.reveal() == "secret-xx"
    assert (
        parse_reference(python("import sys; print(sys.argv[1:])") + " '$HOME' ';' ls").reveal()
        == "['$HOME', ';', 'ls']"
    )


def test_a_command_runs_once_for_many_threads(tmp_path: Path) -> None:
    log = tmp_path / "log"
    secret = parse_reference(python(f"open({str(log)!r}, 'a').write('x'); print('abc')"))
    threads = [threading.Thread(target=secret.reveal) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.read_text() == "x"


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        (
            python("import sys; print('leaked-secret'); sys.exit('vault is sealed')"),
            "ended with 1; it said: vault is sealed",
        ),
        (python("pass"), "is empty"),
        ("command:no-such-program --token=leaked-secret", "cannot run command:no-such-program: No such file"),
        ("command:echo 'unclosed leaked-secret", "cannot run command:echo: No closing quotation"),
    ],
)
def test_a_command_that_gives_no_secret_is_an_error_without_its_output(reference: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_reference(reference).reveal()
    assert says in str(caught.value)
    assert "leaked" not in str(caught.value)
    assert "leaked" not in "".join(traceback.format_exception(caught.value))


def test_a_command_gets_no_input(tmp_path: Path) -> None:
    assert parse_reference(python("import sys; print(repr(sys.stdin.read()))")).reveal() == "''"


def test_a_keyring_that_is_not_installed_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tramite\[keyring\]'"):
        parse_reference("keyring:OPENAI_API_KEY").reveal()


@pytest.mark.parametrize(
    "text", ["env:", "env:  ", "file:", "keyring:", "command: ", "env:a b", "env:x\u202ey", "env:${X}"]
)
def test_a_reference_to_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_reference(text)


@pytest.mark.parametrize("text", ["sk-plain", "sk:with:colons", "ENV:NOT_A_REFERENCE", "http:thing"])
def test_everything_else_is_the_secret_itself(text: str) -> None:
    secret = parse_reference(text, written_in="tramite.toml")
    assert secret.is_literal
    assert (secret.reveal(), secret.origin) == (text, "tramite.toml")


def test_a_copy_is_the_same_secret_and_equality_is_that_of_the_source() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    assert secret == Secret(VALUE)
    assert secret != Secret("another")
    assert secret != VALUE
    assert len({secret, Secret(VALUE)}) == 1


def test_a_pickle_holds_the_reference_and_never_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_NAME", VALUE)
    secret = parse_reference("env:THE_NAME", dotenv={"OTHER": "dotenv-secret"})
    secret.reveal()
    data = pickle.dumps(secret)
    assert VALUE.encode() not in data
    assert b"dotenv-secret" not in data
    assert pickle.loads(data).reveal() == VALUE
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE))


def test_each_way_to_authenticate_has_its_header() -> None:
    def row(**facts: object) -> Provider:
        return Provider(name="x", base_url="https://x.example", secret=Secret(VALUE), **facts)  # type: ignore[arg-type]  # rows by name

    assert row().credentials() == {"authorization": f"Bearer {VALUE}"}
    assert row(auth="api-key").credentials() == {"api-key": VALUE}
    assert row(auth="x-goog-api-key").credentials() == {"x-goog-api-key": VALUE}
    assert row(auth="none").credentials() == {}
    with pytest.raises(MissingSecret, match=r"\[providers\.x\]"):
        Provider(name="x", base_url="https://x.example").credentials()
