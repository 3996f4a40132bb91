"""What a simulated model answers to a call, token by token. Knows no wire format and no time."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from tramite.calls import ChatCall, CompletionCall, Tool
from tramite.events import Delta, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from tramite.messages import Content, Message, Part, Reasoning, Refusal, Text, ToolCall
from tramite.replies import Choice, Finish, TokenLogprob

from . import text
from .faults import Echo, Filter, Json, Length, Prefill, RepeatPrompt, Tokens, Tools
from .faults import Reasoning as Thinking
from .faults import Refusal as Refuses
from .grammar import Scenario
from .options import Options
from .schema import example


class Answer(Struct, frozen=True):
    """One choice: its tokens in order, and why it ends."""

    tokens: tuple[str, ...]
    finish: Finish = "stop"
    thoughts: tuple[str, ...] = ()
    refuses: bool = False
    tool: ToolCall | None = None
    """When it asks for a tool, the tokens are those of its arguments."""
    logprobs: int | None = None

    @property
    def length(self) -> int:
        """All its tokens, thinking included."""
        return len(self.thoughts) + len(self.tokens)

    def delta(self, position: int, index: int) -> Delta:
        """Token number `position` (from 0) as an event."""
        if position < len(self.thoughts):
            return ReasoningDelta(self.thoughts[position], index)
        position -= len(self.thoughts)
        token = self.tokens[position]
        if self.tool is not None:
            id, name = (self.tool.id, self.tool.name) if position == 0 else ("", "")
            return ToolCallDelta(0, id, name, token, index)
        if self.refuses:
            return RefusalDelta(token, index)
        if self.logprobs is None:
            return TextDelta(token, index)
        return TextDelta(token, index, (_logprob(token, position, self.logprobs),))

    def choice(self) -> Choice:
        """The whole of it."""
        content = self._content()
        shown = (
            ()
            if self.logprobs is None or self.tool or self.refuses
            else tuple(_logprob(token, i, self.logprobs) for i, token in enumerate(self.tokens))
        )
        return Choice(Message("assistant", content), self.finish, shown)

    def _content(self) -> Content:
        said = "".join(self.tokens)
        parts: list[Part] = [Reasoning("".join(self.thoughts))] if self.thoughts else []
        if self.tool is not None:
            parts.append(msgspec.structs.replace(self.tool, raw=said))
        elif self.refuses:
            parts.append(Refusal(said))
        elif parts:
            parts.append(Text(said))
        return tuple(parts) or said


def answers(call: ChatCall | CompletionCall, scenario: Scenario, options: Options, number: int) -> tuple[Answer, ...]:
    """The choices. `number` is which request of this client for this model it is, from 0."""
    first = _compose(call, scenario, options, number)
    first = _bounded(first, call, scenario)
    n = call.n or 1
    if n == 1:
        return (first,)
    return (first, *(_other(first, index) for index in range(1, n)))


def _compose(call: ChatCall | CompletionCall, scenario: Scenario, options: Options, number: int) -> Answer:
    if isinstance(call, ChatCall):
        structured = scenario.find(Json) or (
            Json() if options.voice == "demo" and call.response_format is not None else None
        )
        if structured is not None and _wants_json(call, options):
            return Answer(_json(call, broken=number < structured.broken))
        tools = scenario.find(Tools) or (Tools() if options.voice == "demo" else None)
        tool = _tool(call, tools) if tools is not None else None
        if tool is not None:
            return Answer(text.slices(tool.raw), "tool_calls", tool=tool)
    thinking = scenario.find(Thinking)
    return Answer(
        tokens=_words(call, scenario, options),
        thoughts=text.counted(thinking.tokens, "thought") if thinking is not None else (),
        refuses=scenario.find(Refuses) is not None,
        logprobs=call.logprobs,
    )


def _wants_json(call: ChatCall, options: Options) -> bool:
    asked = call.response_format
    return options.voice == "sim" or (asked is not None and asked.type != "text")


def _words(call: ChatCall | CompletionCall, scenario: Scenario, options: Options) -> tuple[str, ...]:
    tokens = scenario.find(Tokens)
    length = tokens.n if tokens is not None else options.tokens
    if scenario.find(Echo) is not None:
        said = text.pieces(text.last_user_text(call))
    elif scenario.find(Prefill) is not None and (prefix := trailing_assistant(call)):
        return text.continued(prefix, length)
    elif isinstance(call, ChatCall) and call.messages[-1].role == "tool":
        said = text.pieces(f"The tool answered: {call.messages[-1].text}")
    elif options.voice == "demo":
        said = text.pieces(text.demo(text.last_user_text(call)))
    else:
        return _prompt_too(call, scenario, text.counted(length))
    return _prompt_too(call, scenario, said if tokens is None else said[: tokens.n])


def _prompt_too(call: ChatCall | CompletionCall, scenario: Scenario, said: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(call, CompletionCall) and (call.echo or scenario.find(RepeatPrompt) is not None):
        return (call.prompt, *said)
    return said


def trailing_assistant(call: ChatCall | CompletionCall) -> str | None:
    """The text that an answer is to continue, if the call ends with one."""
    if isinstance(call, ChatCall) and call.messages[-1].role == "assistant":
        return call.messages[-1].text
    return None


def _bounded(answer: Answer, call: ChatCall | CompletionCall, scenario: Scenario) -> Answer:
    """The answer as stop sequences, `max_tokens`, the filter and `length` leave it."""
    tokens, finish = answer.tokens, answer.finish
    if call.stop and answer.tool is None:
        tokens = _stopped(tokens, call.stop)
    most = None if call.max_tokens is None else max(0, call.max_tokens - len(answer.thoughts))
    if most is not None and most < len(tokens):
        tokens, finish = tokens[:most], "length"
    elif scenario.find(Length) is not None:
        finish = "length"
    filtered = scenario.find(Filter)
    if filtered is not None and filtered.at is not None:
        tokens, finish = tokens[: filtered.at], "content_filter"
    if tokens is answer.tokens and finish == answer.finish:
        return answer
    return msgspec.structs.replace(answer, tokens=tokens, finish=finish)


def _stopped(tokens: tuple[str, ...], stop: tuple[str, ...]) -> tuple[str, ...]:
    said = "".join(tokens)
    ends = [end for sequence in stop if (end := said.find(sequence)) >= 0]
    if not ends:
        return tokens
    left, kept = min(ends), []
    for token in tokens:
        if left <= 0:
            break
        kept.append(token[:left])
        left -= len(token)
    return tuple(kept)


def _other(first: Answer, index: int) -> Answer:
    """A further choice: the same, in words of its own where they are counted."""
    if first.tool is not None:
        tool = msgspec.structs.replace(first.tool, id=f"{first.tool.id}-{index}")
        return msgspec.structs.replace(first, tool=tool)
    words = tuple(token.replace("token-", f"choice{index}-") for token in first.tokens)
    return msgspec.structs.replace(first, tokens=words)


def _json(call: ChatCall, broken: bool) -> tuple[str, ...]:
    asked = call.response_format
    schema = asked.schema if asked is not None else None
    value: Any = example(schema) if schema else {"answer": "text"}
    written = msgspec.json.encode(value).decode()
    return text.slices(written[:-1] if broken else written)


def _tool(call: ChatCall, tools: Tools) -> ToolCall | None:
    """What to ask for: the tool that was chosen, else the first; none once enough results are there."""
    results = sum(message.role == "tool" for message in call.messages)
    offered: dict[str, Tool] = {tool.name: tool for tool in call.tools}
    if not offered or call.tool_choice == "none" or results >= tools.rounds:
        return None
    tool = offered.get(call.tool_choice or "") or call.tools[0]
    arguments = example(tool.parameters) if tool.parameters else {}
    return ToolCall(f"call-{results + 1}", tool.name, msgspec.json.encode(arguments).decode())


def _logprob(token: str, position: int, alternatives: int) -> TokenLogprob:
    """Likely for a start, less so at every seventh token; the alternatives share the rest."""
    own = -0.01 * (1 + position % 7)
    top = ((token, own), *((f"{token}~{i}", own - i) for i in range(1, alternatives)))
    return TokenLogprob(token, own, top[:alternatives])
