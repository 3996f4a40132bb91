"""`tramite pull`: fetch a model, so that it can be used on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from . import form
from .terminal import Terminal

app = form.application()

EXAMPLES = """
Examples:
  tramite pull sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2
  tramite pull HuggingFaceTB/SmolLM2-135M-Instruct
  tramite ask -m local/HuggingFaceTB/SmolLM2-135M-Instruct "Ciao!"
"""


@dataclass(frozen=True, kw_only=True)
class Pull(form.Quiet):
    """What `pull` takes."""

    model: Annotated[str, typer.Argument(metavar="NAME", help="Its name on https://huggingface.co/models.")]
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="NAME", help="A branch, tag or commit; else the main branch.")
    ] = None


@form.command(app, Pull, EXAMPLES)
def pull(given: Pull) -> None:
    """Fetch a model from the Hugging Face hub into its cache on this machine. Prints the name to use it by.

    Weights in safetensors, settings and vocabularies come; code never does. What is here already is not fetched again.
    """
    from tramite.providers.local import hub, places

    terminal = Terminal(given.quiet)
    name = given.model.removeprefix("local/")
    folder = hub.fetch(name, _token(), given.revision, progress=not given.quiet)
    places.check(folder)
    terminal.note(f"fetched into {folder}")
    terminal.line(f"local/{name}")


def _token() -> str | None:
    """The secret for the hub, from wherever secrets are configured; models that are free for all need none."""
    from tramite import config

    provider = config.load().providers.get("huggingface")
    if provider is None or provider.secret is None:
        return None
    return provider.secret.reveal()
