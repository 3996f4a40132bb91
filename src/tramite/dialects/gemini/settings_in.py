"""Gemini's `generationConfig`, `tools` and `toolConfig` as our settings: the server's side. Knows no messages.

What we have no word for stays in `extra`, in its place.
"""

from __future__ import annotations

import re
from typing import Any

from tramite.calls import ResponseFormat, Tool
from tramite.errors import InvalidCall

from .asked import Fields
from .schemas import json_schema
from .settings_out import DEFAULT_NAME, PLAIN
from .thinking import effort_of

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPES: dict[str, type] = {"maxOutputTokens": int, "candidateCount": int}
_MODES = {"ANY": "required", "NONE": "none", "AUTO": "auto", "VALIDATED": None, "MODE_UNSPECIFIED": None}


def take_settings(body: Fields) -> dict[str, Any]:
    """The settings of a request body, what is left of it in `extra`."""
    extra: dict[str, Any] = {}
    settings: dict[str, Any] = {"extra": extra}
    config = body.object("generationConfig")
    if config is not None:
        rest = _take_config(config, settings)
        if rest:
            extra["generationConfig"] = rest
    tools, others = _take_tools(body)
    _take_choice(body, tools, settings)
    if others:
        extra["tools"] = others
    extra.update(body.left())
    return settings


def _take_config(config: Fields, settings: dict[str, Any]) -> dict[str, Any]:
    """Put `generationConfig` into the settings. Returns what they have no word for."""
    for ours, theirs in PLAIN.items():
        settings[ours] = config.take(theirs, _TYPES.get(theirs, float))
    settings["seed"] = config.take("seed", int)
    settings["stop"] = tuple(config.take("stopSequences", list[str]) or ())
    top = config.take("logprobs", int)
    if config.take("responseLogprobs", bool):
        settings["logprobs"] = top or 0
    elif top is not None:
        raise InvalidCall("logprobs needs responseLogprobs: true", config.place("logprobs"))
    settings["response_format"] = _format(config)
    thinking = config.object("thinkingConfig")
    left = thinking.left() if thinking is not None else {}
    effort = settings["reasoning_effort"] = effort_of(left)
    if effort not in (None, "none"):  # asking for an effort, we ask to see the thoughts as well
        left = {"includeThoughts": False} | left
        if left["includeThoughts"] is True:
            del left["includeThoughts"]
    return config.left() | ({"thinkingConfig": left} if left else {})


def _format(config: Fields) -> ResponseFormat | None:
    schema = config.take("responseJsonSchema", Any)
    older = config.take("responseSchema", Any)
    schema = json_schema(older) if schema is None else schema
    kind = config.take("responseMimeType", str)
    if kind not in (None, "text/plain", "application/json"):
        raise InvalidCall(
            f"responseMimeType must be text/plain or application/json, got {kind!r:.60}",
            config.place("responseMimeType"),
        )
    if kind != "application/json":
        if schema is not None:
            raise InvalidCall(
                "a response schema needs responseMimeType: application/json", config.place("responseMimeType")
            )
        return None
    if schema is None:
        return ResponseFormat("json_object")
    if not isinstance(schema, dict):
        raise InvalidCall("responseJsonSchema must be an object", config.place("responseJsonSchema"))
    title = schema.get("title")
    if isinstance(title, str) and title != DEFAULT_NAME and _NAME.fullmatch(title):
        return ResponseFormat("json_schema", title, {name: value for name, value in schema.items() if name != "title"})
    return ResponseFormat("json_schema", DEFAULT_NAME, schema)


def _take_tools(body: Fields) -> tuple[list[Tool], list[dict[str, Any]]]:
    """Our function tools, and Google's own."""
    tools: list[Tool] = []
    others: list[dict[str, Any]] = []
    for entry in body.objects("tools"):
        tools += [_tool(declared) for declared in entry.objects("functionDeclarations")]
        rest = entry.left()
        if rest:
            others.append(rest)
    return tools, others


def _tool(declared: Fields) -> Tool:
    name = declared.take("name", str)
    if not name:
        raise InvalidCall(f"{declared.where} needs a name", declared.where)
    schema: object = declared.take("parametersJsonSchema", Any)
    older = declared.take("parameters", Any)
    schema = json_schema(older) if schema is None else schema
    if not isinstance(schema, dict | None):
        raise InvalidCall(f"{declared.place('parameters')} must be an object", declared.place("parameters"))
    return Tool(name, declared.take("description", str) or "", {} if schema is None else schema)


def _take_choice(body: Fields, tools: list[Tool], settings: dict[str, Any]) -> None:
    """`toolConfig`. Where only some functions are allowed, the others are as good as not declared."""
    config = body.object("toolConfig")
    calling = config.object("functionCallingConfig") if config is not None else None
    choice = None
    if calling is not None:
        mode = str(calling.take("mode", str) or "AUTO").upper()
        allowed = calling.take("allowedFunctionNames", list[str]) or []
        if mode not in _MODES:
            raise InvalidCall(f"{calling.place('mode')} must be one of {', '.join(_MODES)}", calling.place("mode"))
        if mode == "VALIDATED":
            tools = [Tool(tool.name, tool.description, tool.parameters, True) for tool in tools]
        choice = _MODES[mode]
        if allowed and choice == "required" and len(allowed) == 1:
            choice = allowed[0]
        elif allowed and choice != "none":
            tools = [tool for tool in tools if tool.name in allowed]
    settings["tools"], settings["tool_choice"] = tuple(tools), choice
    rest = config.left() if config is not None else {}
    if rest:
        settings["extra"]["toolConfig"] = rest
