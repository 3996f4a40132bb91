"""One answer as it is written: tokens to events, stop sequences and ends noticed, on the machine's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tramite.calls import ChatCall, CompletionCall
from tramite.events import Event, Finished, TextDelta, UsageReported
from tramite.replies import Finish, Usage

from .machine import Line
from .prompts import prompt_of
from .settings import generation, most_tokens
from .stops import Characters, Stops


class Begun(Struct, frozen=True):
    """The model is loaded and the prompt is accepted: what is to be said of it."""

    notices: tuple[str, ...] = ()


class Told(Struct, frozen=True):
    """The answer is whole: nothing follows."""


def tell(model: Any, call: ChatCall | CompletionCall, line: Line) -> None:
    """Say Begun, the answer's events, and Told, unless nobody hears them. Before Begun, raises RequestRejected."""
    prompt = prompt_of(call, model.tokenizer)
    count = len(prompt.tokens)
    window = model.window
    room = window if window is None or (model.two_parts and count <= window) else window - count
    most = most_tokens(call, count, model.own.max_new_tokens, room)
    config = generation(call, model.own, most, model.pad)
    line.say(Begun(prompt.notices))
    if prompt.shown:
        line.say([TextDelta(prompt.shown)])
    answer = _Answer(model, prompt.stops, line)
    model.write(prompt.tokens, config, call.seed, answer.take)
    if line.gone.is_set():
        return
    line.say([*answer.rest(), Finished(answer.finish), UsageReported(_usage(count, answer.tokens))])
    line.say(Told())


def _usage(prompt: int, written: int) -> Usage:
    return Usage(input_tokens=prompt, output_tokens=written)


class _Answer:
    """What has been written so far. Its `finish` is `length` unless the model or a stop sequence ended it."""

    def __init__(self, model: Any, stops: Sequence[str], line: Line) -> None:
        self.finish: Finish = "length"
        self.tokens = 0
        self._ends = model.ends
        self._characters = Characters(model.decode)
        self._stops = Stops(stops)
        self._line = line

    def take(self, token: int) -> bool:
        """Tell what this token brings; whether it was the last."""
        if self._line.gone.is_set():
            return True
        self.tokens += 1
        if token in self._ends:
            self.finish = "stop"
            return True
        self._show(self._stops.feed(self._characters.add(token)))
        if self._stops.hit:
            self.finish = "stop"
        return self._stops.hit

    def rest(self) -> list[Event]:
        """What was held back in mid-character, or for a stop sequence that did not come."""
        text = self._stops.feed(self._characters.rest())
        if self._stops.hit:
            self.finish = "stop"
        else:
            text += self._stops.rest()
        return [TextDelta(text)] if text else []

    def _show(self, text: str) -> None:
        if text:
            self._line.say([TextDelta(text)])
