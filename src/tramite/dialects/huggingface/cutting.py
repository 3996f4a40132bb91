"""What servers send and callers did not ask for, cut off: the repeated prompt and the stop sequence. Knows no frame.

TGI leaves a stop sequence at the end of the text, and servers without TGI may repeat the prompt although they were told
not to; in no other dialect is either of them part of the answer.
"""

from __future__ import annotations

from tramite.calls import CompletionCall


def trimmed(text: str, call: CompletionCall) -> str:
    """A whole text as its caller wants it: with the prompt exactly when `echo` asks for it, without its stop."""
    prompt = call.prompt
    repeated = text.startswith(prompt)
    said = text[len(prompt) :] if repeated and (call.echo or prompt.strip()) else text
    for stop in call.stop:
        if said.endswith(stop):
            said = said[: -len(stop)]
            break
    return prompt + said if call.echo else said


class Cutter:
    """The same for text that comes in pieces: what may still turn out to be prompt or stop sequence is held back."""

    __slots__ = ("_firsts", "_held", "_prompt", "_stops")

    def __init__(self, prompt: str, stops: tuple[str, ...]) -> None:
        self._prompt = prompt if prompt.strip() else ""
        self._stops = stops
        self._firsts = "".join({stop[0] for stop in stops})
        self._held = ""

    def feed(self, text: str) -> str:
        """What is certain by now."""
        if self._held:
            text = self._held + text
            self._held = ""
        if self._prompt:
            prompt = self._prompt
            if len(text) < len(prompt) and prompt.startswith(text):
                self._held = text
                return ""
            text = text.removeprefix(prompt)
            self._prompt = ""
        for first in self._firsts:
            if first in text:
                return self._without_a_beginning(text)
        return text

    def end(self) -> str:
        """What was held back and is text after all: the stream has ended."""
        held, self._held = self._held, ""
        for stop in self._stops:
            if held.endswith(stop):
                return held[: -len(stop)]
        return held

    def _without_a_beginning(self, text: str) -> str:
        certain = len(text) - max([_overlap(text, stop) for stop in self._stops])
        self._held = text[certain:]
        return text[:certain]


def _overlap(text: str, stop: str) -> int:
    """How much of the text's end is a beginning of the stop sequence, or all of it."""
    return next((size for size in range(min(len(text), len(stop)), 0, -1) if text.endswith(stop[:size])), 0)
