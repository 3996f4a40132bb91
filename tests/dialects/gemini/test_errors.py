"""What Google's failures mean, and how our own are said in Google's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.dialects.gemini import GEMINI

TYPE = "type.googleapis.com/google.rpc."
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def read(status: int, message: str, code: str, *details: dict[str, Any], wrapped: bool = False) -> er.ProviderError:
    error = {"error": {"code": status, "message": message, "status": code, "details": list(details)}}
    return GEMINI.decode_error(status, {}, json.dumps([error] if wrapped else error).encode())


def quota(id: str, value: str = "") -> dict[str, Any]:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": id}
    return {"@type": f"{TYPE}QuotaFailure", "violations": [violation | ({"quotaValue": value} if value else {})]}


def wait(delay: str) -> dict[str, Any]:
    return {"@type": f"{TYPE}RetryInfo", "retryDelay": delay}


def throttled(*details: dict[str, Any], message: str = QUOTA) -> er.ProviderError:
    return read(429, message, "RESOURCE_EXHAUSTED", *details)


MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


@pytest.mark.parametrize(
    ("delay", "seconds"), [("37s", 37.0), ("1.5s", 1.5), ("0s", 0.0), ("0.250s", 0.25), ("soon", None)]
)
def test_a_minutes_quota_is_waited_for(delay: str, seconds: float | None) -> None:
    error = throttled(quota(MINUTE), wait(delay))
    assert isinstance(error, er.Throttled)
    assert error.retry_after_s == seconds
    assert (error.code, error.retryable, error.throttle) == ("RESOURCE_EXHAUSTED", True, True)


def test_the_wait_may_be_in_the_message_alone() -> None:
    error = throttled(quota(MINUTE), message=f"{QUOTA}\nPlease retry in 48.939935699s.")
    assert isinstance(error, er.Throttled)
    assert error.retry_after_s == pytest.approx(48.94, abs=0.01)
    bare = read(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED")
    assert isinstance(bare, er.Throttled)
    assert bare.retry_after_s is None


def test_the_field_outranks_the_message() -> None:
    assert throttled(quota(MINUTE), wait("5s"), message="Please retry in 48.9s.").retry_after_s == 5


def test_a_days_quota_is_not_waited_for_in_a_loop() -> None:
    error = throttled(quota(DAY), message=f"{QUOTA} Please retry in 10h17m5.723541104s.")
    assert isinstance(error, er.QuotaExhausted)
    assert not error.retryable
    assert error.retry_after_s == pytest.approx(10 * 3600 + 17 * 60 + 5.72, abs=0.01)
    assert throttled(quota(MINUTE), quota(DAY), wait("37s")).retry_after_s == 37


@pytest.mark.parametrize(
    "error",
    [
        throttled(quota(MINUTE), wait("30s"), message=f"{QUOTA}\n* Quota exceeded for metric: x, limit: 0, model: y"),
        throttled(quota(MINUTE, "0"), wait("30s")),
    ],
)
def test_no_quota_at_all_is_not_waited_for_either(error: er.ProviderError) -> None:
    assert isinstance(error, er.QuotaExhausted)
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    "message",
    [
        "Your prepayment credits are depleted. Please go to AI Studio.",
        "Your project has exceeded its monthly spending cap.",
    ],
)
def test_money_that_ran_out_is_not_waited_for(message: str) -> None:
    assert isinstance(throttled(message=message), er.QuotaExhausted)
    assert not isinstance(throttled(quota(MINUTE, "1000"), message="Quota exceeded, limit: 10"), er.QuotaExhausted)


@pytest.mark.parametrize(
    ("status", "code", "message", "reason", "kind"),
    [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass one.", "API_KEY_INVALID", er.AuthenticationFailed),
        (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", "", er.AuthenticationFailed),
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'", "", er.RequestRejected),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", "", er.RequestRejected),
        (400, "INVALID_ARGUMENT", "Function call is missing a thought_signature", "", er.RequestRejected),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
            "",
            er.ContextTooLong,
        ),
        (401, "UNAUTHENTICATED", "Request had invalid credentials.", "", er.AuthenticationFailed),
        (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers", "", er.AuthenticationFailed),
        (404, "NOT_FOUND", "models/x is not found for API version v1beta", "", er.ModelNotFound),
        (500, "INTERNAL", "An internal error has occurred.", "", er.Overloaded),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", "", er.Overloaded),
        (504, "DEADLINE_EXCEEDED", "The request timed out.", "", er.Overloaded),
    ],
)
def test_each_failure_has_its_class(
    status: int, code: str, message: str, reason: str, kind: type[er.ProviderError]
) -> None:
    info = [{"@type": f"{TYPE}ErrorInfo", "reason": reason}] if reason else []
    for wrapped in (False, True):
        error = read(status, message, code, *info, wrapped=wrapped)
        assert type(error) is kind
        assert (error.status, error.code, error.type) == (status, code, reason or None)


def test_what_is_not_googles_is_read_all_the_same() -> None:
    assert isinstance(GEMINI.decode_error(502, {}, b"<html><title>Bad Gateway</title>"), er.Overloaded)
    odd = b'{"error": {"message": "Invalid API key", "type": "invalid_request_error", "code": "invalid_api_key"}}'
    assert isinstance(GEMINI.decode_error(401, {}, odd), er.AuthenticationFailed)
    assert isinstance(GEMINI.decode_error(400, {}, b""), er.RequestRejected)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (er.AuthenticationFailed("no", status=403), 403, "PERMISSION_DENIED"),
        (er.AuthenticationFailed("no"), 401, "UNAUTHENTICATED"),
        (er.Overloaded("no", status=500), 500, "INTERNAL"),
        (er.Overloaded("no", status=502), 503, "UNAVAILABLE"),
        (er.DeadlineExceeded("no"), 504, "DEADLINE_EXCEEDED"),
        (er.UnknownProvider("no"), 404, "NOT_FOUND"),
        (er.ConnectFailed("no"), 503, "UNAVAILABLE"),
    ],
)
def test_our_errors_have_googles_words(error: Exception, status: int, code: str) -> None:
    said, body = GEMINI.encode_error(error)
    fields = json.loads(body)["error"]
    assert (said, fields["code"], fields["status"]) == (status, status, code)


def test_a_wait_and_the_field_at_fault_are_told() -> None:
    _, body = GEMINI.encode_error(er.Throttled("slow down", retry_after_s=1.5))
    assert GEMINI.decode_error(429, {}, body).retry_after_s == 1.5
    _, body = GEMINI.encode_error(er.InvalidCall("temperature must be a number", "temperature"))
    violation = json.loads(body)["error"]["details"][0]["fieldViolations"][0]
    assert violation["field"] == "temperature"


def test_our_own_limits_and_budgets_are_told_apart() -> None:
    for error, kind in ((er.LimitExceeded("wait"), er.Throttled), (er.BudgetExceeded("stop"), er.QuotaExhausted)):
        status, body = GEMINI.encode_error(error)
        assert type(GEMINI.decode_error(status, {}, body)) is kind


def test_a_filters_categories_survive() -> None:
    error = er.ContentFiltered("not that")
    error.categories = ("violence", "hate")
    status, body = GEMINI.encode_error(error)
    again = GEMINI.decode_error(status, {}, body)
    assert isinstance(again, er.ContentFiltered)
    assert again.categories == ("violence", "hate")
