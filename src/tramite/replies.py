"""What came back, whole: text or vectors, finish, usage, cost, attempts, timings. Knows no wire format."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from .messages import Message, Reasoning, Refusal, ToolCall

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "stopped", "unknown"]
"""`stopped`: the reader stopped it. `unknown`: the provider finished but gave no reason that we know."""

Provenance: TypeAlias = Literal["provider", "estimated", "partial"]


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens, as the provider counts them; None is unknown, never zero.

    `input_tokens` includes `cached_tokens` and `cache_write_tokens`; `output_tokens` includes `reasoning_tokens`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    source: Provenance = "provider"

    @property
    def total_tokens(self) -> int | None:
        """Input and output together, where anything is known."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


class TokenLogprob(Struct, frozen=True):
    """A token's natural-log probability, and that of the alternatives beside it."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Choice(Struct, frozen=True):
    """One of the answers (there are `n` of them)."""

    message: Message
    finish: Finish = "unknown"
    logprobs: tuple[TokenLogprob, ...] = ()


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One try at one target: where, for how long, and how it ended (`error` is empty on success)."""

    target: str
    duration_s: float
    status: int | None = None
    error: str = ""
    request_id: str | None = None
    maybe_billed: bool = False


class Timings(Struct, frozen=True):
    """Seconds since the call began: until the first visible token (streams), until the end, and those spent waiting."""

    total_s: float = 0.0
    first_token_s: float | None = None
    waited_s: float = 0.0


class _Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every reply tells, whatever was asked."""

    model: str = ""
    """The model's name as the provider gave it back."""
    target: str = ""
    """`provider/model` that answered."""
    usage: Usage = Usage()
    cost_nanousd: int | None = None
    """Cost in billionths of a dollar; None when the price is unknown."""
    cached: bool = False
    """It is an earlier answer to the very same call, given again: nobody was asked, and its usage was paid for then."""
    request_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    timings: Timings = Timings()
    notices: tuple[str, ...] = ()
    """What was not done as asked, or done another way."""

    @property
    def cost(self) -> float | None:
        """Cost in dollars, for reading; sums belong on `cost_nanousd`."""
        return None if self.cost_nanousd is None else self.cost_nanousd / 1e9


class Reply(_Facts, frozen=True, kw_only=True, omit_defaults=True):
    """A model's answer to a ChatCall or a CompletionCall."""

    choices: tuple[Choice, ...]
    system_fingerprint: str | None = None
    parsed: Any = None
    """The validated object, when `schema=` was given."""

    @property
    def message(self) -> Message:
        """The first choice's message, ready to be sent back on the next turn."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].message.text

    @property
    def finish(self) -> Finish:
        """Why the first choice ended."""
        return self.choices[0].finish

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the first choice asks for."""
        return self.choices[0].message.tool_calls

    @property
    def reasoning(self) -> str:
        """What the model showed of its thinking."""
        return "".join(part.text for part in self.message.parts if isinstance(part, Reasoning))

    @property
    def refusal(self) -> str | None:
        """The model's refusal in its own words, if it refused."""
        return "".join(part.text for part in self.message.parts if isinstance(part, Refusal)) or None

    @property
    def logprobs(self) -> tuple[TokenLogprob, ...]:
        """The first choice's token probabilities, when asked for."""
        return self.choices[0].logprobs

    def __str__(self) -> str:
        return self.text


class EmbeddingReply(_Facts, frozen=True, kw_only=True, omit_defaults=True):
    """Vectors, one for each input and in their order."""

    vectors: list[list[float]]

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        width = len(self.vectors[0]) if self.vectors else 0
        return f"EmbeddingReply({len(self.vectors)} vectors of {width}, target={self.target!r}, usage={self.usage!r})"


class Ranked(Struct, frozen=True):
    """One of the texts: its position among those that were sent, and how well it answers the query (more is better)."""

    index: int
    score: float


class RerankReply(_Facts, frozen=True, kw_only=True, omit_defaults=True):
    """The texts in their order, the best first."""

    results: tuple[Ranked, ...]

    def __len__(self) -> int:
        return len(self.results)


class ModelInfo(Struct, frozen=True, omit_defaults=True):
    """A model that a provider offers; `loaded` is None where the provider does not tell."""

    id: str
    owned_by: str = ""
    context_tokens: int | None = None
    type: str | None = None
    loaded: bool | None = None


class ModelsReply(_Facts, frozen=True, kw_only=True, omit_defaults=True):
    """The models that a provider offers."""

    models: tuple[ModelInfo, ...]
