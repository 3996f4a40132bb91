"""Which error each word of Hugging Face's servers is, and what it tells its reader to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tramite import errors as er
from tramite.dialects.huggingface import HUGGINGFACE


def error_of(status: int, body: Any, **headers: str) -> er.ProviderError:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HUGGINGFACE.decode_error(status, headers, payload)


UNUSED = "The following `model_kwargs` are not used by the model: ['return_full_text', 'stop'] (note: typos …)"

CASES: list[tuple[int, Any, type[er.ProviderError]]] = [
    (503, {"error": "Model a/b is currently loading", "estimated_time": 20.0}, er.ModelLoading),
    (503, {"error": "warming", "estimated_time": 20.0}, er.ModelLoading),
    (503, {"error": "Service Unavailable"}, er.Overloaded),
    (503, {"error": "Model too busy, unable to get response in less than 120 second(s)"}, er.Overloaded),
    (429, {"error": "Model too busy, unable to get response in less than 120 second(s)"}, er.Overloaded),
    (429, {"error": "Model is overloaded", "error_type": "overloaded"}, er.Throttled),
    (429, {"error": "Model is overloaded", "error_type": "Overloaded"}, er.Throttled),
    (429, {"error": "Rate limit reached. Please log in or use a HF access token"}, er.Throttled),
    (402, {"error": "You have exceeded your monthly included credits for Inference Providers."}, er.QuotaExhausted),
    (400, {"error": "You have exceeded your monthly included credits for Inference Providers."}, er.QuotaExhausted),
    (401, {"error": "Invalid username or password."}, er.AuthenticationFailed),
    (403, {"error": "Model meta-llama/x is gated. You need to accept its terms."}, er.AuthenticationFailed),
    (404, b"Not Found", er.ModelNotFound),
    (404, {"error": "Not Found"}, er.ModelNotFound),
    (404, {"error": "Model org/x does not exist"}, er.ModelNotFound),
    (404, {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, er.ModelNotFound),
    (404, b"", er.RequestRejected),
    (404, {"detail": "Not Found"}, er.RequestRejected),
    (404, b"<html><title>404 Not Found</title></html>", er.RequestRejected),
    (400, {"error": {"message": "The requested model 'x' is not supported by any provider"}}, er.ModelNotFound),
    (410, {"error": "https://api-inference.huggingface.co is no longer supported."}, er.RequestRejected),
    (410, {"error": "The requested model is deprecated and no longer supported by provider x."}, er.ModelNotFound),
    (413, {"error": "batch size 33 > maximum allowed batch size 32", "error_type": "Validation"}, er.RequestRejected),
    (
        413,
        {"error": "`inputs` must have less than 512 tokens. Given: 712", "error_type": "Validation"},
        er.ContextTooLong,
    ),
    (422, {"error": "Input validation error: `best_of` must be > 0", "error_type": "validation"}, er.RequestRejected),
    (422, b"Failed to deserialize the JSON body into the target type: inputs", er.RequestRejected),
    (424, {"error": "Request failed during generation", "error_type": "generation"}, er.Overloaded),
    (424, {"error": "Model is not an embedding model", "error_type": "Backend"}, er.RequestRejected),
    (424, {"error": "model is not a re-ranker model", "error_type": "Backend"}, er.RequestRejected),
    (500, {"error": "Incomplete generation", "error_type": "incomplete_generation"}, er.Overloaded),
    (500, {"error": "unknown error", "warnings": ["There was an inference error: unknown error: x"]}, er.Overloaded),
    (400, {"error": ["Error in `inputs.context`: field required", "and more"]}, er.RequestRejected),
    (400, {"error": UNUSED, "warnings": [f"There was an inference error: {UNUSED}"]}, er.RequestRejected),
    (502, b"<html><title>502 Bad Gateway</title></html>", er.Overloaded),
]


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_each_has_its_class(status: int, body: Any, kind: type[er.ProviderError]) -> None:
    error = error_of(status, body)
    assert type(error) is kind
    assert error.status == status
    assert error.message


def test_loading_tells_its_estimate() -> None:
    assert error_of(503, {"error": "Model a/b is currently loading", "estimated_time": 53.37}).retry_after_s == 53.37


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"ratelimit": '"api";r=0;t=55'}, 55.0),
        ({"ratelimit": '"api"; r=0; t=7', "retry-after": "3"}, 3.0),
        ({"ratelimit": "garbage"}, None),
        ({}, None),
    ],
)
def test_a_throttle_waits_for_the_window(headers: dict[str, str], wait_s: float | None) -> None:
    error = error_of(429, {"error": "slow down"}, **headers)
    assert type(error) is er.Throttled
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (404, b"Not Found", "not served by that provider"),
        (404, {"detail": "Not Found"}, 'serves = "openai"'),
        (404, b"", 'serves = "openai"'),
        (410, {"error": "https://api-inference.huggingface.co is no longer supported."}, "router.huggingface.co"),
        (400, {"error": UNUSED}, 'unsupported = ["return_full_text", "stop"]'),
        (424, {"error": "Model is not an embedding model"}, "ask this endpoint for what its model does"),
        (401, {"error": "Invalid username or password."}, "check the API key"),
    ],
)
def test_the_message_says_what_to_do(status: int, body: Any, advice: str) -> None:
    assert advice in error_of(status, body).message


def test_warnings_say_what_the_error_does_not() -> None:
    error = error_of(500, {"error": "unknown error", "warnings": ["There was an inference error: unknown error: bad"]})
    assert error.message == "unknown error: bad"
    again = error_of(500, {"error": "bad", "warnings": ["There was an inference error: bad", "and old"]})
    assert again.message == "bad; and old"


def test_facts_survive_the_change_of_class() -> None:
    error = error_of(410, {"error": "The model is no longer supported."}, **{"x-request-id": "req-1"})
    assert (type(error), error.status, error.request_id) == (er.ModelNotFound, 410, "req-1")
    assert "no longer supported" in error.body
    throttled = error_of(429, {"error": "Model is overloaded", "error_type": "overloaded"}, **{"retry-after": "2"})
    assert (throttled.type, throttled.retry_after_s, throttled.throttle) == ("overloaded", 2.0, True)


def test_a_server_says_how_long_a_model_loads() -> None:
    status, body = HUGGINGFACE.encode_error(er.ModelLoading("Model x is currently loading", retry_after_s=7.5))
    assert (status, json.loads(body)) == (503, {"error": "Model x is currently loading", "estimated_time": 7.5})


def test_a_server_keeps_the_status_of_what_it_rejects() -> None:
    assert HUGGINGFACE.encode_error(er.RequestRejected("too many", status=413))[0] == 413
    assert HUGGINGFACE.encode_error(er.RequestRejected("no", status=404))[0] == 422
