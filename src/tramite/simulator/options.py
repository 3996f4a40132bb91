"""How a simulated provider is set up: limits, pace, prices, voice. Read once, validated, frozen."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from tramite.errors import ConfigError

Voice: TypeAlias = Literal["sim", "demo"]
"""`sim` counts its words, so that a test sees what was lost or doubled; `demo` says that no model is behind it."""

_AT_LEAST_ZERO = (
    "latency_s",
    "token_interval_s",
    "cold_start_s",
    "tokens",
    "input_nanousd",
    "output_nanousd",
)
_ABOVE_ZERO = ("rpm", "tpm", "rps", "window_s", "idle_s", "context_tokens", "remember")


class Options(Struct, frozen=True, kw_only=True):
    """A simulated provider. Limits that are None are not kept. Raises ConfigError for a value that cannot be."""

    rpm: int | None = None
    """Requests per minute; kept in sub-windows of `window_s` too, as real providers do."""
    tpm: int | None = None
    """Tokens per minute: the input's estimate plus `max_tokens`, counted when a request comes in."""
    rps: int | None = None
    """Requests per second."""
    window_s: float = 1.0
    latency_s: float = 0.0
    """Between a request and the first byte of its answer."""
    token_interval_s: float = 0.0
    cold_start_s: float = 0.0
    """The first request, and the first after `idle_s` without any, finds the model loading for so long."""
    idle_s: float = math.inf
    tokens: int = 64
    """How long an answer is, when neither the model's name nor `max_tokens` says otherwise."""
    context_tokens: int | None = None
    """Input and asked-for output must fit in it; of an embedding's inputs, each one."""
    input_nanousd: int = 150_000_000
    """Price of a million input tokens, in billionths of a dollar."""
    output_nanousd: int = 600_000_000
    seed: int = 0
    key: str | None = None
    """The bearer key that every request must carry."""
    models: tuple[str, ...] = ()
    """Further names that behave as `ok` does. Any other name that is no fault is not found."""
    voice: Voice = "sim"
    remember: int = 100_000
    """How many client request ids the bill tells apart; the oldest are forgotten."""

    def __post_init__(self) -> None:
        for field in _AT_LEAST_ZERO:
            if not getattr(self, field) >= 0:
                raise _impossible(field, getattr(self, field), "0 or more")
        for field in _ABOVE_ZERO:
            value = getattr(self, field)
            if value is not None and not value > 0:
                raise _impossible(field, value, "more than 0")

    def __repr__(self) -> str:
        shown = msgspec.structs.asdict(self) | ({"key": "***"} if self.key else {})
        default = msgspec.structs.asdict(Options())
        changed = [f"{name}={value!r}" for name, value in shown.items() if value != default[name]]
        return f"Options({', '.join(changed)})"


def _impossible(field: str, value: float, expected: str) -> ConfigError:
    return ConfigError(f"simulator: {field} must be {expected}, got {value!r}")
