"""What a simulated provider says, or does, instead of an answer. Knows no wire format."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tramite.calls import EmbeddingCall
from tramite.errors import (
    AuthenticationFailed,
    ContentFiltered,
    ContextTooLong,
    ModelLoading,
    ModelNotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RequestRejected,
    Throttled,
)

from .answers import trailing_assistant
from .faults import (
    Auth,
    Context,
    Empty,
    Filter,
    Html,
    Item,
    NoPrefill,
    NotFound,
    Quota,
    Reset,
    Silent,
    Status,
    WrongType,
)
from .limits import wait_headers
from .scripts import Break, Job, Step, Whole
from .text import estimate

_INVALID = "invalid_request_error"
_MOST_INPUTS = 2048  # of one embedding request, as OpenAI has it
_PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class Refused(Exception):
    """A refusal with headers of its own."""

    def __init__(self, error: ProviderError, headers: dict[str, str]) -> None:
        super().__init__(error)
        self.error = error
        self.headers = headers


def before_answer(job: Job, tokens: int) -> Iterator[Step] | None:
    """What the scenario does instead of answering; None when it answers. Raises ProviderError and Refused.

    `tokens` is the input's size, charged where a provider would charge it.
    """
    for item in job.scenario.items:
        _raise_for(item, job, tokens)
        steps = _instead(item)
        if steps is not None:
            if isinstance(item, Empty | WrongType):
                job.exchange.entry.input_tokens = tokens
            return _begun(job, steps)
    return None


def _raise_for(item: Item, job: Job, tokens: int) -> None:
    model = job.exchange.entry.model
    match item:
        case Status():
            raise _status(item)
        case Quota():
            raise QuotaExhausted(
                "You exceeded your current quota, please check your plan and billing details.",
                status=429,
                code="insufficient_quota",
                type="insufficient_quota",
            )
        case Auth():
            raise _unknown_key()
        case NotFound():
            raise ModelNotFound(
                f"The model `{model}` does not exist or you do not have access to it.",
                status=404,
                code="model_not_found",
                type=_INVALID,
            )
        case Context():
            raise _too_long(tokens, tokens - 1)
        case Filter(at=None):
            job.exchange.entry.input_tokens = tokens  # facts A2: a blocked prompt is charged
            raise ContentFiltered(
                "The response was filtered due to the prompt triggering our content management policy.",
                status=400,
                code="content_filter",
                type=_INVALID,
            )
        case NoPrefill() if trailing_assistant(job.call) is not None:
            raise RequestRejected(
                "This model does not continue an assistant message: the last message must be the user's.",
                status=400,
                type=_INVALID,
            )


def _status(item: Status) -> Refused:
    status, wait_s = item.status, item.retry_after_s
    kind: type[ProviderError] = RequestRejected
    words = f"The simulator was asked for a {status}."
    if item.loading_s is not None:
        kind, wait_s, words = ModelLoading, item.loading_s, "Loading model"
    elif status == 429:
        kind, words = Throttled, "Rate limit reached. Please try again later."
    elif status in (401, 403):
        kind = AuthenticationFailed
    elif status == 404:
        kind = ModelNotFound
    elif status >= 500:
        kind = Overloaded
    headers = {} if wait_s is None else wait_headers(wait_s)
    if item.should_retry is not None:
        headers["x-should-retry"] = str(item.should_retry).lower()
    return Refused(kind(words, status=status, retry_after_s=wait_s), headers)


def _instead(item: Item) -> tuple[Step, ...] | None:
    match item:
        case Reset():
            return (Break.RESET,)
        case Silent():
            return (math.inf,)
        case Html(status=status):
            return (Whole(status, {"content-type": "text/html"}, _PAGE),)
        case Empty():
            return (Whole(200, {"content-type": "application/json"}, b""),)
        case WrongType():
            return (Whole(200, {"content-type": "text/plain"}, b"no healthy upstream"),)
        case _:
            return None


def _begun(job: Job, steps: tuple[Step, ...]) -> Iterator[Step]:
    exchange = job.exchange
    if job.options.latency_s:
        yield job.options.latency_s
    for step in steps:
        if isinstance(step, Whole):
            exchange.entry.status = step.status
            step = Whole(step.status, job.headers | step.headers, step.body)
        elif step is Break.RESET:
            exchange.ending = "broken"
        yield step


def check_key(expected: str | None, given: str) -> None:
    """Raise AuthenticationFailed when a key is asked for and this is not it."""
    if expected is not None and given != expected:
        raise _unknown_key()


def _unknown_key() -> AuthenticationFailed:
    return AuthenticationFailed("Incorrect API key provided.", status=401, code="invalid_api_key", type=_INVALID)


def no_such_path(method: str, path: str) -> ModelNotFound:
    """What an unknown path gets."""
    return ModelNotFound(f"Unknown request URL: {method} {path}", status=404, type=_INVALID)


def loading(model: str, wait_s: float) -> Refused:
    """What a request meets that comes before the model is there."""
    error = ModelLoading("Loading model", status=503, retry_after_s=wait_s)
    return Refused(error, wait_headers(wait_s))


def check_fits(window: int | None, tokens: int, output: int) -> None:
    """Raise ContextTooLong when input and output do not fit in the context window."""
    if window is not None and tokens + output > window:
        raise _too_long(tokens + output, window)


def _too_long(tokens: int, window: int) -> ContextTooLong:
    return ContextTooLong(
        f"This model's maximum context length is {window} tokens. However, you requested {tokens} tokens.",
        status=400,
        code="context_length_exceeded",
        type=_INVALID,
    )


def check_inputs(call: EmbeddingCall, window: int | None) -> None:
    """Raise RequestRejected for too many inputs, ContextTooLong for one that is too long."""
    if len(call.inputs) > _MOST_INPUTS:
        raise RequestRejected(
            f"'$.input' is invalid: at most {_MOST_INPUTS} inputs, got {len(call.inputs)}.",
            status=400,
            type=_INVALID,
        )
    for said in () if call.truncate else call.inputs:
        check_fits(window, estimate(said), 0)
