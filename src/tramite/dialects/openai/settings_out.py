"""Our settings as fields of an OpenAI request body. Knows no messages and no reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tramite.calls import ResponseFormat, Sampling, Tool
from tramite.dialects.base import Encoded, Target
from tramite.dialects.json_bodies import encode_json
from tramite.errors import InvalidCall, Unsupported

_PLAIN = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "n")

_ON_THE_WIRE = {
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "logprobs": ("logprobs", "top_logprobs"),
}
"""Settings whose fields are not called what they are."""

_NEEDED = frozenset(("tools", "response_format", "n", "suffix", "echo", "dimensions"))
"""Without these the answer is another one than was asked for: an error. The rest only steers it: a notice."""

_OURS = frozenset(
    (
        *("model", "messages", "prompt", "input", "stream", "stop", "tools", "tool_choice", "response_format"),
        *("max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "reasoning_effort"),
        *("suffix", "echo", "dimensions", *_PLAIN),
    )
)
"""Fields that have a setting of their own. `stream_options` and `encoding_format` are not among them: `extra` keeps
what a client asked of our server's side, and `encode` merges it."""


def put_sampling(body: dict[str, Any], call: Sampling, max_tokens_field: str) -> None:
    """The settings that chats and completions share, but for `logprobs`."""
    for name in _PLAIN:
        value = getattr(call, name)
        if value is not None:
            body[name] = value
    if call.max_tokens is not None:
        body[max_tokens_field] = call.max_tokens
    if call.stop:
        body["stop"] = call.stop


def put_stream(body: dict[str, Any], target: Target) -> None:
    """Ask for a stream, and for its usage where the target takes the question."""
    body["stream"] = True
    if target.traits.include_usage:
        body["stream_options"] = {"include_usage": True}


def finish_body(
    path: str, body: dict[str, Any], extra: Mapping[str, Any], target: Target, notices: list[str]
) -> Encoded:
    """Leave out what the target refuses, merge `extra`, encode. Raises `Unsupported` and `InvalidCall`."""
    for name in target.traits.unsupported:
        _leave_out(body, name, target, notices)
    for name, value in extra.items():
        if name in _OURS:
            raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
        if name == "stream_options":
            if name in body and isinstance(value, dict):
                body[name] = {**value, **body[name]}
        else:
            body[name] = value
    return Encoded(path, encode_json(body), notices=tuple(notices))


def _leave_out(body: dict[str, Any], name: str, target: Target, notices: list[str]) -> None:
    fields = [field for field in _ON_THE_WIRE.get(name, (name,)) if field in body]
    if not fields or (name == "n" and body["n"] == 1):
        body.pop(name, None)
        return
    if name in _NEEDED:
        raise Unsupported(f"{target} does not support {name}", name)
    for field in fields:
        del body[field]
    notices.append(f"{target} does not support {name}: it was left out")


def tools_list(tools: tuple[Tool, ...]) -> list[dict[str, Any]]:
    """Function tools as OpenAI declares them."""
    return [{"type": "function", "function": _function(tool)} for tool in tools]


def _function(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return function


def tool_choice_value(choice: str) -> str | dict[str, Any]:
    """auto, none and required are words; anything else is a function's name."""
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def format_object(form: ResponseFormat) -> dict[str, Any]:
    """`response_format`."""
    if form.type != "json_schema":
        return {"type": form.type}
    schema: dict[str, Any] = {"name": form.name, "schema": form.schema or {}}
    if form.strict is not None:
        schema["strict"] = form.strict
    return {"type": "json_schema", "json_schema": schema}
