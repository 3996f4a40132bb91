"""The settings of a call as those of transformers' generation, over the model's own. Knows no model and no token."""

from __future__ import annotations

import copy
from typing import Any

from tramite.calls import ChatCall, CompletionCall
from tramite.errors import ContextTooLong, RequestRejected

DEFAULT_TOKENS = 4096
"""The most that is written when nobody says how much, neither the caller nor the model's own settings."""
_SENT_ALONG = frozenset(("stream_options", "user"))
_RANGES: dict[str, tuple[type[int] | type[float], float, float]] = {
    "top_k": (int, 0, 1e6),
    "min_p": (float, 0, 1),
    "typical_p": (float, 0.01, 1),
    "repetition_penalty": (float, 0.01, 10),
    "no_repeat_ngram_size": (int, 0, 100),
}
"""Settings of transformers that `extra` may hold: type, least, most."""


def refuse_unsupported(call: ChatCall | CompletionCall) -> None:
    """Raise RequestRejected for what would otherwise be dropped in silence."""
    wanted = {
        "n": call.n not in (None, 1),
        "logprobs": call.logprobs is not None,
        "presence_penalty": bool(call.presence_penalty),
        "frequency_penalty": bool(call.frequency_penalty),
    }
    if isinstance(call, ChatCall):
        wanted |= {
            "tools": bool(call.tools),
            "tool_choice": call.tool_choice not in (None, "none", "auto"),
            "response_format": call.response_format is not None and call.response_format.type != "text",
            "reasoning_effort": call.reasoning_effort is not None,
        }
    else:
        wanted["suffix"] = call.suffix is not None
    wanted |= {name: True for name in call.extra if name not in _SENT_ALONG and name not in _RANGES}
    named = [name for name, asked in wanted.items() if asked]
    if named:
        raise RequestRejected(f"local models do not support {', '.join(named)}: leave it out")


def most_tokens(call: ChatCall | CompletionCall, prompt: int, own: int | None, room: int | None) -> int:
    """How many tokens may be written: what is asked for, else the model's `own`, in the `room` beside the prompt.

    Raises ContextTooLong.
    """
    if room is not None and (room < 1 or (call.max_tokens or 0) > room):
        asked = f" and {call.max_tokens} are to be written" if call.max_tokens else ""
        window = room + prompt
        raise ContextTooLong(f"this model's maximum context length is {window} tokens; the prompt has {prompt}{asked}")
    if call.max_tokens is not None:
        return call.max_tokens
    return min(own or DEFAULT_TOKENS, room or DEFAULT_TOKENS)


def generation(call: ChatCall | CompletionCall, own: Any, tokens: int, pad: int) -> Any:
    """A GenerationConfig: what the call says, else what the model's own (`generation_config.json`) says.

    Nothing is left unset, for transformers has defaults of its own (a `top_k` of 50). Raises RequestRejected.
    """
    config = copy.deepcopy(own)
    extra = {name: _checked(name, value) for name, value in call.extra.items() if name in _RANGES}
    asked = call.temperature is not None or call.top_p is not None
    sampled = call.temperature != 0 if asked else bool(own.do_sample)
    config.update(
        max_new_tokens=tokens,
        max_length=None,
        num_beams=1,
        num_return_sequences=1,
        stop_strings=None,
        return_dict_in_generate=False,
        pad_token_id=pad,
        do_sample=sampled,
        # those that greedy decoding does not look at, it warns of unless they are these
        temperature=float(_first(call.temperature, own.temperature, 1.0)) if sampled else 1.0,
        top_p=float(_first(call.top_p, own.top_p, 1.0)) if sampled else 1.0,
        top_k=_first(extra.pop("top_k", None), own.top_k, 0) if sampled else 50,
        min_p=_first(extra.pop("min_p", None), own.min_p) if sampled else None,
        typical_p=_first(extra.pop("typical_p", None), own.typical_p, 1.0) if sampled else 1.0,
    )
    config.update(**extra)
    return config


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _checked(name: str, value: Any) -> int | float:
    kind, least, most = _RANGES[name]
    right = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not right or not least <= value <= most:
        what = "a whole number" if kind is int else "a number"
        raise RequestRejected(f"{name} must be {what} from {least:g} to {most:g}, got {value!r}")
    return kind(value)
