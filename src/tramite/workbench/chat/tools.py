"""Tools that a model may ask for in a chat: some of ours, and others that are only described. Nothing runs by itself:
the user sees each call and its arguments first. Knows no page.
"""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tramite.calls import Tool
from tramite.client.tools import as_tools
from tramite.errors import InvalidCall
from tramite.messages import Message, ToolCall, tool_result

REFUSED = "The user did not allow this call."
_MOST_DIGITS = 300


def current_time(timezone: str = "UTC") -> str:
    """The date and the time now, in a time zone such as Europe/Rome."""
    try:
        zone = ZoneInfo(timezone) if timezone != "UTC" else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"there is no time zone {timezone[:80]!r}"
    return datetime.now(zone).strftime("%A %Y-%m-%d %H:%M:%S %Z")


def calculate(expression: str) -> str:
    """The value of an arithmetic expression, such as (3 + 4) * 2 ** 10 / 7."""
    try:
        return str(_value(ast.parse(expression[:1000], mode="eval").body))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        return f"this cannot be calculated: {error}"


OURS: tuple[Tool, ...] = as_tools([current_time, calculate])
NAMES = tuple(tool.name for tool in OURS)


def described(text: str) -> tuple[Tool, ...]:
    """Tools written as JSON: one or a list, as OpenAI describes them or by name, description and parameters alone.

    Raises InvalidCall.
    """
    if not text.strip():
        return ()
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"the tools are not JSON: {error}", "tools") from None
    return tuple(_tool(one) for one in (given if isinstance(given, list) else [given]))


def offered(names: Sequence[str], text: str) -> tuple[Tool, ...]:
    """Those of ours that were chosen, and those that were described. Raises InvalidCall."""
    return (*(tool for tool in OURS if tool.name in names), *described(text))


def pending(message: Message) -> list[ToolCall]:
    """The calls that a message asks for."""
    return message.tool_calls


def runs(call: ToolCall) -> bool:
    """Whether it is one of ours."""
    return call.name in NAMES


def run(call: ToolCall) -> str:
    """What one of ours gives; what is wrong with its arguments is told to the model."""
    function: Callable[..., Any] | None = next(tool.function for tool in OURS if tool.name == call.name)
    assert function is not None
    try:
        return str(function(**call.arguments))
    except (TypeError, ValueError) as error:
        return f"error: the arguments do not fit: {error}"


def results(calls: Sequence[ToolCall], texts: Sequence[str]) -> list[Message]:
    """The answers to calls, as messages; an empty one is a refusal."""
    return [tool_result(call, text or REFUSED) for call, text in zip(calls, texts, strict=True)]


def _tool(given: object) -> Tool:
    inner = given.get("function", given) if isinstance(given, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise InvalidCall('a tool is an object with a name: {"name": …, "description": …, "parameters": {…}}', "tools")
    return Tool(inner["name"], str(inner.get("description", "")), inner.get("parameters") or {"type": "object"})


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def _value(node: ast.expr) -> int | float:
    """Numbers and the operations on them, nothing else. Raises ValueError."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _bounded(_UNARY[type(op)](_value(operand)))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, exponent = _value(left), _value(right)
            if abs(exponent) > 1000 or abs(base) > 1e6:
                raise ValueError("the power is too large")
            power = base**exponent
            if isinstance(power, complex):
                raise ValueError("the power is no real number")
            return _bounded(power)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left), _value(right)))
    raise ValueError("only numbers, brackets and + - * / // % ** are known")


def _bounded(number: int | float) -> int | float:
    if abs(number) > 10**_MOST_DIGITS:
        raise ValueError("the number is too large")
    return number
