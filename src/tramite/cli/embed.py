"""`tramite embed`: texts to vectors, or how near they are to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import form
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.replies import EmbeddingReply

app = form.application()

EXAMPLES = """
Examples:
  tramite embed "Eventi in montagna" -m openai/text-embedding-3-small
  tramite embed --similarity "a cat" "a kitten" "a car" -m lmstudio/
  tramite embed -f titles.txt -o vectors.npz -m openai/text-embedding-3-small
  cut -f2 data.tsv | tramite embed --format csv > vectors.csv
"""


@dataclass(frozen=True, kw_only=True)
class Embed(form.Asking):
    """What `embed` takes."""

    texts: Annotated[
        list[str],
        typer.Argument(metavar="TEXT...", help="One vector each. Without any, or with -, the lines of stdin."),
    ] = field(default_factory=list)
    file: Annotated[
        list[str],
        typer.Option("-f", "--file", metavar="FILE", help="A text on each line; empty lines are left out. Repeatable."),
    ] = field(default_factory=list)
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write there, in the form of its suffix.")
    ] = None
    format: Annotated[
        Literal["json", "csv", "npz"] | None,
        typer.Option(metavar="json|csv|npz", help="json without it; npz needs numpy."),
    ] = None
    similarity: Annotated[
        bool, typer.Option("--similarity", help="Cosine, dot product and Euclidean distance of each pair, as a table.")
    ] = False
    json: Annotated[bool, typer.Option("--json", help="With --similarity: the pairs as JSON.")] = False
    dimensions: Annotated[int | None, typer.Option(metavar="N", help="Shorter vectors, where the model can.")] = None
    truncate: Annotated[bool, typer.Option("--truncate", help="Cut a text that is too long, instead of failing.")] = (
        False
    )
    dry_run: form.DryRun = False


@form.command(app, Embed, EXAMPLES)
def embed(given: Embed) -> None:
    """Turn texts into vectors, one each, in their order. Any number: they are split to the provider's limits."""
    from tramite import config
    from tramite.client.governance import for_programs
    from tramite.client.synchronous import Client

    from . import asking, facts, vectors
    from .choosing import choose_embedding

    terminal = Terminal(given.quiet)
    written = vectors.form(given.format, given.output)
    texts = _texts(given, terminal)
    if given.similarity:
        vectors.check_pairs(texts)
    settings = config.load()
    model = choose_embedding(given.model, settings, terminal)
    options = _options(given)
    if given.dry_run:
        asking.rehearse(settings, terminal, lambda client: client.embed(texts, model=model, **options))
        return
    with Client(for_programs(settings)) as client:
        reply: EmbeddingReply = client.embed(texts, model=model, **options)
    for notice in reply.notices:
        terminal.warn(notice)
    if given.similarity:
        vectors.show_pairs(texts, reply.vectors, terminal, given.json)
    else:
        vectors.write(written, texts, reply, given.output, terminal)
    if given.usage:
        terminal.warn(facts.usage_line(reply.usage, reply.cost_nanousd))


def _options(given: Embed) -> dict[str, Any]:
    from .settings import extras

    found: dict[str, Any] = {"dimensions": given.dimensions, "truncate": given.truncate or None}
    found["extra"] = extras(given.extra) or None
    return {name: value for name, value in found.items() if value is not None}


def _texts(given: Embed, terminal: Terminal) -> list[str]:
    """What is to be embedded: words, then files, then stdin. Raises InvalidCall."""
    import sys

    from tramite.errors import InvalidCall

    from . import reading

    words = [text for text in given.texts if text != reading.STDIN]
    from_stdin = reading.STDIN in given.texts or not (words or given.file or sys.stdin.isatty())
    lines: list[str] = []
    for name in given.file:
        lines += reading.text_of(reading.file_bytes(name), name, "a text on each line is expected").splitlines()
    if from_stdin:
        lines += reading.stdin_text(terminal).splitlines()
    full = [line for line in lines if line.strip()]
    if len(full) < len(lines):
        terminal.note(f"{len(lines) - len(full)} empty lines are left out")
    if not (words or full):
        raise InvalidCall('there is nothing to embed: write tramite embed "…", name a file with -f, or pipe lines in')
    return words + full
