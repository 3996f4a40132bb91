"""`parameters` of a generation as our settings: the server's side. Strict about types; knows no reply."""

from __future__ import annotations

from typing import Any

from tramite.calls import CompletionCall
from tramite.dialects.request_fields import fields_of, take
from tramite.errors import InvalidCall

_NUMBERS = ("temperature", "top_p", "frequency_penalty")
_COUNTS = {"max_new_tokens": "max_tokens", "seed": "seed", "top_n_tokens": "logprobs"}


def call_of(body: bytes, model: str | None) -> tuple[CompletionCall, bool]:
    """The call, and whether the body asks for a stream. Fields that we do not know stay in `extra`."""
    fields = fields_of(body)
    prompt = take(fields, "inputs", str, "a string")
    if prompt is None:
        raise InvalidCall("inputs is missing", "inputs")
    given = take(fields, "parameters", dict, "an object") or {}
    left = {name: value for name, value in given.items() if value is not None}
    stream = bool(take(fields, "stream", bool, "true or false"))
    named = take(fields, "model", str, "a string")
    settings = _settings(left)
    call = CompletionCall(prompt=prompt, model=named if model is None else model, **settings, extra={**left, **fields})
    return call, stream


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {name: take(given, name, (int, float), "a number") for name in _NUMBERS}
    for field, name in _COUNTS.items():
        said[name] = take(given, field, int, "a whole number")
    samples = take(given, "do_sample", bool, "true or false")
    if said["temperature"] is None:
        if samples is False:
            said["temperature"] = 0
        elif samples and said["top_p"] is None:
            given["do_sample"] = True
    said["echo"] = bool(take(given, "return_full_text", bool, "true or false"))
    said["stop"] = tuple(take(given, "stop", list, "a list of strings") or ())
    if not take(given, "details", bool, "true or false"):
        given["details"] = False  # we ask for them where nobody says otherwise
    return said
