"""What a dialect is: operations, each complete with its client's and its server's side. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from tramite.calls import Kind
from tramite.errors import ProviderError, Unsupported
from tramite.events import Event
from tramite.replies import Finish, Usage
from tramite.wire.frames import Frame

Headers: TypeAlias = Mapping[str, str]

Serves: TypeAlias = Literal["containers", "tgi", "tei", "openai", "task", "router"]
"""What answers at an address of Hugging Face's: its containers (TGI for text and TEI for vectors, or one of them by
name), a server of the OpenAI dialect (vLLM, SGLang, llama.cpp), one task at the address itself (custom handlers), or
its router."""


class Traits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In what a target differs from its dialect's model pupil: data of a provider's row."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    unsupported: tuple[str, ...] = ()
    """Settings that the target refuses; they become notices or errors, never a silent drop."""
    include_usage: bool = True
    """Whether a stream may be asked for its usage (`stream_options`)."""
    base64_embeddings: bool = False
    """Whether embeddings may be asked for as base64, which is a quarter of the size."""
    truncates: bool = False
    """Whether an embedding request may ask, with `truncate: true`, that inputs too long be cut (Jina, TEI, our own)."""
    developer_role: bool = False
    prefill: bool = False
    echoes: tuple[str, ...] = ()
    """Fields of an answer that the target wants back in the history; others reject them. Names as on the wire:
    `reasoning_details` (OpenRouter, Snowflake), `reasoning_content` (DeepSeek), `extra_content` and
    `tool_calls.extra_content` (Gemini's OpenAI face)."""
    serves: Serves = "containers"
    """Which of Hugging Face's addresses it is: for the huggingface dialect alone."""


class Target(Struct, frozen=True):
    """Whom a call is encoded for: a model, at a provider with its traits."""

    provider: str
    model: str
    traits: Traits = Traits()

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Encoded(Struct, frozen=True):
    """A call on the wire: path below the provider's base URL, body, and what could not be said in this dialect."""

    path: str
    body: bytes
    method: str = "POST"
    headers: dict[str, str] = {}
    notices: tuple[str, ...] = ()


class Signals(Struct, frozen=True, kw_only=True):
    """What the pipeline must know of a whole body. `proof` is the dialect's own proof of success (facts A10)."""

    proof: bool = False
    finish: Finish | None = None
    usage: Usage | None = None
    error: ProviderError | None = None


class Watcher(Protocol):
    """Looks at the frames of one streamed body, as little as it can, and knows how the stream stands."""

    content: bool
    """Something has come that a caller can see: text, thinking, a tool call."""
    proof: bool
    """The success proof is complete."""
    ended: bool
    """The dialect's own end marker has come; nothing follows."""
    finish: Finish | None
    usage: Usage | None
    error: ProviderError | None
    """The provider said, inside the stream, that it failed."""

    def note(self, frame: Frame) -> None:
        """Take one frame in. Never raises: a frame that cannot be read sets `error`."""
        ...

    def close(self) -> None:
        """The body has ended: what only the end can decide is decided (a usage frame and `[DONE]` as proof)."""
        ...


class StreamReader(Protocol):
    """Turns the frames of one streamed body into events: the client's side."""

    def read(self, frames: list[Frame]) -> list[Event]:
        """The events in these frames. Raises `BadReply`, whose `events` are those before the broken frame."""
        ...


class Follower(Watcher, StreamReader, Protocol):
    """Both at once, for an edge that decodes every frame anyway: `read` gives the events of the frames noted since."""


class StreamWriter(Protocol):
    """Turns events into frames: the server's side."""

    def write(self, event: Event) -> list[Frame]:
        """The frames that say this event (none for an event that the dialect has no word for)."""
        ...

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded. Never called for one that has not."""
        ...


class Operation(Protocol):
    """One thing a dialect can do, complete: both sides, whole and (for text) streamed.

    Calls and replies are those of its kind: `ChatCall` and `Reply`, `EmbeddingCall` and `EmbeddingReply` …
    """

    kind: Kind

    # the client's side
    def encode(self, call: Any, target: Target, stream: bool) -> Encoded:
        """The call on the wire. Raises `Unsupported` for what this dialect or target cannot say."""
        ...

    def decode(self, body: bytes) -> Any:
        """The reply. Raises `BadReply` for what is not one."""
        ...

    def reader(self, call: Any) -> StreamReader: ...

    # what the pipeline needs
    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body that came with a success status. Never raises."""
        ...

    def watcher(self, n: int) -> Watcher:
        """A watcher for a stream of `n` choices."""
        ...

    # the server's side
    def decode_call(self, body: bytes, path: str) -> tuple[Any, bool]:
        """The call that a client sent, and whether it asked for a stream. Raises `InvalidCall`."""
        ...

    def encode_reply(self, reply: Any, call: Any) -> bytes: ...

    def writer(self, call: Any) -> StreamWriter: ...


class Dialect(Protocol):
    """A wire format. An operation is complete or absent."""

    name: str
    framing: Literal["sse", "ndjson"]
    operations: Mapping[Kind, Operation]

    def decode_error(self, status: int, headers: Headers, body: bytes) -> ProviderError:
        """The error that a failure status carries, of the right class. Never raises."""
        ...

    def encode_error(self, error: Exception) -> tuple[int, bytes]:
        """Status and body that say this error in this dialect."""
        ...

    def encode_stream_error(self, error: Exception) -> list[Frame]:
        """The frames that say, in mid-stream, that it failed."""
        ...


def decode_for(operation: Operation, body: bytes, call: Any) -> Any:
    """The reply to this call. Raises `BadReply`.

    Most replies can be read without knowing what was asked. An operation whose replies cannot (Hugging Face's repeat
    the prompt, and do not say how vectors are nested) has a `decode_for` of its own, which is given the call.
    """
    own = getattr(operation, "decode_for", None)
    return operation.decode(body) if own is None else own(body, call)


def follower(operation: Operation, call: Any) -> Follower | None:
    """The operation's own follower of the stream that answers this call. Most have none: it only saves time."""
    make: Callable[[Any], Follower] | None = getattr(operation, "follower", None)
    return None if make is None else make(call)


def operation(dialect: Dialect, kind: Kind) -> Operation:
    """The dialect's operation of this kind. Raises `Unsupported` where it has none."""
    found = dialect.operations.get(kind)
    if found is None:
        has = ", ".join(dialect.operations)
        raise Unsupported(f"the {dialect.name} dialect has no {kind} operation (it has {has})", "model")
    return found
