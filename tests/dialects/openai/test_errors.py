"""Failures of OpenAI-compatible servers: what they mean, and how long to wait."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.dialects.openai import OPENAI
from tramite.errors import ProviderError


def _error(status: int, body: Any, headers: dict[str, str] | None = None) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return OPENAI.decode_error(status, headers or {}, raw)


def _said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": None, "param": None, "code": None, **fields}}


QUOTA = "You exceeded your current quota, please check your plan and billing details."
LOADING = {"error": "Model X is currently loading", "estimated_time": 20.0}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # money, and throttles that sound like it
        (429, _said(QUOTA, type="insufficient_quota", code="insufficient_quota"), er.QuotaExhausted),
        (429, _said(QUOTA), er.QuotaExhausted),
        (429, _said(QUOTA, type="rate_limit_exceeded"), er.Throttled),
        (429, _said(QUOTA, code="rate_limit_exceeded"), er.Throttled),
        (429, _said("x", code="credit_balance_exhausted"), er.QuotaExhausted),
        (429, _said("x", type="exceeded_current_quota_error"), er.QuotaExhausted),
        (402, _said("Insufficient Balance", code="invalid_request_error"), er.QuotaExhausted),
        (402, {"error": "You have exceeded your monthly included credits for Inference Providers."}, er.QuotaExhausted),
        (403, _said("x", code="insufficient_quota"), er.QuotaExhausted),
        (400, _said("Your credit balance is too low to access the API."), er.QuotaExhausted),
        # throttles
        (429, _said("Rate limit reached for gpt-4o", type="requests", code="rate_limit_exceeded"), er.Throttled),
        (429, {"error": {"message": "slow", "type": "rate_limit_exceeded", "code": "429"}}, er.Throttled),
        (
            429,
            {
                "error": {
                    "code": "429",
                    "message": "Requests exceeded the token rate limit of your current OpenAI S0 pricing tier.",
                }
            },
            er.Throttled,
        ),
        (429, {"error": {"code": "RateLimitReached", "message": "exceeded rate limit"}}, er.Throttled),
        (429, b"Too Many Requests", er.Throttled),
        (429, b"", er.Throttled),
        (429, b"<html><title>429</title></html>", er.Throttled),
        # what no wait makes fit
        (
            429,
            _said(
                "Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12000.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            er.RequestRejected,
        ),
        (
            413,
            _said("Request too large on tokens per minute (TPM)", type="tokens", code="rate_limit_exceeded"),
            er.RequestRejected,
        ),
        (
            429,
            _said(
                "on tokens per min (TPM): Limit 10000, Used 9000, Requested 2000.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            er.Throttled,
        ),
        # secrets
        (401, _said("Incorrect API key provided", code="invalid_api_key"), er.AuthenticationFailed),
        (401, b"", er.AuthenticationFailed),
        (401, b"Unauthorized", er.AuthenticationFailed),
        (403, _said("Country not supported", code="unsupported_country_region_territory"), er.AuthenticationFailed),
        (
            400,
            {"code": "invalid-argument", "error": "Incorrect API key provided. You can obtain one"},
            er.AuthenticationFailed,
        ),
        # models and addresses
        (404, _said("The model `x` does not exist", code="model_not_found"), er.ModelNotFound),
        (
            404,
            {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}},
            er.ModelNotFound,
        ),
        (404, {"error": {"message": "model 'x' not found", "type": "api_error"}}, er.ModelNotFound),
        (
            400,
            _said("The requested model 'x' is not supported by any provider", code="model_not_supported"),
            er.ModelNotFound,
        ),
        (400, _said("foo/bar is not a valid model ID", code=400), er.ModelNotFound),
        (404, b"<html><head><title>404 Not Found</title></head></html>", er.RequestRejected),
        (404, b"Not Found", er.RequestRejected),
        (404, {"detail": "Not Found"}, er.RequestRejected),
        (404, _said("Invalid URL (POST /v1/foo)", type="invalid_request_error"), er.RequestRejected),
        (410, {"error": "https://api-inference.huggingface.co is no longer supported."}, er.RequestRejected),
        # requests
        (
            400,
            _said("Invalid 'temperature'", type="invalid_request_error", code="decimal_below_min_value"),
            er.RequestRejected,
        ),
        (422, b"Failed to deserialize the JSON body into the target type", er.RequestRejected),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "too many", "type": "value_error"}]}, er.RequestRejected),
        (501, _said("no", type="not_supported_error"), er.RequestRejected),
        # context
        (400, _said("x", code="context_length_exceeded"), er.ContextTooLong),
        (400, _said("This model's maximum context length is 8192 tokens."), er.ContextTooLong),
        (400, _said("prompt too long; exceeded max context length by 5 tokens"), er.ContextTooLong),
        (400, {"error": {"message": "x", "type": "exceed_context_size_error", "code": 400}}, er.ContextTooLong),
        (500, _said("the request exceeds the available context size. try increasing it"), er.ContextTooLong),
        (
            422,
            {
                "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1512.",
                "error_type": "validation",
            },
            er.ContextTooLong,
        ),
        (
            400,
            {"error": {"message": "The total length of all messages is too long.", "type": "too_many_prompt_tokens"}},
            er.ContextTooLong,
        ),
        (400, {"error": "Trying to keep the first 5000 tokens when context the overflows."}, er.ContextTooLong),
        # filters
        (400, _said("The response was filtered", code="content_filter"), er.ContentFiltered),
        (400, _said("Content Exists Risk", type="invalid_request_error"), er.ContentFiltered),
        (403, _said("Your chosen model requires moderation and your input was flagged", code=403), er.ContentFiltered),
        # a server's own trouble
        (500, _said("x", type="server_error"), er.Overloaded),
        (502, b"<html>Bad Gateway</html>", er.Overloaded),
        (503, {"error": "Model too busy, unable to get response in less than 120 second(s)"}, er.Overloaded),
        (503, b"", er.Overloaded),
        (504, b"", er.Overloaded),
        (529, {"error": {"type": "overloaded_error", "message": "Overloaded"}}, er.Overloaded),
        (408, b"", er.Overloaded),
        (409, _said("conflict"), er.Overloaded),
        # cold starts
        (503, LOADING, er.ModelLoading),
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, er.ModelLoading),
    ],
)
def test_what_a_failure_means(status: int, body: Any, kind: type[ProviderError]) -> None:
    error = _error(status, body)
    assert type(error) is kind
    assert error.status == status
    assert error.message


@pytest.mark.parametrize(
    ("body", "headers", "wait_s"),
    [
        (_said("x"), {}, None),
        (_said("x"), {"retry-after": "7"}, 7.0),
        (_said("x"), {"retry-after-ms": "250"}, 0.25),
        (_said("x"), {"retry-after": "1", "retry-after-ms": "0"}, 1.0),
        (_said("Please try again in 7m12s."), {}, 432.0),
        (_said("Please try again in 1.5s. Visit https://x"), {}, 1.5),
        (_said("Please try again in 6ms."), {}, 0.006),
        (_said("Please retry after 6 seconds."), {}, 6.0),
        (_said("Please retry in 1h2m3s"), {}, 3723.0),
        (_said("Please try again in 20s."), {"retry-after": "3"}, 3.0),
        (
            [
                {
                    "error": {
                        "code": 429,
                        "message": "x",
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}],
                    }
                }
            ],
            {},
            37.0,
        ),
    ],
)
def test_how_long_to_wait(body: Any, headers: dict[str, str], wait_s: float | None) -> None:
    error = _error(429, body, headers)
    assert type(error) is er.Throttled
    assert error.retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


def test_a_day_s_quota_is_not_waited_for() -> None:
    violation = {"quotaMetric": "m", "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    body = [{"error": {"code": 429, "message": QUOTA, "status": "RESOURCE_EXHAUSTED", "details": details}}]
    assert type(_error(429, body)) is er.QuotaExhausted


def test_a_cold_start_tells_its_estimate() -> None:
    assert _error(503, LOADING).retry_after_s == 20.0


def test_facts_are_carried_along() -> None:
    error = _error(400, _said("no", type="invalid_request_error", code=1500), {"x-request-id": "req_1"})
    assert (error.code, error.type, error.request_id) == ("1500", "invalid_request_error", "req_1")
    assert "req_1" in str(error)


def test_azure_names_what_its_filter_caught() -> None:
    result = {
        "hate": {"filtered": False, "severity": "safe"},
        "violence": {"filtered": True, "severity": "high"},
        "jailbreak": {"filtered": True, "detected": True},
    }
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
    error = _error(400, _said("filtered", code="content_filter", innererror=inner))
    assert isinstance(error, er.ContentFiltered)
    assert error.categories == ("violence", "jailbreak")


@pytest.mark.parametrize(
    ("status", "code", "advice", "retryable", "throttle"),
    [
        (500, None, "false", False, False),
        (400, None, "true", True, False),
        (429, "rate_limit_exceeded", "false", False, False),
        (429, "rate_limit_exceeded", "true", True, True),
        (429, "rate_limit_exceeded", "perhaps", True, True),
        (429, "insufficient_quota", "true", False, False),
        (401, None, "true", False, False),
    ],
)
def test_the_server_s_advice_beats_ours_but_for_money_and_secrets(
    status: int, code: str | None, advice: str, retryable: bool, throttle: bool
) -> None:
    error = _error(status, _said("x", code=code), {"x-should-retry": advice})
    assert (error.retryable, error.throttle) == (retryable, throttle)


@pytest.mark.parametrize("status", [408, 409])
def test_a_request_that_may_have_been_charged_says_so(status: int) -> None:
    error = _error(status, b"")
    assert (error.retryable, error.maybe_billed) == (True, True)


def test_a_wrong_address_is_told_from_a_wrong_model() -> None:
    error = _error(404, b"<!doctype html><title>\n Welcome to nginx </title>")
    assert "is the base URL right?" in error.message
    assert "Welcome to nginx" in error.message


def test_what_another_provider_had_said_is_passed_on() -> None:
    body = {
        "error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "x is rate-limited upstream"}}
    }
    assert "rate-limited upstream" in _error(429, body).message


@pytest.mark.parametrize(
    "body", [b"x" * 10_000_000, b'{"error":{"message":"' + b"x" * 1_000_000 + b'"}}', "è".encode() * 50_000]
)
def test_a_large_body_is_cut(body: bytes) -> None:
    error = _error(500, body)
    assert len(error.message) < 1_100
    assert len(error.body) <= 2_000


@pytest.mark.parametrize(
    "message",
    ["retry " * 100_000, "try again in " + "1" * 100_000, "model " + "a" * 100_000, "exceed the the model's " * 20_000],
)
def test_a_hostile_message_costs_no_time(message: str) -> None:
    assert _error(400, _said(message)).message


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (er.Throttled("slow", type="requests", code="rate_limit_exceeded"), "requests", "rate_limit_exceeded"),
        (er.Throttled("slow", type="tokens", code="rate_limit_exceeded"), "tokens", "rate_limit_exceeded"),
        (er.Overloaded("busy", type="server_error", code="server_error"), "server_error", "server_error"),
        (er.Overloaded("busy", status=500), "server_error", None),
        (er.RequestRejected("no", code="unsupported_value"), "invalid_request_error", "unsupported_value"),
        (
            er.ContextTooLong("too long", type="invalid_request_error"),
            "invalid_request_error",
            "context_length_exceeded",
        ),
        # Gemini's word for a day's quota would be read as a throttle, and a secret's trouble as the request's.
        (
            er.QuotaExhausted("per day", type="RESOURCE_EXHAUSTED", code="429"),
            "insufficient_quota",
            "insufficient_quota",
        ),
        (er.AuthenticationFailed("no", type="invalid_request_error"), "invalid_request_error", "invalid_api_key"),
    ],
)
def test_an_error_says_the_providers_own_words_where_they_mean_the_same(
    error: ProviderError, kind: str, code: str | None
) -> None:
    status, body = OPENAI.encode_error(error)
    (frame,) = OPENAI.encode_stream_error(error)
    for raw in (body, frame.data):
        said = json.loads(raw)["error"]
        assert (said["type"], said["code"]) == (kind, code)
    assert type(OPENAI.decode_error(status, {}, body)) is type(error)
