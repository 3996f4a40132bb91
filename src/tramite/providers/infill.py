"""Filling a gap in code: the templates that open models were trained on. Data, and how a call is written with it.

Sources: the model cards of each family, and "Efficient Training of Language Models to Fill in the Middle"
(Bavarian et al., 2022) for the order prefix-suffix-middle.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from tramite.calls import CompletionCall


class Infill(Struct, frozen=True):
    """A family's template, with `{prefix}` and `{suffix}`, and the marks at which it ends."""

    family: str
    template: str
    stop: tuple[str, ...]


_QWEN = "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"
_STARCODER = "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"

_FAMILIES = (
    Infill("codellama", "<PRE> {prefix} <SUF>{suffix} <MID>", ("<EOT>",)),
    Infill("deepseek", "<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>", ("<｜end▁of▁sentence｜>",)),
    Infill("codestral", "[SUFFIX]{suffix}[PREFIX]{prefix}", ("</s>",)),
    Infill("qwen", _QWEN, ("<|endoftext|>", "<|file_sep|>", "<|fim_pad|>")),
    Infill("codegemma", _QWEN, ("<|file_separator|>", "<end_of_turn>")),
    Infill("starcoder", _STARCODER, ("<|endoftext|>", "<file_sep>")),
    Infill("granite", _STARCODER, ("<|endoftext|>",)),
    Infill("stable-code", _STARCODER, ("<|endoftext|>",)),
    Infill("refact", _STARCODER, ("<|endoftext|>",)),
)


def template_for(model: str) -> Infill | None:
    """The template of the family that a model's name belongs to."""
    name = model.lower().replace("_", "-").replace("code-llama", "codellama")
    return next((infill for infill in _FAMILIES if infill.family in name), None)


def written_out(call: CompletionCall, infill: Infill) -> CompletionCall:
    """The same call with the gap in its prompt, for a server that knows no `suffix`.

    OpenAI's dialect takes four stop sequences: the user's own go first.
    """
    said = {"{prefix}": call.prompt, "{suffix}": call.suffix or ""}
    prompt = "".join(said.get(piece, piece) for piece in re.split(r"(\{prefix\}|\{suffix\})", infill.template))
    stop = tuple(dict.fromkeys((*call.stop, *infill.stop)))[:4]
    return msgspec.structs.replace(call, prompt=prompt, suffix=None, stop=stop)
