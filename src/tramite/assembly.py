"""Builds a whole reply out of its events. Knows no wire format."""

from __future__ import annotations

from collections.abc import Iterable

from . import events as ev
from .messages import Content, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from .replies import Choice, Finish, Reply, TokenLogprob, Usage


class _ChoiceParts:
    """One choice, as far as it has come."""

    __slots__ = ("finish", "logprobs", "opaque", "reasoning", "refusal", "settled", "text", "tools")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.tools: dict[int, list[str]] = {}
        self.opaque: list[Opaque] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish: Finish | None = None
        self.settled = [0, 0]

    def settle(self) -> None:
        """Join the small pieces that have come since the last time: in a long stream there may be a million."""
        for which, pieces in enumerate((self.text, self.reasoning)):
            first = self.settled[which]
            if len(pieces) > first + 1:
                pieces[first:] = ["".join(pieces[first:])]
            self.settled[which] = len(pieces)

    def content(self) -> Content:
        text = "".join(self.text)
        parts: list[Part] = [*self.opaque]
        if self.reasoning:
            parts.append(Reasoning("".join(self.reasoning)))
        if not (parts or self.refusal or self.tools):
            return text
        if text:
            parts.append(Text(text))
        if self.refusal:
            parts.append(Refusal("".join(self.refusal)))
        parts += [ToolCall(id, name, "".join(raw)) for _, (id, name, *raw) in sorted(self.tools.items())]
        return tuple(parts)


class Assembler:
    """Feed it events in order; `reply()` gives what has come so far. `Restarted` empties it."""

    def __init__(self) -> None:
        self._choices: dict[int, _ChoiceParts] = {}
        self._usage: Usage | None = None
        self._model = ""
        self._fingerprint: str | None = None

    def feed(self, events: Iterable[ev.Event]) -> None:
        """Take in more of the stream."""
        for event in events:
            self.add(event)
        for choice in self._choices.values():
            choice.settle()

    def add(self, event: ev.Event) -> None:
        """Take in one event."""
        if type(event) is ev.TextDelta:
            choice = self._choice(event.index)
            choice.text.append(event.text)
            if event.logprobs:
                choice.logprobs += event.logprobs
        else:
            self._add_rarer(event)

    def _add_rarer(self, event: ev.Event) -> None:
        match event:
            case ev.ReasoningDelta(text, index):
                self._choice(index).reasoning.append(text)
            case ev.ToolCallDelta(position, id, name, arguments, index):
                tool = self._choice(index).tools.setdefault(position, ["", ""])
                tool[0] = tool[0] or id
                tool[1] = tool[1] or name
                tool.append(arguments)
            case ev.RefusalDelta(text, index):
                self._choice(index).refusal.append(text)
            case ev.OpaqueDelta(part, index):
                self._choice(index).opaque.append(part)
            case ev.Finished(finish, index):
                self._choice(index).finish = finish
            case ev.UsageReported(usage):
                self._usage = usage
            case ev.ModelReported(model, _, fingerprint):
                self._model = model or self._model
                self._fingerprint = fingerprint or self._fingerprint
            case ev.Restarted():
                self._choices.clear()
                self._usage, self._model, self._fingerprint = None, "", None
            case _:
                pass

    def _choice(self, index: int) -> _ChoiceParts:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _ChoiceParts()
        return choice

    @property
    def text(self) -> str:
        """The first choice's text so far."""
        choice = self._choices.get(0)
        if choice is None:
            return ""
        if len(choice.text) > 1:
            choice.text[:] = ["".join(choice.text)]  # so that asking after each piece joins only what is new
            choice.settled[0] = 1
        return "".join(choice.text)

    @property
    def pieces(self) -> int:
        """How many pieces of text are kept."""
        return sum(len(choice.text) + len(choice.reasoning) for choice in self._choices.values())

    def reply(self, finish: Finish | None = None) -> Reply:
        """The reply as it stands. `finish` replaces what was said of how it ended: nothing has proven it."""
        ordered = [choice for _, choice in sorted(self._choices.items())] or [_ChoiceParts()]
        return Reply(
            choices=tuple(
                Choice(
                    Message("assistant", choice.content()),
                    finish or choice.finish or "unknown",
                    tuple(choice.logprobs),
                )
                for choice in ordered
            ),
            usage=self._usage or Usage(),
            model=self._model,
            system_fingerprint=self._fingerprint,
        )
