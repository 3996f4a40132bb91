"""Examples written out before a prompt (few-shot), and templates, as text to be continued. Knows no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tramite.calls import RANGES
from tramite.prompts import Example, Labels, Template
from tramite.prompts.text import escape

SAMPLING = ("temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty", "seed", "logprobs")


def written_out(instruction: str, examples: Sequence[tuple[str, str]], labels: Labels, asked: str) -> str:
    """The text that is sent: instruction, examples between their labels, then what is asked. Nothing in them is a
    variable. Examples of which nothing was typed are left out."""
    kept = tuple(Example(*one) for one in examples if any(part.strip() for part in one))
    template = Template(
        name="few-shot", prompt=escape(asked), system=escape(instruction.strip()), examples=kept, labels=labels
    )
    return template.text()


def stop_before(labels: Labels) -> str:
    """Where the model would go on with an example of its own: to be a stop sequence."""
    return f"\n{labels.input}:"


def widget_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a template or of an earlier run, as the widgets of their names take them; those that are not given
    are empty, so that a run can be had again."""
    values: dict[str, Any] = {}
    for name in SAMPLING:
        value = settings.get(name)
        values[name] = value if value is None else float(value) if name in RANGES else int(value)
    stop = settings.get("stop") or ()
    values["stop"] = "\n".join(one.replace("\n", "\\n") for one in ([stop] if isinstance(stop, str) else stop))
    return values
