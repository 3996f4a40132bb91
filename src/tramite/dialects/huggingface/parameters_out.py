"""Our settings as `parameters` of a generation, which is what TGI and transformers' pipelines take. Knows no reply.

Source: TGI's `GenerateParameters` (`router/src/lib.rs`), and its checks (`router/src/validation.rs`).
"""

from __future__ import annotations

from typing import Any

from tramite.calls import CompletionCall
from tramite.dialects.base import Target
from tramite.errors import InvalidCall, Unsupported

_ON_THE_WIRE = {"max_tokens": "max_new_tokens", "logprobs": "top_n_tokens", "echo": "return_full_text"}
"""Settings whose fields are not called what they are."""

_SILENT = frozenset(("details", "return_full_text", "do_sample"))
"""Fields that no caller set: where a target refuses one, nothing is lost but what it would have told."""

_OURS = frozenset(
    (
        *("inputs", "parameters", "stream", "max_new_tokens", "temperature", "top_p", "stop", "seed"),
        *("return_full_text", "top_n_tokens", "frequency_penalty"),
    )
)
"""Fields that have a setting of their own."""

_AT_THE_ROOT = frozenset(("options",))
"""Fields of `extra` that stand beside the parameters (the classic API's `wait_for_model` and `use_cache`)."""


def parameters_object(call: CompletionCall, target: Target, notices: list[str]) -> dict[str, Any]:
    """The parameters. Raises `Unsupported` for settings without which the answer would be another one."""
    _refuse(call, target)
    said: dict[str, Any] = {"details": True, "return_full_text": call.echo}
    _put_sampling(said, call, target)
    if call.max_tokens is not None:
        said["max_new_tokens"] = call.max_tokens
    if call.frequency_penalty is not None:
        said["frequency_penalty"] = call.frequency_penalty
    if call.stop:
        said["stop"] = call.stop
    if call.seed is not None:
        said["seed"] = call.seed
    if call.logprobs is not None:
        said["top_n_tokens"] = call.logprobs
    if call.presence_penalty is not None:
        notices.append(f"{target} does not support presence_penalty: it was left out")
    for name in target.traits.unsupported:
        field = _ON_THE_WIRE.get(name, name)
        if said.pop(field, None) is not None and field not in _SILENT:
            notices.append(f"{target} does not support {name}: it was left out")
    return said


def _refuse(call: CompletionCall, target: Target) -> None:
    if call.suffix is not None:
        raise Unsupported(f"{target} does not support suffix", "suffix")
    if call.n is not None and call.n > 1:
        raise Unsupported(f"{target} gives one answer to a request: send {call.n} requests", "n")
    if call.seed is not None and call.seed < 0:
        raise Unsupported(f"{target} takes no negative seed, got {call.seed}", "seed")


def _put_sampling(said: dict[str, Any], call: CompletionCall, target: Target) -> None:
    """`do_sample` follows the temperature: 0 is no temperature there but no sampling, which TGI would take up again for
    a `top_p` that has no effect at 0. The whole (`top_p` 1) is refused by TGI, and what it does anyway.
    """
    if call.temperature == 0:
        said["do_sample"] = False
        return
    if call.temperature is not None:
        said["do_sample"] = True
        said["temperature"] = call.temperature
    if call.top_p is not None and call.top_p < 1:
        if call.top_p == 0:
            raise Unsupported(f"{target} takes no top_p of 0: for the likeliest token alone, temperature=0", "top_p")
        said["do_sample"] = True
        said["top_p"] = call.top_p


def put_extra(body: dict[str, Any], call: CompletionCall) -> None:
    """Lay `extra` over the body: into the parameters, or beside them. Raises `InvalidCall`."""
    for name, value in call.extra.items():
        if name in _OURS:
            raise InvalidCall(f"extra holds {name!r}, which has a setting of its own: use that", name)
        if name in _AT_THE_ROOT:
            body[name] = value
        elif name != "stream_options":  # what a client asked of our server's side, in OpenAI's format
            body["parameters"][name] = value
