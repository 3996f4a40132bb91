"""Fields of a request as our settings: the server's side. Strict about types; knows no messages.

What only this API has stays among the fields, for `extra`. What would need a store is refused: there is none.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import ResponseFormat, Tool
from tramite.dialects.openai.settings_in import model_of
from tramite.dialects.request_fields import take
from tramite.errors import InvalidCall

from .settings_out import ENCRYPTED, LOGPROBS, NO_PARAMETERS

_STORED = {
    "previous_response_id": "send the whole conversation as input",
    "conversation": "send the whole conversation as input",
    "prompt": "send its text as instructions or input",
}
_TOOL = frozenset(("type", "name", "description", "parameters", "strict"))


def refuse_what_needs_a_store(fields: dict[str, Any]) -> None:
    """Raise InvalidCall for what refers to stored things, or asks to store. A `store` that nobody set is no wish."""
    for name, instead in _STORED.items():
        if name in fields:
            raise InvalidCall(f"{name}: nothing is stored here, each request stands alone: {instead}", name)
    if take(fields, "store", bool, "true or false"):
        raise InvalidCall("store: nothing is stored here: send store: false, or leave it out", "store")
    if take(fields, "background", bool, "true or false"):
        raise InvalidCall("background: an answer is not kept to be fetched later: ask for a stream", "background")


def take_sampling(fields: dict[str, Any], path: str) -> dict[str, Any]:
    """Model, length, sampling and log probabilities."""
    settings: dict[str, Any] = {
        "model": model_of(fields, path),
        "max_tokens": take(fields, "max_output_tokens", int, "a whole number"),
        "temperature": take(fields, "temperature", (int, float), "a number"),
        "top_p": take(fields, "top_p", (int, float), "a number"),
    }
    if fields.get("truncation") == "disabled":
        del fields["truncation"]  # as it is anyway
    top = take(fields, "top_logprobs", int, "a whole number")
    asked = _take_include(fields)
    settings["logprobs"] = (top or 0) if asked or top else None
    return settings


def _take_include(fields: dict[str, Any]) -> bool:
    """Whether log probabilities are to be included. The state of thinking always is; the rest stays for `extra`."""
    include = take(fields, "include", list, "a list of strings") or []
    rest = [item for item in include if item not in (ENCRYPTED, LOGPROBS)]
    if rest:
        fields["include"] = rest
    return LOGPROBS in include


def take_text(fields: dict[str, Any]) -> ResponseFormat | None:
    """`text`: its format is ours, its verbosity gets the name that it has in a chat completion."""
    text = take(fields, "text", dict, "an object") or {}
    form = text.pop("format", None)
    verbosity = text.pop("verbosity", None)
    if verbosity is not None:
        fields["verbosity"] = verbosity
    if text:
        fields["text"] = text
    return None if form is None else _format(form)


def _format(form: object) -> ResponseFormat:
    kind = form.get("type") if isinstance(form, dict) else None
    if kind in ("text", "json_object"):
        return ResponseFormat("text" if kind == "text" else "json_object")
    if not isinstance(form, dict) or kind != "json_schema":
        raise InvalidCall("text.format.type must be text, json_object or json_schema", "text.format")
    name, schema, strict = form.get("name", "answer"), form.get("schema"), form.get("strict")
    if not (isinstance(name, str) and isinstance(schema, dict) and isinstance(strict, bool | None)):
        raise InvalidCall(
            "text.format needs name (a string) and schema (an object); strict is true or false", "text.format"
        )
    if form.get("description"):
        schema = {"description": form["description"], **schema}  # it means the same there
    return ResponseFormat("json_schema", name, schema, strict)


def take_effort(fields: dict[str, Any]) -> Any:
    """`reasoning.effort`; what else `reasoning` holds stays in place."""
    reasoning = take(fields, "reasoning", dict, "an object") or {}
    effort = reasoning.pop("effort", None)
    rest = {name: value for name, value in reasoning.items() if value is not None}
    if rest:
        fields["reasoning"] = rest
    return effort


def take_tools(fields: dict[str, Any]) -> tuple[Tool, ...]:
    """Tools that the client runs; those that only this API understands stay among the fields."""
    items = take(fields, "tools", list, "a list") or []
    tools: list[Tool] = []
    others: list[Any] = []
    for number, item in enumerate(items):
        where = f"tools[{number}]"
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise InvalidCall(f"{where} must be an object with a type", where)
        if "function" in item:
            raise InvalidCall(f"{where} has the form of a chat completion: here name and parameters stand in it", where)
        if item["type"] == "function" and _is_plain(item):
            tools.append(_tool(item, where))
        else:
            others.append(item)
    if others:
        fields["tools"] = others
    return tuple(tools)


def _is_plain(item: dict[str, Any]) -> bool:
    return all(name in _TOOL or value is None for name, value in item.items())


def _tool(item: dict[str, Any], where: str) -> Tool:
    """`strict: false` is what other dialects mean by leaving it out, and so is unsaid here too."""
    given = {name: item[name] for name in ("name", "description", "parameters") if item.get(name) is not None}
    if given.get("parameters") == NO_PARAMETERS:
        del given["parameters"]
    try:
        return msgspec.convert({**given, "strict": item.get("strict") or None}, Tool)
    except msgspec.ValidationError as error:
        raise InvalidCall(f"{where}: {error}", where) from error


def take_tool_choice(fields: dict[str, Any], tools: tuple[Tool, ...]) -> str | None:
    """auto, none, required, or a function's name; a choice among the provider's own tools stays in place."""
    choice: object = take(fields, "tool_choice", (str, dict), "auto, none, required or an object")
    if isinstance(choice, str):
        return choice
    if not isinstance(choice, dict):
        return None
    name = choice.get("name")
    if choice.get("type") == "function" and isinstance(name, str) and any(tool.name == name for tool in tools):
        return name
    if "tools" not in fields and choice.get("type") in (None, "function"):
        raise InvalidCall("tool_choice must be auto, none, required or name one of the tools", "tool_choice")
    fields["tool_choice"] = choice
    return None
