"""Fields of an OpenAI request body as our settings: the server's side. Strict about types; knows no messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import ResponseFormat, Tool
from tramite.dialects.request_fields import take
from tramite.errors import InvalidCall

_NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


def take_sampling(fields: dict[str, Any], path: str) -> dict[str, Any]:
    """The settings that chats and completions share, but for `logprobs`."""
    settings: dict[str, Any] = {"model": model_of(fields, path)}
    for name in _NUMBERS:
        settings[name] = take(fields, name, (int, float), "a number")
    for name in ("seed", "n"):
        settings[name] = take(fields, name, int, "a whole number")
    newer = take(fields, "max_completion_tokens", int, "a whole number")
    older = take(fields, "max_tokens", int, "a whole number")
    if None not in (newer, older) and newer != older:
        raise InvalidCall(
            f"max_tokens ({older}) and max_completion_tokens ({newer}) say different things: send one", "max_tokens"
        )
    settings["max_tokens"] = older if newer is None else newer
    stop = take(fields, "stop", (str, list), "a string or a list of strings")
    settings["stop"] = stop or ()
    return settings


def model_of(fields: dict[str, Any], path: str) -> str | None:
    """The model: Azure's path names it, and outranks the body."""
    named = take(fields, "model", str, "a string")
    parts = path.split("?")[0].split("/")
    if "deployments" in parts[:-1]:
        return parts[parts.index("deployments") + 1] or named
    return named or None


def take_logprobs(fields: dict[str, Any]) -> int | None:
    """A chat's `logprobs` and `top_logprobs` as our one number."""
    wanted = take(fields, "logprobs", bool, "true or false")
    top = take(fields, "top_logprobs", int, "a whole number")
    if top is not None and not wanted:
        raise InvalidCall("top_logprobs needs logprobs: true", "top_logprobs")
    return (top or 0) if wanted else None


def take_tools(fields: dict[str, Any]) -> tuple[Tool, ...]:
    """Function tools. Raises InvalidCall for other kinds, and for the form before tools."""
    for old, new in (("functions", "tools"), ("function_call", "tool_choice")):
        if old in fields:
            raise InvalidCall(f"{old} is OpenAI's old form: use {new}", old)
    tools = take(fields, "tools", list, "a list")
    return tuple(_tool(item, f"tools[{number}]") for number, item in enumerate(tools or ()))


def _tool(item: object, where: str) -> Tool:
    function = item.get("function") if isinstance(item, dict) and item.get("type", "function") == "function" else None
    if not isinstance(function, dict):
        raise InvalidCall(f"{where} must be an object of type 'function' with a function", where)
    try:
        return msgspec.convert(
            {name: value for name, value in function.items() if value is not None and name != "function"}, Tool
        )
    except msgspec.ValidationError as error:
        raise InvalidCall(f"{where}.function: {error}", f"{where}.function") from error


def take_tool_choice(fields: dict[str, Any]) -> str | None:
    """auto, none, required, or a function's name."""
    choice: object = take(fields, "tool_choice", (str, dict), "auto, none, required or a function")
    if isinstance(choice, str):
        return choice
    if not isinstance(choice, dict):
        return None
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if choice.get("type") != "function" or not isinstance(name, str):
        raise InvalidCall("tool_choice must be auto, none, required or name one function", "tool_choice")
    return name


def take_format(fields: dict[str, Any]) -> ResponseFormat | None:
    """`response_format`."""
    form = take(fields, "response_format", dict, "an object")
    if form is None:
        return None
    kind = form.get("type")
    if kind in ("text", "json_object"):
        return ResponseFormat("text" if kind == "text" else "json_object")
    described = form.get("json_schema")
    if kind != "json_schema" or not isinstance(described, dict):
        raise InvalidCall(
            "response_format.type must be text, json_object, or json_schema with a json_schema", "response_format"
        )
    return _json_schema(described)


def _json_schema(described: Mapping[str, Any]) -> ResponseFormat:
    name, schema, strict = described.get("name", "answer"), described.get("schema"), described.get("strict")
    right = isinstance(name, str) and isinstance(schema, dict | None) and isinstance(strict, bool | None)
    if not right:
        raise InvalidCall(
            "response_format.json_schema needs name (a string) and schema (an object); strict is true or false",
            "response_format.json_schema",
        )
    if described.get("description") and isinstance(schema, dict):
        schema = {"description": described["description"], **schema}  # it means the same there
    return ResponseFormat("json_schema", name, schema, strict)
