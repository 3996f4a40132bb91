"""What is asked of a model: frozen, provider-neutral, validated on creation. Knows no wire format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from .errors import InvalidCall
from .messages import Message, as_messages, as_text, check_order

Kind: TypeAlias = Literal["chat", "completion", "embedding", "rerank", "models"]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
FORMATS = ("text", "json_object", "json_schema")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")

# Ranges of OpenAI's API reference, the widest of all dialects; narrower ones are the dialect's to refuse.
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
COUNTS: dict[str, tuple[int, int]] = {
    "max_tokens": (1, 2**31 - 1),
    "n": (1, 128),
    "logprobs": (0, 20),
    "seed": (-(2**63), 2**63 - 1),
    "dimensions": (1, 65_536),
    "top_n": (1, 2**31 - 1),
}
_MESSAGES = {Message}
_STRINGS = {str}


class Tool(Struct, frozen=True):
    """A function that the model may ask for: its name, what it does, and a JSON schema of its arguments.

    `function` is what the client calls when the model asks; it never leaves this process.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None
    function: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidCall("a tool's name is empty", "tools")
        _set(self, "name", as_text(self.name, "a tool's name"))
        _set(self, "description", as_text(self.description, f"the description of {self.name}"))
        _set(self, "parameters", _as_mapping(self.parameters, f"the parameters of {self.name}"))
        if not (self.function is None or callable(self.function)):
            raise InvalidCall(f"the function of {self.name} cannot be called: {self.function!r:.80}", "tools")


class ResponseFormat(Struct, frozen=True):
    """The form the answer must have: any JSON object, or one that a JSON schema describes."""

    type: Literal["text", "json_object", "json_schema"]
    name: str = "answer"
    schema: dict[str, Any] | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        if self.type not in FORMATS:
            raise InvalidCall(f"type must be one of {', '.join(FORMATS)}, got {self.type!r}", "response_format")


class Sampling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the next token is chosen, and how much is written.

    `logprobs` is how many alternatives to report beside each chosen token (0: the chosen one alone).
    `extra` carries settings that one provider alone has; they go into the request's body as they are.
    """

    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: int | None = None
    n: int | None = None
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        for field, (low, high) in RANGES.items():
            value = getattr(self, field)
            if value is None:
                continue
            if not (_is_number(value) and low <= value <= high):
                raise InvalidCall(f"{field} must be a number from {low} to {high}, got {value!r:.80}", field)
            if value.__class__ is not float and value.__class__ is not int:
                _set(self, field, float(value))  # numpy's: JSON encoders refuse a subclass
        _check_shared(self)
        if self.stop.__class__ is not tuple or self.stop:
            _set(self, "stop", _as_stop(self.stop))


class ChatCall(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of a conversation."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    """auto, none, required, or the name of one tool."""
    response_format: ResponseFormat | None = None
    reasoning_effort: Effort | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        messages = self.messages
        if type(messages) is not tuple or set(map(type, messages)) != _MESSAGES:
            _set(self, "messages", as_messages(messages))
        check_order(self.messages)
        if self.reasoning_effort is not None and self.reasoning_effort not in EFFORTS:
            raise InvalidCall(
                f"reasoning_effort must be one of {', '.join(EFFORTS)}, got {self.reasoning_effort!r}",
                "reasoning_effort",
            )
        if self.response_format is not None:
            _check_format(self.response_format)
        if self.tools or self.tool_choice is not None:
            _set(self, "tools", _as_tools(self.tools))
            self._check_tools()

    def _check_tools(self) -> None:
        names = [tool.name for tool in self.tools]
        if len(set(names)) < len(names):
            raise InvalidCall(f"two tools have the same name: {', '.join(sorted(names))}", "tools")
        if self.tool_choice not in (None, "auto", "none", "required", *names):
            raise InvalidCall(
                f"tool_choice {self.tool_choice!r} is neither auto, none, required nor a tool's name",
                "tool_choice",
            )


class CompletionCall(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    """Text to be continued; `suffix` is what comes after the gap, `echo` gives the prompt back too."""

    prompt: str
    suffix: str | None = None
    echo: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt.__class__ is not str:
            _set(self, "prompt", as_text(self.prompt, "prompt"))
        if self.suffix is not None and self.suffix.__class__ is not str:
            _set(self, "suffix", as_text(self.suffix, "suffix"))


class EmbeddingCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Texts to be turned into vectors, one each, in order. `dimensions` asks for shorter vectors where the model can.

    `truncate` cuts an input that is too long, with a notice, where it would be an error otherwise.
    """

    inputs: tuple[str, ...]
    model: str | None = None
    dimensions: int | None = None
    truncate: bool = False
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        _set(self, "inputs", _as_texts(self.inputs, "inputs"))
        if not self.inputs:
            raise InvalidCall("inputs is empty: there is nothing to embed", "inputs")
        _check_shared(self)


class RerankCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Texts to be ordered by how well each answers the query; `top_n` keeps the best.

    `truncate` cuts a text that is too long, with a notice, where it would be an error otherwise.
    """

    query: str
    texts: tuple[str, ...]
    model: str | None = None
    top_n: int | None = None
    truncate: bool = False
    extra: dict[str, Any] = {}

    def __post_init__(self) -> None:
        _set(self, "query", as_text(self.query, "query"))
        if not self.query:
            raise InvalidCall("query is empty: there is nothing to look for", "query")
        _set(self, "texts", _as_texts(self.texts, "texts"))
        if not self.texts:
            raise InvalidCall("texts is empty: there is nothing to order", "texts")
        _check_shared(self)


class ModelsCall(Struct, frozen=True, kw_only=True):
    """Which models are there?"""

    model: str | None = None


Call: TypeAlias = ChatCall | CompletionCall | EmbeddingCall | RerankCall | ModelsCall


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_set = msgspec.structs.force_setattr
"""Calls are frozen once they are made; while they are made, what was given is brought to its one form."""


def _check_shared(call: Any) -> None:
    """What calls have in common: whole numbers in their ranges, a model's name, what its provider alone knows."""
    for field, (low, high) in COUNTS.items():
        value = getattr(call, field, None)
        if value is None:
            continue
        if not (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
            raise InvalidCall(f"{field} must be a whole number from {low} to {high}, got {value!r:.80}", field)
        if value.__class__ is not int:
            _set(call, field, int(value))
    if call.model is not None and call.model.__class__ is not str:
        _set(call, "model", as_text(call.model, "model"))
    if call.extra:
        _set(call, "extra", _as_mapping(call.extra, "extra"))


def _as_mapping(given: Any, what: str) -> dict[str, Any]:
    """A copy: what is changed afterwards does not change the call."""
    if not isinstance(given, Mapping) or not set(map(type, given)) <= _STRINGS:
        raise InvalidCall(f"{what} must be a mapping with strings as keys, got {given!r:.80}", what)
    return dict(given)


def _check_format(given: object) -> None:
    if not isinstance(given, ResponseFormat):
        raise InvalidCall(
            f"response_format must be a ResponseFormat, got {type(given).__name__}: ResponseFormat('json_object'), "
            "or schema=… where a schema is wanted",
            "response_format",
        )


def _as_tools(given: Any) -> tuple[Tool, ...]:
    if isinstance(given, Tool) or not isinstance(given, Iterable):
        raise InvalidCall(f"tools must be a list of Tool objects, got {type(given).__name__}", "tools")
    tools = tuple(given)
    for tool in tools:
        if not isinstance(tool, Tool):
            raise InvalidCall(
                f"a ChatCall's tools are Tool objects, got {tool!r:.80}; plain functions go to chat(…, tools=[…])",
                "tools",
            )
    return tools


def _as_texts(given: Any, field: str) -> tuple[str, ...]:
    if type(given) is tuple and set(map(type, given)) == _STRINGS:
        return given
    if isinstance(given, str):
        return (as_text(given, field),)
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidCall(f"{field} must be a string or a list of strings, got {type(given).__name__}", field)
    texts = tuple(given)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidCall(f"{field}[{index}] must be a string, got {type(text).__name__}", field)
    return tuple([as_text(text, field) for text in texts])


def _as_stop(stop: object) -> tuple[str, ...]:
    sequences = (stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list | tuple) else ()
    if not sequences and stop:
        raise InvalidCall(f"stop must be a string or a list of strings, got {stop!r}", "stop")
    for sequence in sequences:
        if not isinstance(sequence, str) or not sequence:
            raise InvalidCall(f"stop sequences must be non-empty strings, got {sequence!r}", "stop")
    return tuple([as_text(sequence, "stop") for sequence in sequences])
