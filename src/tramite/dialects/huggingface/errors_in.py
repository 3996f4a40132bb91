"""Errors of Hugging Face's servers as ours (facts A5): the router, hf-inference, TGI, TEI. Knows no operation.

The shapes are among those that the OpenAI dialect reads; here is what the same words and statuses mean at this house.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tramite import errors as er
from tramite.dialects.bad_reply import bad_reply
from tramite.dialects.base import Headers
from tramite.dialects.failure_shapes import decode_error as decode_other
from tramite.dialects.failure_shapes import error_inside
from tramite.dialects.json_bodies import UNREADABLE

ROUTER = "https://router.huggingface.co"

_BUSY = re.compile(r"model too busy", re.IGNORECASE)
_UNUSED = re.compile(r"`model_kwargs` are not used by the model: \[([^\]]{1,500})\]")
_WRONG_TASK = re.compile(r"\bis not an? [\w-]+ model\b", re.IGNORECASE)
_RETIRED = re.compile(r"no longer supported", re.IGNORECASE)
_A_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_WARNING = "There was an inference error: "
_LIMIT = re.compile(r'"[^"]*"\s*;\s*r=\d+\s*;\s*t=(\d{1,9})')


def decode_error(status: int, headers: Headers, body: bytes) -> er.ProviderError:
    """The error that a failure status carries. Never raises."""
    error = decode_other(status, headers, body)
    payload = _object(body)
    error.message = _with_warnings(error.message, payload)
    kind, advice = _meant(status, error, payload)
    if error.retry_after_s is None and status == 429:
        error.retry_after_s = _limit_s(headers)
    return error if kind is type(error) and not advice else _recast(error, kind, advice)


def failure_in(body: bytes, expected: str, why: object) -> er.ProviderError:
    """The error that a success status carries in its body; else that it is none of what was expected."""
    payload = _object(body)
    said = error_inside(payload, body) if payload else None
    return said or bad_reply(body, expected, why)


def _meant(status: int, error: er.ProviderError, payload: dict[str, Any]) -> tuple[type[er.ProviderError], str]:
    """The class, and what to do about it."""
    kind, said = type(error), error.message
    if _BUSY.search(said):
        return er.Overloaded, ""
    if status == 429 and kind is er.Overloaded:
        return er.Throttled, ""  # TGI and TEI: "Model is overloaded", whose queue is full
    if status == 503 and kind is er.Overloaded and "estimated_time" in payload:
        return er.ModelLoading, ""
    if status == 424 and _WRONG_TASK.search(said):
        return er.RequestRejected, "ask this endpoint for what its model does"
    if status == 410:
        return _gone(said)
    if status == 404:
        return _not_found(kind, said, payload)
    unused = _UNUSED.search(said)
    if unused is not None:
        names = ", ".join(f'"{name}"' for name in re.findall(r"[\w-]+", unused[1]))
        return kind, f"to leave them out, set unsupported = [{names}] under its provider in tramite.toml"
    return kind, ""


def _gone(said: str) -> tuple[type[er.ProviderError], str]:
    if _RETIRED.search(said) and _A_MODEL.search(said):
        return er.ModelNotFound, "no provider of the router serves it any more: choose another model"
    return er.RequestRejected, f"this address is retired: use huggingface/MODEL, or set base_url to {ROUTER}"


def _not_found(kind: type[er.ProviderError], said: str, payload: dict[str, Any]) -> tuple[type[er.ProviderError], str]:
    """The router says no more than "Not Found" of a model that the provider behind it does not serve."""
    if kind not in (er.ModelNotFound, er.RequestRejected) or (kind is er.ModelNotFound and said.lower() != "not found"):
        return kind, ""
    if "detail" in payload or not said.lower().endswith("not found"):
        return er.RequestRejected, (
            "the server has no such path: if it is vLLM, SGLang or llama.cpp, "
            'set serves = "openai" under its provider in tramite.toml; for a custom handler, serves = "task"'
        )
    return er.ModelNotFound, (
        "the model is not served by that provider: its page on huggingface.co lists those that do; "
        "chat with MODEL:PROVIDER, or deploy it as an endpoint of your own"
    )


def _recast(error: er.ProviderError, kind: type[er.ProviderError], advice: str) -> er.ProviderError:
    """The same failure as another class, with advice."""
    said = error.message.removeprefix("no such address: is the base URL right? The server said: ")
    message = f"{said} ({advice})" if advice else said
    if kind is type(error):
        error.message = message
        return error
    other = kind(message)
    other.__dict__.update(error.__dict__ | {"message": message})
    return other


def _object(body: bytes) -> dict[str, Any]:
    """The object in the body, or the first of a list; empty where there is none."""
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    if isinstance(payload, list) and payload:
        payload = payload[0]
    return payload if isinstance(payload, dict) else {}


def _with_warnings(said: str, payload: dict[str, Any]) -> str:
    """hf-inference says "unknown error" and then, in its warnings, which one; or the same once more."""
    warnings = payload.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        more = str(warning).removeprefix(_WARNING)
        said = more if more.startswith(said) else f"{said}; {more}"
    return said


def _limit_s(headers: Headers) -> float | None:
    """Seconds until the window opens again, as the Hub says it: `ratelimit: "api";r=0;t=55` (IETF draft 09)."""
    found = _LIMIT.search(headers.get("ratelimit", ""))
    return float(found[1]) if found is not None else None
