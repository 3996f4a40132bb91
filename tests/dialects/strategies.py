"""Calls, replies and streams of events, as hypothesis draws them: whatever a dialect's row of `support` allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.dialects.support import Support
from tramite import events as ev
from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, ModelsCall, RerankCall, ResponseFormat, Tool
from tramite.messages import (
    Audio,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from tramite.replies import (
    Choice,
    EmbeddingReply,
    ModelInfo,
    ModelsReply,
    Ranked,
    Reply,
    RerankReply,
    TokenLogprob,
    Usage,
)

_TRICKY = st.sampled_from(
    ['He said "\\"stop\\""', '","finish_reason":"stop"', "è 😀\n\u2028", "[DONE]", "data: {}\n\n", "\\"]
)
texts = st.text(max_size=30) | _TRICKY
said = st.text(min_size=1, max_size=30) | _TRICKY
names = st.text("abcdefghij_", min_size=1, max_size=8)
schemas = st.just({"type": "object", "properties": {"città": {"type": "string"}}})
_PNG = b"\x89PNG\r\n\x1a\n"
_TOOLS = (Tool("weather", "Il tempo", {"type": "object"}, True), Tool("search"))

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "model": names,
    "temperature": st.floats(0, 1),
    "top_p": st.floats(0, 1),
    "max_tokens": st.integers(1, 2**31 - 1),
    "presence_penalty": st.floats(-2, 2),
    "frequency_penalty": st.floats(-2, 2),
    "stop": st.lists(said, min_size=1, max_size=4).map(tuple),
    "seed": st.integers(0, 2**31 - 1),
    "logprobs": st.integers(0, 5),
    "n": st.integers(2, 4),
    "tools": st.just(_TOOLS),
    "tool_choice": st.sampled_from(["auto", "none", "required"]),
    "response_format": st.one_of(
        st.just(ResponseFormat("json_object")),
        st.builds(ResponseFormat, st.just("json_schema"), names, schemas, st.sampled_from([None, True, False])),
    ),
    "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
    "suffix": said,
    "echo": st.just(True),
    "dimensions": st.integers(1, 4096),
}
"""A value other than the default, for every setting but `truncate` and `top_n`: cutting is the client's work."""

OF_KIND: dict[str, tuple[str, ...]] = {
    "chat": tuple(name for name in FIELDS if name not in ("suffix", "echo", "dimensions")),
    "completion": (*tuple(FIELDS)[:10], "suffix", "echo"),
    "embedding": ("model", "dimensions"),
    "rerank": (),
    "models": (),
}


