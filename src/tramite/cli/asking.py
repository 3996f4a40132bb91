"""What `ask` and `complete` have in common: one call, streamed or whole, shown or only rehearsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import typer

from tramite.errors import InvalidCall
from tramite.replies import Reply

from . import facts, showing
from .failures import FAILURE
from .form import Writing
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.synchronous import Client, Stream
    from tramite.config import Config
    from tramite.prompts import Template

Whole: TypeAlias = "Callable[[Client, str], Reply]"
Streamed: TypeAlias = "Callable[[Client, str], Stream]"


def carry_out(
    given: Writing, terminal: Terminal, whole: Whole, streamed: Streamed | None, template: Template | None = None
) -> None:
    """Make the call of a client and a model's name, and show what comes. `streamed` is None where it must come whole.

    Without -m it is the model that the template names, where there is one. Raises TramiteError.
    """
    if given.json and given.jsonl:
        raise InvalidCall("--json gives one object and --jsonl many: choose one of them")
    if given.jsonl and (given.no_stream or streamed is None):
        raise InvalidCall("--jsonl shows the events of a stream, and this answer comes whole: use --json")
    if given.json or given.no_stream:
        streamed = None
    from tramite import config
    from tramite.client.governance import for_programs
    from tramite.client.synchronous import Client

    from .choosing import choose

    settings = config.load()
    named, by = given.model, "-m"
    if named is None and template is not None:
        named, by = template.model, f"the template {template.name}"
    model = choose(named, settings, terminal, named_by=by, probe=not given.dry_run)
    if given.dry_run:
        rehearse(settings, terminal, lambda client: _asked(client, model, whole, streamed))
        return
    with Client(for_programs(settings)) as client:
        if streamed is None:
            reply = whole(client, model)
            showing.whole(reply, terminal, given.json)
        else:
            reply = _stream(streamed(client, model), given, terminal, model)
    answered = showing.ending(reply, terminal)
    if given.usage:
        terminal.warn(facts.usage_line(reply.usage, reply.cost_nanousd, reply))
    if not answered:
        raise typer.Exit(FAILURE)


def rehearse(settings: Config, terminal: Terminal, ask: Callable[[Client], object]) -> None:
    """Show the request that `ask` would send."""
    from tramite.client.rehearsal import Rehearsal, Taken, outside, shown
    from tramite.client.synchronous import Client

    with Client(outside(settings), transport=Rehearsal()) as client:
        try:
            ask(client)
        except Taken as taken:
            terminal.line(facts.json_text(shown(taken.request)))


def _asked(client: Client, model: str, whole: Whole, streamed: Streamed | None) -> object:
    return whole(client, model) if streamed is None else list(streamed(client, model))


def _stream(stream: Stream, given: Writing, terminal: Terminal, model: str) -> Reply:
    try:
        return showing.lines(stream, terminal) if given.jsonl else showing.text(stream, terminal, model)
    except KeyboardInterrupt:
        if given.usage:
            stopped = stream.reply
            terminal.warn(facts.usage_line(stopped.usage, stopped.cost_nanousd, stopped))
        raise
