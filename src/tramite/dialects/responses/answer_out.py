"""The object that a whole reply is, and that a stream's first and last frames hold: the server's side."""

from __future__ import annotations

from typing import Any

from tramite.calls import ChatCall

from .settings_out import format_object, tool_choice_value, tools_list


def response_object(call: ChatCall, id: str, model: str, created: int) -> dict[str, Any]:
    """A response in progress: what it answers, and nothing of the answer. Its clients look for every field of it."""
    extra = call.extra
    form = call.response_format
    reasoning = extra.get("reasoning")
    text: dict[str, Any] = {"format": {"type": "text"} if form is None else format_object(form)}
    if "verbosity" in extra:
        text["verbosity"] = extra["verbosity"]
    choice = "auto" if call.tool_choice is None else tool_choice_value(call.tool_choice)
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": call.max_tokens,
        "metadata": extra.get("metadata") or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": extra.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {
            "summary": None,
            **(reasoning if isinstance(reasoning, dict) else {}),
            "effort": call.reasoning_effort,
        },
        "store": False,
        "temperature": 1.0 if call.temperature is None else call.temperature,
        "text": text,
        "tool_choice": extra.get("tool_choice", choice),
        "tools": [*tools_list(call.tools), *extra.get("tools", ())],
        "top_p": 1.0 if call.top_p is None else call.top_p,
        "truncation": extra.get("truncation", "disabled"),
        "usage": None,
    }
