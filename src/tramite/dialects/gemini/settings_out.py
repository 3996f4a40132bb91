"""Our settings as Gemini's `generationConfig`, `tools` and `toolConfig`. Knows no messages and no reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tramite.calls import ChatCall, ResponseFormat, Tool
from tramite.dialects.base import Target
from tramite.errors import InvalidCall, Unsupported

from .thinking import thinking_config

PLAIN = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "n": "candidateCount",
}
"""Settings that differ in name alone."""

MOST_STOPS = 5
_NEEDED = frozenset(("tools", "response_format", "n"))
"""Without these the answer is another one than was asked for: an error. The rest only steers it: a notice."""
_OURS = frozenset(
    (
        *("contents", "systemInstruction"),
        *(f"generationConfig.{name}" for name in PLAIN.values()),
        *(f"generationConfig.{name}" for name in ("stopSequences", "seed", "responseLogprobs", "logprobs")),
        *(f"generationConfig.{name}" for name in ("responseMimeType", "responseJsonSchema", "responseSchema")),
        "toolConfig.functionCallingConfig",
    )
)
"""Fields that have a setting of their own. `thinkingConfig` has finer grades than `reasoning_effort`, and `tools` has
Google's own beside ours, so those may be in `extra`."""
_OF_OUR_SERVER = frozenset(("stream_options", "encoding_format"))
"""What the OpenAI dialect leaves in `extra` for the answer to its client; not for whom we ask."""

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}

DEFAULT_NAME = "answer"


def settings_object(call: ChatCall, target: Target, notices: list[str]) -> dict[str, Any]:
    """Everything beside the messages. Raises `Unsupported` and `InvalidCall`."""
    if target.traits.unsupported:
        call = _without(call, target, notices)
    body: dict[str, Any] = {}
    config = _generation_config(call, target, notices)
    if config:
        body["generationConfig"] = config
    if call.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in call.tools]}]
    if call.tools or call.tool_choice is not None:
        calling = _calling_config(call)
        if calling:
            body["toolConfig"] = {"functionCallingConfig": calling}
    if call.extra:
        merge(body, {name: value for name, value in call.extra.items() if name not in _OF_OUR_SERVER})
    if call.reasoning_effort is not None and call.reasoning_effort != "none" and "thinkingConfig" in config:
        config["thinkingConfig"].setdefault("includeThoughts", True)
    return body


def _generation_config(call: ChatCall, target: Target, notices: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for ours, theirs in PLAIN.items():
        value = getattr(call, ours)
        if value is not None:
            config[theirs] = value
    if call.stop:
        if len(call.stop) > MOST_STOPS:
            raise Unsupported(f"{target} takes at most {MOST_STOPS} stop sequences, got {len(call.stop)}", "stop")
        config["stopSequences"] = call.stop
    if call.seed is not None:
        if -(2**31) <= call.seed < 2**31:
            config["seed"] = call.seed
        else:
            notices.append(f"{target} takes a seed of 32 bits: seed was left out")
    if call.logprobs is not None:
        config["responseLogprobs"] = True
        if call.logprobs:
            config["logprobs"] = call.logprobs
    if call.response_format is not None and call.response_format.type != "text":
        _put_format(config, call.response_format)
    if call.reasoning_effort is not None:
        thinking, missing = thinking_config(call.reasoning_effort, target.model)
        if thinking:
            config["thinkingConfig"] = thinking
        if missing:
            notices.append(f"{target} {missing}")
    return config


def _put_format(config: dict[str, Any], form: ResponseFormat) -> None:
    """JSON, any or of a schema. A name goes along as the schema's title; Gemini's answers are always strict."""
    config["responseMimeType"] = "application/json"
    if form.type == "json_schema":
        named = {"title": form.name} if form.name != DEFAULT_NAME else {}
        config["responseJsonSchema"] = {**named, **(form.schema or {})}


def _declaration(tool: Tool) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters:
        declared["parametersJsonSchema"] = tool.parameters
    return declared


def _calling_config(call: ChatCall) -> dict[str, Any]:
    """`functionCallingConfig`. Schemas are kept to where a call is demanded (ANY) and where one is VALIDATED."""
    choice = call.tool_choice
    if choice is None or choice == "auto":
        for tool in call.tools:
            if tool.strict:
                return {"mode": "VALIDATED"}
    if choice is None:
        return {}
    mode = _MODES.get(choice)
    return {"mode": mode} if mode else {"mode": "ANY", "allowedFunctionNames": [choice]}


def _without(call: ChatCall, target: Target, notices: list[str]) -> ChatCall:
    """The call without what the target's row says it refuses."""
    left_out: dict[str, Any] = {}
    for name in target.traits.unsupported:
        value = getattr(call, name, None)
        if not value and value != 0:
            continue
        if name in _NEEDED and not (name == "n" and value == 1):
            raise Unsupported(f"{target} does not support {name}", name)
        left_out[name] = () if isinstance(value, tuple) else None
        if name != "n":
            notices.append(f"{target} does not support {name}: it was left out")
    return msgspec.structs.replace(call, **left_out) if left_out else call


def merge(body: dict[str, Any], extra: Mapping[str, Any], path: str = "") -> None:
    """Put `extra` into the body, objects into objects and lists behind lists. Raises `InvalidCall`."""
    for name, value in extra.items():
        place = f"{path}{name}"
        if place in _OURS:
            raise InvalidCall(f"extra holds {place!r}, which has a setting of its own: use that", place)
        there = body.get(name)
        if isinstance(value, Mapping) and (there is None or isinstance(there, dict)):
            # A copy: what the caller gave is not ours to write into.
            body[name] = there = {} if there is None else there
            merge(there, value, f"{place}.")
        elif isinstance(value, list) and isinstance(there, list):
            body[name] = there + value
        elif there is None:
            body[name] = value
        else:
            raise InvalidCall(f"extra holds {place!r}, which the call's own settings have set already", place)
