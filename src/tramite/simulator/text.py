"""What a simulated model writes, deterministic: counted words, an echo, or plain words that say what this is.

A token is a word with the space before it. No dialect is known here.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tramite.calls import ChatCall, CompletionCall
from tramite.messages import Audio, Image, Message, Opaque

DEMO_NOTICE = "demo text: no model is behind it"

_PIECE = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")
_KEPT = 4096  # a longer answer is made anew each time, so that memory has a bound
_COUNTED = re.compile(r"token-(\d+)")

# What OpenAI's cookbook gives for its chat models: three tokens frame each message, three more prime the answer.
_PER_MESSAGE, _PER_CHAT = 3, 3
_IMAGE_LOW, _IMAGE_HIGH, _AUDIO = 85, 765, 50


def counted(tokens: int, word: str = "token", start: int = 1) -> tuple[str, ...]:
    """`token-1 token-2 …` as tokens, so that a reader sees what was lost, doubled or changed."""
    return _counted(tokens, word, start) if tokens <= _KEPT else _count(tokens, word, start)


def _count(tokens: int, word: str, start: int) -> tuple[str, ...]:
    space = "" if start == 1 else " "
    return tuple(f"{space if i == start else ' '}{word}-{i}" for i in range(start, start + tokens))


_counted = lru_cache(maxsize=256)(_count)


def continued(said: str, tokens: int) -> tuple[str, ...]:
    """The rest of `tokens` counted words, exactly from where `said` stops, in mid-word too."""
    whole = "".join(counted(tokens))
    if whole.startswith(said):
        return pieces(whole[len(said) :])
    numbers = _COUNTED.findall(said)
    done = int(numbers[-1]) if numbers else 0
    return counted(max(tokens - done, 0), start=done + 1)


def pieces(text: str) -> tuple[str, ...]:
    """A text as tokens; joined, they are the text again."""
    return tuple(_PIECE.findall(text))


def slices(text: str, size: int = 8) -> tuple[str, ...]:
    """A text without words, such as JSON, as tokens."""
    return tuple(text[i : i + size] for i in range(0, len(text), size))


def demo(prompt: str) -> str:
    """What the demo provider answers: that there is no model, what it was asked, and what to do for a real answer."""
    asked = " ".join(prompt.split())
    quoted = asked if len(asked) <= 80 else asked[:79] + "…"
    return (
        "This is tramite's demo provider: no language model is behind these words. "
        f"You wrote {len(asked.split())} words: “{quoted}”. "
        "The text comes word by word, as a model's would, so that streaming, limits, usage and the ledger can be "
        "tried without a key. For a real answer, set the key of a provider (for example OPENAI_API_KEY), "
        "or start a local server such as LM Studio or Ollama, and ask again."
    )


def last_user_text(call: ChatCall | CompletionCall) -> str:
    """The text that is to be answered."""
    if isinstance(call, CompletionCall):
        return call.prompt
    return next((m.text for m in reversed(call.messages) if m.role == "user"), "")


def estimate(text: str) -> int:
    """Tokens of an input: four characters each, rounded up."""
    return -(-len(text) // 4)


def input_tokens(call: ChatCall | CompletionCall) -> int:
    """What the input is billed as."""
    if isinstance(call, CompletionCall):
        return max(1, estimate(call.prompt))
    tools = sum(estimate(f"{tool.name}{tool.description}{tool.parameters}") for tool in call.tools)
    return _PER_CHAT + tools + sum(map(_message_tokens, call.messages))


def _message_tokens(message: Message) -> int:
    if isinstance(message.content, str):
        return _PER_MESSAGE + estimate(message.content)
    tokens = _PER_MESSAGE
    for part in message.content:
        if isinstance(part, Image):
            tokens += _IMAGE_LOW if part.detail == "low" else _IMAGE_HIGH
        elif isinstance(part, Audio):
            tokens += _AUDIO
        elif not isinstance(part, Opaque):
            tokens += estimate(getattr(part, "text", "") or getattr(part, "raw", ""))
    return tokens