def settings(support: Support, fields: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these settings, beside those that the dialect always sends; a function is chosen by name only where there
    are tools, and what a target does not take together comes alone.
    """

    def choose(drawn: dict[str, Any]) -> dict[str, Any]:
        if drawn.get("tools") and drawn.get("tool_choice") == "required":
            drawn["tool_choice"] = drawn["tools"][0].name
        for name in sorted(support.apart & set(drawn))[1:]:
            del drawn[name]
        return drawn

    values = FIELDS | {name: st.sampled_from(own) for name, own in support.values.items()}
    always = {name: values[name] for name in sorted(support.always)}
    optional = {name: values[name] for name in sorted(fields - support.always)}
    return st.fixed_dictionaries(always, optional=optional).map(choose)


def user_part(kinds: frozenset[str]) -> st.SearchStrategy[Part]:
    """A part of a user's message."""
    parts: dict[str, st.SearchStrategy[Part]] = {
        "text": st.builds(Text, said),
        "image": st.builds(Image, data=st.binary(max_size=20).map(_PNG.__add__)),
        "image_url": st.just(Image(url="https://example.org/firenze.png")),
        "audio": st.builds(Audio, st.binary(max_size=20), st.sampled_from(["wav", "mp3"])),
    }
    return st.one_of([parts[kind] for kind in sorted(kinds)])


def user_message(support: Support) -> st.SearchStrategy[Message]:
    """Text, or text beside images and sound."""
    plain = st.builds(Message, st.just("user"), said)
    if not support.user_parts - {"text"}:
        return plain
    beside = user_part(support.user_parts - {"text"})
    mixed = st.tuples(beside, st.lists(user_part(support.user_parts), max_size=3)).map(
        lambda drawn: (drawn[0], *drawn[1])
    )
    return plain | st.builds(Message, st.just("user"), mixed)


@st.composite
def answers(draw: st.DrawFn, support: Support, number: int = 0, but: frozenset[str] = frozenset()) -> Message:
    """A model's message, its parts (`but` these) in the order in which assembly has them."""
    kinds = support.reply_parts - but
    parts: list[Part] = []
    if "opaque" in kinds and draw(st.booleans()):
        parts.append(Opaque(support.target.provider, support.opaque))
    if "reasoning" in kinds and draw(st.booleans()):
        parts.append(Reasoning(draw(said)))
    text = draw(texts)
    if text:
        parts.append(Text(text))
    if "refusal" in kinds and draw(st.booleans()):
        parts.append(Refusal(draw(said)))
    if "tools" in kinds:
        count = draw(st.integers(0, 2))
        parts += [ToolCall(f"call_{number}_{at}", draw(names), '{"città":"Roma"}') for at in range(count)]
    if all(isinstance(part, Text) for part in parts):
        return Message("assistant", text)
    return Message("assistant", tuple(parts))


@st.composite
def conversations(draw: st.DrawFn, support: Support) -> tuple[Message, ...]:
    """A conversation that any provider accepts: each tool call answered, a user's message last."""
    messages: list[Message] = []
    first = draw(st.sampled_from(sorted(support.roles & {"system", "developer"}) or [None]))
    if first is not None and draw(st.booleans()):
        messages.append(Message(first, draw(said)))
    for turn in range(draw(st.integers(0, 2))):
        messages.append(draw(user_message(support)))
        answer = draw(answers(support, turn, support.forgets).filter(lambda message: bool(message.content)))
        messages.append(answer)
        messages += [Message("tool", draw(said), tool_call_id=call.id) for call in answer.tool_calls]
    return (*messages, draw(user_message(support)))


def calls(kind: str, support: Support, only: frozenset[str] | None = None) -> st.SearchStrategy[Any]:
    """Calls of this kind with the settings that the dialect knows, or with `only` these."""
    chosen = settings(support, support.call if only is None else only)
    builders: dict[str, Any] = {
        "chat": lambda drawn: st.builds(ChatCall, messages=conversations(support), **_fixed(drawn)),
        "completion": lambda drawn: st.builds(CompletionCall, prompt=prompts(support), **_fixed(drawn)),
        "embedding": lambda drawn: st.builds(
            EmbeddingCall, inputs=st.lists(said, min_size=1, max_size=4).map(tuple), **_fixed(drawn)
        ),
        "rerank": lambda drawn: st.builds(
            RerankCall, query=said, texts=st.lists(said, min_size=1, max_size=4).map(tuple), **_fixed(drawn)
        ),
        "models": lambda drawn: st.just(ModelsCall()),
    }
    return chosen.flatmap(builders[kind])


def prompts(support: Support) -> st.SearchStrategy[str]:
    """Any text, or what the dialect's row says."""
    own = support.values.get("prompt")
    return texts if own is None else st.sampled_from(own)


def _fixed(drawn: dict[str, Any]) -> dict[str, Any]:
    return {name: st.just(value) for name, value in drawn.items()}


@st.composite
def usages(draw: st.DrawFn, support: Support) -> Usage:
    """Both sides known or neither: no part larger than its whole."""
    if draw(st.booleans()):
        return Usage()
    given, written = draw(st.integers(1, 10**6)), draw(st.integers(1, 10**6))
    bounds = {"cached_tokens": given, "cache_write_tokens": given, "reasoning_tokens": written}
    counts = {name: st.integers(0, bounds[name]) for name in sorted(support.usage)}
    parts = {name: draw(count if name in support.counted else st.none() | count) for name, count in counts.items()}
    return Usage(input_tokens=given, output_tokens=written, **parts)


def logprobs(support: Support) -> st.SearchStrategy[tuple[TokenLogprob, ...]]:
    """Probabilities of a few tokens, each with alternatives."""
    if not support.logprobs:
        return st.just(())
    numbers = st.floats(-100, 0)
    tops = st.dictionaries(said, numbers, max_size=2).map(lambda top: tuple(top.items()))
    return st.lists(st.builds(TokenLogprob, said, numbers, tops), max_size=3).map(tuple)


def replies(kind: str, support: Support) -> st.SearchStrategy[Any]:
    """Whole replies of this kind."""
    facts: dict[str, Any] = dict.fromkeys(sorted(support.facts), said)
    if kind == "models":
        known: dict[str, st.SearchStrategy[Any]] = {
            "owned_by": texts,
            "context_tokens": st.none() | st.integers(1, 10**6),
            "type": st.none() | said.filter("model".__ne__),
            "loaded": st.none() | st.booleans(),
        }
        info = st.builds(ModelInfo, said, **{name: known[name] for name in sorted(support.model_facts)})
        return st.builds(ModelsReply, models=st.lists(info, max_size=3).map(tuple))
    if kind == "embedding":
        number = st.floats(-1, 1, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)
        vectors = st.lists(st.lists(number, min_size=3, max_size=3), min_size=1, max_size=3)
        usage = st.builds(Usage, input_tokens=st.none() | st.integers(1, 1000)) if support.counts else st.just(Usage())
        return st.builds(EmbeddingReply, vectors=vectors, usage=usage, **facts)
    if kind == "rerank":
        scores = st.lists(st.floats(-10, 10), min_size=1, max_size=4).map(lambda found: sorted(found, reverse=True))
        ranks = scores.map(lambda found: tuple(Ranked(index, score) for index, score in enumerate(found)))
        return st.builds(RerankReply, results=ranks)
    choice = st.builds(Choice, answers(support), st.sampled_from(support.finishes), logprobs(support))
    if not support.tool_finish:
        choice = choice.map(lambda said: replace(said, finish=_finish(said.finish, bool(said.message.tool_calls))))
    choices = st.lists(choice, min_size=1, max_size=support.choices).map(tuple)
    return st.builds(Reply, choices=choices, usage=usages(support), **facts)


def deltas(support: Support, index: int) -> st.SearchStrategy[ev.Event]:
    """A piece of a choice, other than its tool calls."""
    pieces: list[st.SearchStrategy[ev.Event]] = [
        st.builds(ev.TextDelta, said, st.just(index), logprobs(support) if support.logprobs else st.just(()))
    ]
    if "reasoning" in support.reply_parts:
        pieces.append(st.builds(ev.ReasoningDelta, said, st.just(index)))
    if "refusal" in support.reply_parts:
        pieces.append(st.builds(ev.RefusalDelta, said, st.just(index)))
    return st.one_of(pieces)


def _finish(finish: Any, called: bool) -> Any:
    """The finish where it is the calls that tell."""
    if finish in ("stop", "tool_calls"):
        return "tool_calls" if called else "stop"
    return finish


@st.composite
def streams(draw: st.DrawFn, support: Support, n: int) -> list[ev.Event]:
    """The events of a stream of `n` choices that has succeeded; each choice ends once, the last event is the usage."""
    events: list[ev.Event] = [
        ev.ModelReported(
            "m-1" if "model" in support.facts else "",
            "id-1",
            draw(st.none() | st.just("fp_1")) if "system_fingerprint" in support.facts else None,
        )
    ]
    queues: list[list[ev.Event]] = []
    for index in range(n):
        queue: list[ev.Event] = draw(st.lists(deltas(support, index), max_size=5))
        if "tools" in support.reply_parts:
            for position in range(draw(st.integers(0, 2))):
                queue.append(ev.ToolCallDelta(position, f"call_{index}_{position}", draw(names), "", index))
                queue += [ev.ToolCallDelta(position, "", "", piece, index) for piece in ('{"a"', ":1}")]
        if "opaque" in support.reply_parts and draw(st.booleans()):
            queue.insert(
                0 if support.state_first else len(queue),
                ev.OpaqueDelta(Opaque(support.target.provider, support.opaque), index),
            )
        finish: Any = draw(st.sampled_from(support.finishes))
        called = any(isinstance(event, ev.ToolCallDelta) for event in queue)
        queue.append(ev.Finished(finish if support.tool_finish else _finish(finish, called), index))
        queues.append(queue)
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(queue.pop(0))
    usage = draw(usages(support).filter(lambda usage: usage.input_tokens is not None))
    return [*events, ev.UsageReported(usage)]
