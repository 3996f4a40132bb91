"""Fields of a Messages request as our settings: the server's side. Strict about types; knows no messages."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import Effort, ResponseFormat, Tool
from tramite.dialects.request_fields import take
from tramite.errors import InvalidCall

from .thinking import effort_of

_CHOICES = {"auto": "auto", "none": "none", "any": "required"}
_TOOL_FIELDS = frozenset(("type", "name", "description", "input_schema", "strict"))
_HINTS = frozenset(("cache_control", "eager_input_streaming"))
"""They change what an answer costs and how it is streamed, not the answer."""
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


def take_sampling(fields: dict[str, Any]) -> dict[str, Any]:
    """Model, length, sampling and stop sequences."""
    most = take(fields, "max_tokens", int, "a whole number")
    if most is None:
        raise InvalidCall("max_tokens is missing: the Messages API demands it", "max_tokens")
    return {
        "model": take(fields, "model", str, "a string") or None,
        "max_tokens": most,
        "temperature": take(fields, "temperature", (int, float), "a number"),
        "top_p": take(fields, "top_p", (int, float), "a number"),
        "stop": take(fields, "stop_sequences", list, "a list of strings") or (),
    }


def take_tools(fields: dict[str, Any]) -> tuple[Tool, ...]:
    """Tools that the client runs; those that only Anthropic understands stay among the fields, for `extra`."""
    items = take(fields, "tools", list, "a list") or []
    tools: list[Tool] = []
    others: list[Any] = []
    for number, item in enumerate(items):
        if isinstance(item, dict) and item.get("type", "custom") in ("custom", None) and _is_plain(item):
            tools.append(_tool(item, f"tools[{number}]"))
        elif isinstance(item, dict):
            others.append(item)
        else:
            raise InvalidCall(f"tools[{number}] must be an object", f"tools[{number}]")
    if others:
        fields["tools"] = others
    return tuple(tools)


def _is_plain(item: dict[str, Any]) -> bool:
    return all(name in _TOOL_FIELDS or name in _HINTS for name in item)


def _tool(item: dict[str, Any], where: str) -> Tool:
    given = {name: item.get(name) for name in ("name", "description", "strict") if item.get(name) is not None}
    schema = item.get("input_schema")
    try:
        tool = msgspec.convert({**given, "parameters": schema}, Tool)
    except msgspec.ValidationError as error:
        raise InvalidCall(f"{where}: {error}", where) from error
    return msgspec.structs.replace(tool, parameters={}) if schema == _NO_PARAMETERS else tool


def take_tool_choice(fields: dict[str, Any]) -> str | None:
    """auto, none, required, or a tool's name. `disable_parallel_tool_use` becomes OpenAI's word for it, in `extra`."""
    choice = take(fields, "tool_choice", dict, "an object")
    if choice is None:
        return None
    if choice.get("disable_parallel_tool_use"):
        fields["parallel_tool_calls"] = False
    kind, name = choice.get("type"), choice.get("name")
    word = _CHOICES.get(kind) if isinstance(kind, str) else None
    if word is not None:
        return word
    if kind != "tool" or not isinstance(name, str):
        raise InvalidCall("tool_choice.type must be auto, any, none, or tool with a name", "tool_choice")
    return name


def take_output(fields: dict[str, Any], max_tokens: int) -> tuple[ResponseFormat | None, Effort | None]:
    """Format and reasoning effort, out of `output_config` and `thinking`. What they hold beyond that stays in place."""
    config = take(fields, "output_config", dict, "an object") or {}
    thinking = take(fields, "thinking", dict, "an object") or {}
    form, word = config.get("format"), config.get("effort")
    effort = effort_of(thinking, word, max_tokens)
    rest = {name: value for name, value in config.items() if name not in ("format", "effort")}
    if rest:
        fields["output_config"] = rest
    plain = set(thinking) <= {"type", "budget_tokens"} and (thinking.get("type") != "adaptive" or effort)
    if thinking and not (plain and _says_it(thinking, word)):
        fields["thinking"] = thinking
    return None if form is None else _format(form), effort


def _says_it(thinking: dict[str, Any], word: object) -> bool:
    """Whether the effort alone says what these do: turned off with an effort beside it is more than one word."""
    return word is None or thinking.get("type") == "adaptive"


def _format(form: object) -> ResponseFormat:
    schema = form.get("schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    if not isinstance(schema, dict):
        raise InvalidCall("output_config.format must be of type json_schema, with a schema", "output_config.format")
    title = schema.get("title")
    return ResponseFormat("json_schema", title if isinstance(title, str) and title else "answer", schema)


def take_user(fields: dict[str, Any]) -> None:
    """`metadata.user_id` under the name that OpenAI has for it."""
    metadata = take(fields, "metadata", dict, "an object") or {}
    user = metadata.pop("user_id", None)
    if user is not None:
        fields["user"] = user
    if metadata:
        fields["metadata"] = metadata


def keep_cache_mark(fields: dict[str, Any]) -> None:
    """One mark for the whole request where single blocks have had theirs: the API then caches up to the last block."""
    if "cache_control" in fields:
        return
    turns = fields.get("messages")
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    for blocks in (fields.get("system"), fields.get("tools"), *contents):
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, dict) and isinstance(block.get("cache_control"), dict):
                fields["cache_control"] = block["cache_control"]
                return
