"""Plain functions as tools: described by their signature, called with validated arguments."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, get_type_hints

import msgspec

from tramite.calls import Tool
from tramite.errors import InvalidCall
from tramite.messages import Message, ToolCall, tool_result
from tramite.pipeline.users import call_user

logger = logging.getLogger("tramite.tools")

ToolLike: TypeAlias = Tool | Callable[..., Any]


def as_tools(tools: Iterable[ToolLike]) -> tuple[Tool, ...]:
    """Tools as given, functions described by name, docstring and annotations. Raises InvalidCall."""
    return tuple([tool if isinstance(tool, Tool) else _described(tool) for tool in tools]) if tools else ()


async def answer(calls: Sequence[ToolCall], tools: Sequence[Tool]) -> list[Message]:
    """Call what was asked for, one after the other, and give the results as messages.

    What goes wrong in a function is told to the model, which can mend its arguments, and logged.
    """
    by_name = {tool.name: tool for tool in tools}
    return [tool_result(call, await _result(call, by_name.get(call.name))) for call in calls]


def callable_all(calls: Sequence[ToolCall], tools: Sequence[Tool]) -> bool:
    """Whether every tool asked for has a function here, or does not exist (which the model should be told)."""
    without = {tool.name for tool in tools if tool.function is None}
    return not any(call.name in without for call in calls)


async def _result(call: ToolCall, tool: Tool | None) -> str:
    if tool is None or tool.function is None:
        return f"error: there is no tool named {call.name}"
    try:
        arguments = msgspec.convert(call.arguments, _arguments_of(tool.function))
        values = {field: getattr(arguments, field) for field in arguments.__struct_fields__}
    except ValueError as error:
        return f"error: the arguments do not fit: {error}"
    try:
        result = await call_user(tool.function, **values)
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises is an answer for the model
        logger.warning("the tool %s raised %r", call.name, error)
        return f"error: {type(error).__name__}: {error}"
    return result if isinstance(result, str) else msgspec.json.encode(result).decode()


def _described(function: Callable[..., Any]) -> Tool:
    if not callable(function):
        raise InvalidCall(f"a tool is a function or a Tool, got {function!r}", "tools")
    schema = msgspec.json.schema(_arguments_of(function))
    name = getattr(function, "__name__", type(function).__name__)
    definitions = schema.pop("$defs", {})
    described = definitions.pop(schema["$ref"].rpartition("/")[2])
    described.pop("title", None)
    if definitions:
        described["$defs"] = definitions
    return Tool(name, inspect.getdoc(function) or "", described, function=function)


def _arguments_of(function: Callable[..., Any]) -> type[Any]:
    """A struct with the function's parameters as fields, so that msgspec can describe and check them."""
    hints = get_type_hints(function)
    fields: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidCall(f"a tool's parameters must have names of their own, {parameter} has not", "tools")
        kind = hints.get(name, Any)
        fields.append((name, kind) if parameter.default is parameter.empty else (name, kind, parameter.default))
    return msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)
