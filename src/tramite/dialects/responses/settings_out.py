"""Our settings as fields of a request. Knows no messages and no reply.

What steers the answer and is not taken is left out with a notice; what makes it another answer is refused, as in the
OpenAI dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.base import Target
from tramite.errors import InvalidCall, Unsupported

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
"""What is said of a tool without parameters: the field is required, and strictness wants it closed."""

_NEVER = ("presence_penalty", "frequency_penalty", "stop", "seed")
"""The API does not have these. Nor does it have `n`."""
_NEEDED = frozenset(("tools", "response_format", "n"))
_OURS = frozenset(
    (
        *("model", "input", "messages", "stream", "temperature", "top_p", "max_output_tokens", "max_tokens"),
        *("max_completion_tokens", "logprobs", "top_logprobs", "response_format", "reasoning_effort", "n", *_NEVER),
    )
)
_MERGED = frozenset(("include", "reasoning", "text", "verbosity", "tools", "tool_choice", "stream_options"))


def without_unsupported(call: ChatCall, target: Target, notices: list[str]) -> ChatCall:
    """The call without the settings that it must do without, each named in the notices. Raises `Unsupported`."""
    refused = (*_NEVER, *target.traits.unsupported)
    names = [name for name in refused if name != "n" and getattr(call, name, None) not in (None, ())]
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


def put_settings(body: dict[str, Any], call: ChatCall) -> None:
    """Everything but messages, model and `extra`. `body` has its `include` already."""
    if call.temperature is not None:
        body["temperature"] = call.temperature
    if call.top_p is not None:
        body["top_p"] = call.top_p
    if call.max_tokens is not None:
        body["max_output_tokens"] = call.max_tokens
    if call.logprobs is not None:
        body["top_logprobs"] = call.logprobs
        body["include"].append(LOGPROBS)
    if call.tools:
        body["tools"] = tools_list(call.tools)
    if call.tool_choice is not None:
        body["tool_choice"] = tool_choice_value(call.tool_choice)
    if call.response_format is not None:
        body["text"] = {"format": format_object(call.response_format)}
    if call.reasoning_effort is not None:
        body["reasoning"] = {"effort": call.reasoning_effort}


def tools_list(tools: tuple[Tool, ...]) -> list[dict[str, Any]]:
    """Function tools, flat."""
    return [_tool(tool) for tool in tools]


def _tool(tool: Tool) -> dict[str, Any]:
    declared: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    declared["parameters"] = tool.parameters or NO_PARAMETERS
    # Unsaid, this API makes a schema strict, and its optional parameters required ("Function calling", strict mode);
    # the same tool must mean the same everywhere.
    declared["strict"] = tool.strict is True
    return declared


def tool_choice_value(choice: str) -> str | dict[str, Any]:
    """auto, none and required are words; anything else is a function's name."""
    return choice if choice in ("auto", "none", "required") else {"type": "function", "name": choice}


def format_object(form: ResponseFormat) -> dict[str, Any]:
    """`text.format`."""
    if form.type != "json_schema":
        return {"type": form.type}
    described: dict[str, Any] = {"type": "json_schema", "name": form.name, "schema": form.schema or {}}
    if form.strict is not None:
        described["strict"] = form.strict
    return described


def put_extra(body: dict[str, Any], extra: Mapping[str, Any], stream: bool) -> None:
    """Merge settings that this API alone has. Raises `InvalidCall`, and `Unsupported` for an answer nobody waits for.

    A summary of the thinking is asked for here: `extra={"reasoning": {"summary": "auto"}}`. It is not asked for
    unasked, since OpenAI shows it to verified organisations alone and refuses the request of others.
    """
    for name, value in extra.items():
        if name in _OURS:
            raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
        if name not in _MERGED:
            body[name] = value
    if extra.get("background") and not stream:
        raise Unsupported("an answer in the background is fetched later, which is not done here", "background")
    if "include" in extra:
        asked = _checked(extra, "include", list)
        body["include"] += [item for item in asked if item not in body["include"]]
    for name in ("reasoning", "text"):
        if name in extra:
            body[name] = {**_checked(extra, name, dict), **body.get(name, {})}
    if "verbosity" in extra:  # its name in a chat completion
        body["text"] = {"verbosity": extra["verbosity"], **body.get("text", {})}
    if "tools" in extra:
        body["tools"] = [*body.get("tools", ()), *_checked(extra, "tools", list)]
    if "tool_choice" in extra:
        body.setdefault("tool_choice", extra["tool_choice"])
    _put_stream_options(body, extra, stream)


def _put_stream_options(body: dict[str, Any], extra: Mapping[str, Any], stream: bool) -> None:
    """Usage, which a chat must ask for, always comes here: the question is left out."""
    options = extra.get("stream_options")
    if stream and isinstance(options, dict):
        kept = {name: value for name, value in options.items() if name != "include_usage"}
        if kept:
            body["stream_options"] = kept


def _checked(extra: Mapping[str, Any], name: str, kind: type) -> Any:
    value = extra[name]
    if not isinstance(value, kind):
        raise InvalidCall(f"extra[{name!r}] must be a {kind.__name__}, got {value!r:.60}", name)
    return value
