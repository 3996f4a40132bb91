"""Errors of the Messages API, read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.dialects.anthropic import ANTHROPIC

Kind = type[er.ProviderError]


def _read(status: int, kind: str, message: str = "Something.", **details: Any) -> er.ProviderError:
    said: dict[str, Any] = {"type": kind, "message": message}
    if details:
        said["details"] = details
    body = {"type": "error", "error": said, "request_id": "req_1"}
    return ANTHROPIC.decode_error(status, {}, json.dumps(body).encode())


# platform.claude.com, "Errors" (facts A3)
TABLE: dict[tuple[int, str], Kind] = {
    (400, "invalid_request_error"): er.RequestRejected,
    (401, "authentication_error"): er.AuthenticationFailed,
    (402, "billing_error"): er.QuotaExhausted,
    (403, "permission_error"): er.AuthenticationFailed,
    (404, "not_found_error"): er.ModelNotFound,
    (409, "conflict_error"): er.Overloaded,
    (413, "request_too_large"): er.RequestRejected,
    (422, "invalid_request_error"): er.RequestRejected,
    (429, "rate_limit_error"): er.Throttled,
    (500, "api_error"): er.Overloaded,
    (504, "timeout_error"): er.TimedOut,
    (529, "overloaded_error"): er.Overloaded,
}


@pytest.mark.parametrize(("status", "kind"), TABLE)
def test_each_error_of_the_table_has_its_class(status: int, kind: str) -> None:
    error = _read(status, kind)
    assert type(error) is TABLE[status, kind]
    assert (error.status, error.type, error.request_id) == (status, kind, "req_1")
    assert error.message.startswith("Something.")


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "prompt is too long: 209257 tokens > 200000 maximum", er.ContextTooLong),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", er.ContextTooLong),
        (400, "Your credit balance is too low to access the Anthropic API.", er.QuotaExhausted),
        (400, "You have reached your specified API usage limits. You will regain access on …", er.QuotaExhausted),
        (400, "Output blocked by content filtering policy", er.ContentFiltered),
        (400, "messages: text content blocks must be non-empty", er.RequestRejected),
        (404, "model: claude-9", er.ModelNotFound),
        (404, "Not found", er.RequestRejected),
    ],
)
def test_a_message_says_what_a_type_leaves_open(status: int, message: str, expected: Kind) -> None:
    kind = "not_found_error" if status == 404 else "invalid_request_error"
    assert type(_read(status, kind, message)) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("enforced_spend_limit_reached", er.QuotaExhausted),
        ("contract_spend_limit_reached", er.QuotaExhausted),
        ("ramp_limit_exceeded", er.Throttled),
        ("a_code_of_the_future", er.Throttled),
    ],
)
def test_the_code_in_the_details_is_closer_than_the_type(code: str, expected: Kind) -> None:
    error = _read(429, "rate_limit_error", error_code=code)
    assert (type(error), error.code) == (expected, code)


def test_headers_say_when_and_which() -> None:
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}'
    error = ANTHROPIC.decode_error(429, {"retry-after": "7", "request-id": "req_2"}, body)
    assert (error.retry_after_s, error.request_id) == (7, "req_2")
    refused = ANTHROPIC.decode_error(429, {"x-should-retry": "false"}, body)
    assert (refused.retryable, refused.throttle) == (False, False)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", er.Overloaded),
        (529, b"", er.Overloaded),
        (401, b"", er.AuthenticationFailed),
        (429, b"slow down", er.Throttled),
        (400, b'{"error":"prompt is too long"}', er.ContextTooLong),
        (400, b'{"detail":"no such field"}', er.RequestRejected),
        (404, b'{"message":"no Route matched"}', er.ModelNotFound),
        (500, b'[{"error":1}]', er.Overloaded),
        (400, b'{"type":"error","error":{}}', er.RequestRejected),
    ],
)
def test_proxies_and_other_servers_are_understood_as_far_as_they_go(status: int, body: bytes, expected: Kind) -> None:
    error = ANTHROPIC.decode_error(status, {}, body)
    assert type(error) is expected
    assert error.message


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (er.InvalidCall("no", "n"), 400, "invalid_request_error"),
        (er.Throttled("x"), 429, "rate_limit_error"),
        (er.LimitExceeded("x"), 429, "rate_limit_error"),
        (er.BudgetExceeded("x"), 402, "billing_error"),
        (er.AuthenticationFailed("x", status=403), 403, "permission_error"),
        (er.RequestRejected("x", status=413), 413, "request_too_large"),
        (er.Overloaded("x"), 529, "overloaded_error"),
        (er.DeadlineExceeded("x"), 504, "timeout_error"),
        (er.NoModelConfigured("x"), 404, "not_found_error"),
        (er.ConnectFailed("x"), 502, "api_error"),
    ],
)
def test_our_errors_are_theirs_on_the_wire(error: Exception, status: int, kind: str) -> None:
    sent, body = ANTHROPIC.encode_error(error)
    said = json.loads(body)
    assert (sent, said["type"], said["error"]["type"]) == (status, "error", kind)
    (frame,) = ANTHROPIC.encode_stream_error(error)
    assert frame.event == "error"
    assert json.loads(frame.data) == said


def test_a_prompt_that_is_too_long_is_said_in_the_words_that_their_clients_look_for() -> None:
    _, body = ANTHROPIC.encode_error(er.ContextTooLong("9 tokens do not fit"))
    assert json.loads(body)["error"]["message"] == "prompt is too long: 9 tokens do not fit"
    _, body = ANTHROPIC.encode_error(er.ContextTooLong("maximum context length is 8"))
    assert json.loads(body)["error"]["message"] == "maximum context length is 8"


def test_what_a_filter_caught_and_which_request_it_was_are_kept() -> None:
    error = er.ContentFiltered("no")
    error.categories = ("violence",)
    read = ANTHROPIC.decode_error(*_sent(error.at("acme", "m", "req_7")))
    assert isinstance(read, er.ContentFiltered)
    assert (read.categories, read.request_id) == (("violence",), "req_7")


def _sent(error: Exception) -> tuple[int, dict[str, str], bytes]:
    status, body = ANTHROPIC.encode_error(error)
    return status, {}, body
