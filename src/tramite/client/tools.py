"""Plain functions as tools: described by their signature, called with validated arguments."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias, get_type_hints

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
        values = _values(tool.function, call.arguments)
    except (ValueError, TypeError) as error:
        return f"error: the arguments do not fit: {error}"
    try:
        result = await call_user(tool.function, **values)
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises is an answer for the model
        logger.warning("the tool %s raised %r", call.name, error)
        return f"error: {type(error).__name__}: {error}"
    try:
        return _told(result)
    except (ValueError, TypeError, RecursionError) as error:
        logger.warning("the result of the tool %s cannot be written as JSON: %r", call.name, error)
        return f"error: the result cannot be written as JSON: {error}"


def _values(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """What the function is called with: checked and converted where its signature says to what."""
    try:
        form = _arguments_of(function)
    except InvalidCall:  # it was described by hand
        inspect.signature(function).bind(**arguments)
        return arguments
    converted = msgspec.convert(arguments, form)
    return {field: getattr(converted, field) for field in form.__struct_fields__}


def _told(result: Any) -> str:
    """A result as the model reads it: text as it is, the rest as JSON, and as `str` says what JSON has no form for."""
    text = result if isinstance(result, str) else msgspec.json.encode(result, enc_hook=str).decode()
    text.encode()  # half of a surrogate pair cannot be sent
    return text


def _described(function: Callable[..., Any]) -> Tool:
    if not callable(function):
        raise InvalidCall(f"a tool is a function or a Tool, got {function!r}", "tools")
    plain = _plain(function)
    name = getattr(plain, "__name__", type(plain).__name__)
    if name == "<lambda>":
        raise InvalidCall("a lambda has no name that a model could call it by: use def, or Tool(name, …)", "tools")
    try:
        schema = msgspec.json.schema(_arguments_of(function))
    except TypeError as error:
        raise InvalidCall(f"{name}: {' '.join(str(error).split())}", "tools") from error
    definitions = schema.pop("$defs", {})
    described = definitions.pop(schema["$ref"].rpartition("/")[2])
    described.pop("title", None)
    if definitions:
        described["$defs"] = definitions
    return Tool(name, inspect.getdoc(plain) or "", described, function=function)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Beneath `functools.partial`, where name, text and annotations are."""
    while isinstance(function, partial):
        function = function.func
    return function


def _arguments_of(function: Callable[..., Any]) -> type[Any]:
    """A struct with the function's parameters as fields, so that msgspec can describe and check them.

    Raises InvalidCall.
    """
    plain = _plain(function)
    name = getattr(plain, "__name__", type(plain).__name__)
    try:
        parameters = inspect.signature(function).parameters
        where: Any = "__init__" if isinstance(plain, type) else "__call__"
        annotated = plain if inspect.isroutine(plain) else getattr(plain, where)
        hints = get_type_hints(annotated, include_extras=True)
    except Exception as error:
        raise InvalidCall(f"{name}: its parameters cannot be read: {error}", "tools") from error
    fields: list[Any] = []
    for parameter in parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidCall(f"{name}: a tool's parameters must have names of their own, {parameter} has not", "tools")
        fields.append((parameter.name, _kind(hints.get(parameter.name, Any)), *_default(parameter)))
    return msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)


def _kind(hint: Any) -> Any:
    """`Annotated[str, "its name"]`, as people write it, describes the parameter."""
    said = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, str)]
    return Annotated[hint, msgspec.Meta(description=said[0])] if said else hint


def _default(parameter: inspect.Parameter) -> tuple[Any, ...]:
    """The default as a struct's: what JSON cannot show, or could be changed, is made when it is needed."""
    default = parameter.default
    if default is parameter.empty:
        return ()
    if default is None or isinstance(default, bool | int | float | str):
        return (default,)
    return (msgspec.field(default_factory=lambda: default),)
