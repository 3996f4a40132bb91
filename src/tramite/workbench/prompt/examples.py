"""Examples written out before a prompt (few-shot), as text to be continued. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence

from tramite.prompts import Example, Labels, Template
from tramite.prompts.text import escape


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
