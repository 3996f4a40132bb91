"""Text as it may be shown: whole characters, and nothing of a stop sequence. Knows no model and no thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What tokenizers write for the bytes of a character that is not whole yet."""


class Characters:
    """Tokens to text, one token at a time: `decode(all)` minus what came before, held back in mid-character.

    A token's text depends on those before it (spaces, bytes of one character), so a few of them are decoded again each
    time; never all of them, which would take time in the square of the length.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._start = 0  # where decoding begins
        self._told = 0  # the tokens before this one are told

    def add(self, token: int) -> str:
        """The text that this token completes; empty in the middle of a character."""
        self._tokens.append(token)
        text = self._new()
        if text.endswith(_UNFINISHED):
            return ""
        if text:
            self._start, self._told = self._told, len(self._tokens)
        return text

    def rest(self) -> str:
        """What is left at the end: bytes that no token has completed."""
        text = self._new()
        self._told = len(self._tokens)
        return text

    def _new(self) -> str:
        before = self._decode(self._tokens[self._start : self._told])
        return self._decode(self._tokens[self._start :])[len(before) :]


class Stops:
    """Holds back what may be the beginning of a stop sequence, and ends the text before the first whole one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.hit = False
        """A stop sequence has come: there is no more text."""

    def feed(self, text: str) -> str:
        """The text that can be shown now."""
        if self.hit or not self._stops:
            return "" if self.hit else text
        held = self._held + text
        ends = [end for stop in self._stops if (end := held.find(stop)) >= 0]
        if ends:
            self.hit, self._held = True, ""
            return held[: min(ends)]
        keep = max(_beginning(held, stop) for stop in self._stops)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def rest(self) -> str:
        """What was held back, at the end of a text that no stop sequence ended."""
        held, self._held = self._held, ""
        return held


def _beginning(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop sequence."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
