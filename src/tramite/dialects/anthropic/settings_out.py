"""Our settings as fields of a Messages request. Knows no messages and no reply.

What steers the answer and is not taken is left out with a notice; what makes it another answer is refused, as in the
OpenAI dialect.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.base import Target
from tramite.errors import InvalidCall, Unsupported

from .abilities import Abilities
from .schemas import fitted

MAX_TOKENS = 4096
"""What is sent where the call names none, since the API demands one."""

_NEVER = ("presence_penalty", "frequency_penalty", "seed", "logprobs")
"""No Anthropic model has these."""
_NEEDED = frozenset(("tools", "response_format", "n"))
_OURS = frozenset(
    (
        *("model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature", "top_p"),
        *("tool_choice", "stop", "n", *_NEVER, "response_format", "reasoning_effort"),
    )
)
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def without_unsupported(call: ChatCall, target: Target, notices: list[str]) -> ChatCall:
    """The call without the settings that it must do without, each named in the notices. Raises `Unsupported`."""
    refused = target.traits.unsupported
    names = [name for name in (*_NEVER, *refused) if name != "n" and getattr(call, name, None) not in (None, ())]
    if call.n is not None and call.n > 1:
        names.append("n")
    if not names:
        return call
    changes: dict[str, Any] = {}
    for name in dict.fromkeys(names):
        if name in _NEEDED:
            raise Unsupported(f"{target} does not support {name}", name)
        notices.append(f"{target} does not support {name}: it was left out")
        changes[name] = () if name == "stop" else None
    return msgspec.structs.replace(call, **changes)


def is_plain(call: ChatCall, target: Target) -> bool:
    """Whether the call has nothing that might have to be left out: so most of them, and quickly known."""
    return (
        call.seed is None
        and call.n is None
        and call.logprobs is None
        and call.presence_penalty is None
        and call.frequency_penalty is None
        and not target.traits.unsupported
    )


def put_sampling(
    body: dict[str, Any], call: ChatCall, able: Abilities, thinks: bool, target: Target, notices: list[str]
) -> None:
    """`temperature` and `top_p`, as far as the model takes them. Raises `Unsupported` for a temperature above 1."""
    temperature, top_p = call.temperature, call.top_p
    why = ""
    if able.sampling == "none":
        why = "does not support it"
    elif thinks and able.thinks_unsampled:
        why = "does not take it while it thinks"
    if why:
        given = [name for name in ("temperature", "top_p") if getattr(call, name) is not None]
        notices.extend(f"{target} {why}: {name} was left out" for name in given)
        return
    if temperature is not None:
        if temperature > 1:
            raise Unsupported(f"{target} takes a temperature from 0 to 1, got {temperature}", "temperature")
        body["temperature"] = temperature
    if top_p is None:
        return
    if temperature is not None and able.sampling == "one":
        notices.append(f"{target} takes either temperature or top_p: top_p was left out")
    else:
        body["top_p"] = top_p


def put_tools(body: dict[str, Any], call: ChatCall, target: Target, notices: list[str]) -> None:
    """Tools of ours and the provider's own (`extra`), which of them to use, and how many at once."""
    own = call.extra.get("tools")
    if own is not None and not isinstance(own, list):
        raise InvalidCall("extra['tools'] must be a list of the provider's own tools", "tools")
    if call.tools or own:
        body["tools"] = [*(_tool(tool, target, notices) for tool in call.tools), *(own or ())]
    choice: dict[str, Any] = {}
    if call.tool_choice is not None:
        word = _CHOICES.get(call.tool_choice)
        choice = {"type": word} if word else {"type": "tool", "name": call.tool_choice}
    if call.extra.get("parallel_tool_calls") is False and "tools" in body and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    if choice:
        body["tool_choice"] = choice


def _tool(tool: Tool, target: Target, notices: list[str]) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    schema = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None:
        declared["strict"] = tool.strict
        if tool.strict:
            schema = _fit(schema, f"tool {tool.name}", target, notices)
    declared["input_schema"] = schema
    return declared


def put_format(body: dict[str, Any], form: ResponseFormat, target: Target, notices: list[str]) -> None:
    """`output_config.format`. Raises `Unsupported` for JSON without a schema, of which the API has no word."""
    if form.type == "text":
        return
    if form.type == "json_object":
        raise Unsupported(
            f"{target} knows no json_object format: give a JSON schema (schema=, or type json_schema)",
            "response_format",
        )
    schema = _fit(form.schema or {"type": "object"}, "response_format", target, notices)
    if form.name != "answer":
        schema.setdefault("title", form.name)  # the only place for a name
    if form.strict is False:
        notices.append(f"{target} always keeps to the schema: strict=False was left out")
    body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}


def _fit(schema: dict[str, Any], where: str, target: Target, notices: list[str]) -> dict[str, Any]:
    loosened: set[str] = set()
    fits = fitted(schema, loosened)
    if loosened:
        names = ", ".join(sorted(loosened))
        notices.append(f"{target}: {where}: {names} told to the model as text: it does not enforce them")
    return fits


def put_extra(body: dict[str, Any], extra: dict[str, Any]) -> None:
    """What only this provider has, as it is; `thinking` and `output_config` outrank what was made of our settings.

    `user` and `parallel_tool_calls` are OpenAI's words for what Anthropic calls otherwise, and a stream's usage comes
    unasked. Raises InvalidCall for a field that has a setting of its own.
    """
    for name, value in extra.items():
        if name in _OURS:
            raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
        if name in ("output_config", "metadata") and isinstance(value, dict):
            body[name] = {**body.get(name, {}), **value}
        elif name == "user":
            body["metadata"] = {**body.get("metadata", {}), "user_id": value}
        elif name not in ("tools", "parallel_tool_calls", "stream_options"):
            body[name] = value
