"""What looks like a secret is not kept; what does not, is."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tramite.store.redaction import MARK, redact

BODY = "Zx9" * 12
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{BODY}.{BODY}"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [
        f"sk-{BODY}",
        f"sk-proj-{BODY}_{BODY}",
        f"sk-ant-api03-{BODY}-{BODY}",
        f"hf_{BODY}",
        f"AIza{BODY}",
        "AKIAIOSFODNN7EXAMPLE",
        *(f"gh{kind}_{BODY}" for kind in "pousr"),
        f"github_pat_{BODY}",
        f"xoxb-1234-{BODY}",
        f"gsk_{BODY}",
        JWT,
        PEM,
        PEM.replace("RSA ", ""),
        PEM[:90],
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    for before, after in (("", ""), ("My key is ", " and that is all"), ('{"a": "', '"}'), ("(", ").")):
        after = "" if secret == PEM[:90] else after  # what is cut off is taken to its end
        assert redact(f"{before}{secret}{after}") == f"{before}{MARK}{after}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abc123def456", f"Authorization: Bearer {MARK}"),
        ("authorization: Basic dXNlcjpwYXNz", f"authorization: Basic {MARK}"),
        ("'Authorization': 'Bearer 0123456789abcdef'", f"'Authorization': 'Bearer {MARK}'"),
        ("it wants bearer tok_0123456789", f"it wants bearer {MARK}"),
        ("postgresql://me:hunter2@db.example/x", f"postgresql://me:{MARK}@db.example/x"),
        ("redis://:p@localhost", f"redis://:{MARK}@localhost"),
        ("api_key=abcdef123", f"api_key={MARK}"),
        ("OPENAI_API_KEY = 'abcdef123'", f"OPENAI_API_KEY = '{MARK}'"),
        ('{"apiKey":"abcdef123","n":1}', f'{{"apiKey":"{MARK}","n":1}}'),
        ('"{\\"api_key\\": \\"abcdef123\\"}"', f'"{{\\"api_key\\": \\"{MARK}\\"}}"'),
        ("x-api-key: abcdef123\r\n", f"x-api-key: {MARK}\r\n"),
        ("GET /v1?key=abcdef123&x=1", f"GET /v1?key={MARK}&x=1"),
        ("client_secret: abcdef123", f"client_secret: {MARK}"),
        ("PASSWORD=corr*ct[horse]", f"PASSWORD={MARK}"),
        ("aws_secret_access_key=abc/def+ghi=", f"aws_secret_access_key={MARK}"),
    ],
)
def test_a_name_stays_and_its_value_goes(text: str, kept: str) -> None:
    assert redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "The risk-management-department-of-the-bank and a task-based-learning-environment",
        "A bearer certificate, a basic understanding, the Authorization header",
        "https://example.com:8080/a@b and http://localhost:1234/v1",
        "max_tokens=4096, temperature: 0.7, finish=stop, key = value",
        "the secret of a good title is: patience",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJust a word",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


pieces = st.sampled_from(
    [
        *(
            "sk-",
            BODY,
            "hf_",
            "AKIA",
            "eyJ",
            ".",
            "bearer ",
            "api_key",
            "=",
            ":",
            "://",
            "@",
            "/",
            " ",
            "\n",
            '"',
            "\\",
        ),
        *("\\", PEM[:31], PEM[-29:], "-", "password", MARK, "secret", "a", "Basic ", "?key", "authorization", "é"),
    ]
)


@given(st.lists(pieces).map("".join) | st.text())
@example(f"://a:{PEM}b@")
@example(f"password=ab{PEM}")
@example(f"AKIA{BODY}sk-{BODY}")
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "sk-", "eyJ", "eyJaaaaaaaaaaaa.", "://", "://a:", "bearer ", "api_key=", "api_key ", " ", "-----BEGIN "),
        *("-----BEGIN PRIVATE KEY-----", "secret_", "\\\"'", "a.", "-", "password:\n", "AKIA", "A ", "://a:b:c"),
    ],
)
def test_time_grows_with_the_length_alone(unit: str) -> None:
    """Four times the text, and no more than some four times the time: quadratic patterns would take sixteen."""
    short, long = (unit * (size // len(unit)) for size in (50_000, 200_000))
    assert _seconds(long) < 8 * _seconds(short) + 0.05


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        began = process_time()
        redact(text)
        best = min(best, process_time() - began)
    return best
