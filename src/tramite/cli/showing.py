"""A streamed or whole reply on stdout: as text, as events, as one object. Asks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tramite.errors import IncompleteStream, TramiteError
from tramite.events import (
    Event,
    Loading,
    Noticed,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    Started,
    TextDelta,
)
from tramite.replies import Reply

from . import facts
from .terminal import Terminal

if TYPE_CHECKING:
    from tramite.client.synchronous import Stream


def text(stream: Stream, terminal: Terminal, asked: str) -> Reply:
    """The first choice as it is written. Leaving early, by Ctrl-C or an error, ends the stream at once."""
    begun = False
    noticed: set[str] = set()
    try:
        with stream:
            for event in stream:
                if isinstance(event, TextDelta) and event.index == 0:
                    begun = True
                    terminal.data(event.text)
                elif isinstance(event, Noticed):
                    noticed.add(event.text)
                    terminal.note(event.text)
                else:
                    _aside(event, terminal, asked, begun)
    finally:
        terminal.end_line()
    for notice in stream.reply.notices:
        if notice not in noticed:
            terminal.note(notice)
    return stream.reply


def lines(stream: Stream, terminal: Terminal) -> Reply:
    """Each event as a line of JSON; the last line is the reply, or the error that ended it."""
    try:
        with stream:
            for event in stream:
                terminal.line(msgspec.json.encode(event).decode())
    except TramiteError as error:
        told = {"type": "Error", "error": type(error).__name__, "message": str(error)}
        terminal.line(msgspec.json.encode(told).decode())
        raise
    summary = {"type": "Reply", **facts.reply_object(stream.reply)}
    terminal.line(msgspec.json.encode(summary).decode())
    return stream.reply


def whole(reply: Reply, terminal: Terminal, as_object: bool) -> None:
    """A reply that came at once; of several choices, each after a line with its number."""
    if as_object:
        terminal.line(facts.json_text(facts.reply_object(reply)))
        return
    for notice in reply.notices:
        terminal.note(notice)
    if reply.parsed is not None:
        terminal.line(facts.json_text(reply.parsed))
        return
    for number, choice in enumerate(reply.choices, 1):
        if len(reply.choices) > 1:
            terminal.end_line()
            terminal.data(f"{'' if number == 1 else chr(10)}--- {number} of {len(reply.choices)} ---\n")
        terminal.data(choice.message.text)
    terminal.end_line()


def ending(reply: Reply, terminal: Terminal) -> bool:
    """Tell what must be known of an answer that ended in another way than it should; whether it is one at all."""
    if reply.refusal:
        terminal.warn(f"the model refuses: {reply.refusal}")
        return False
    if reply.finish == "length":
        terminal.warn("the answer was cut at its largest length: allow more with -o max_tokens=…")
    elif reply.finish == "content_filter":
        terminal.warn("the provider's content filter ended the answer")
    elif not reply.text and not reply.tool_calls and reply.finish != "stopped":
        terminal.warn("the model answered with no text")
    return True


def _aside(event: Event, terminal: Terminal, asked: str, begun: bool) -> None:
    """Whatever a stream brings beside its text."""
    if isinstance(event, ReasoningDelta):
        terminal.thought(event.text)
    elif isinstance(event, RefusalDelta):
        pass  # told whole, at the end
    elif isinstance(event, Started) and event.target != asked:
        terminal.note(f"{event.target} answers")
    elif isinstance(event, Loading):
        estimate = f", about {event.estimated_s:.0f} s" if event.estimated_s is not None else ""
        terminal.note(f"{event.target} is loading the model{estimate}")
    elif isinstance(event, Restarted) and begun:
        _restart(event, terminal)


def _restart(event: Restarted, terminal: Terminal) -> None:
    """A terminal can be told that what stands there is void; a pipe cannot take its bytes back."""
    why = f"the answer broke off ({event.error})"
    if not terminal.live:
        raise IncompleteStream(f"{why}; what went into the pipe cannot be taken back")
    terminal.warn(f"{why}: what stands above is void, {event.target} begins anew")
