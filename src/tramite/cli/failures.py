"""From an error to what is said about it and the exit code; the only place that does so. Raises no error itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tramite import errors
from tramite.errors import ProviderError, TramiteError

from . import terminal

FAILURE, USAGE, AUTHENTICATION, LIMIT, PROVIDER, INTERRUPTED = 1, 2, 3, 4, 5, 130
PIPE_CLOSED = 141
"""What a shell sees of a program that SIGPIPE ended: the reader wanted no more."""

_CODES: tuple[tuple[tuple[type[TramiteError], ...], int], ...] = (
    ((errors.MissingSecret, errors.AuthenticationFailed), AUTHENTICATION),
    ((errors.Throttled, errors.QuotaExhausted, errors.LimitExceeded, errors.BudgetExceeded), LIMIT),
    ((errors.InvalidCall,), USAGE),
    ((ProviderError,), PROVIDER),
)

_ADVICE: tuple[tuple[type[TramiteError], str], ...] = (
    (errors.AuthenticationFailed, "check where the secret comes from: tramite secrets list"),
    (errors.QuotaExhausted, "add credit or raise the quota at the provider, or name another model with -m"),
    (errors.Throttled, "wait and ask again, or name another model with -m"),
    (errors.ModelNotFound, "see what there is: tramite models {provider}"),
    (errors.ConnectFailed, "check the address (tramite config show) and that the server runs (tramite doctor)"),
    (errors.ContextTooLong, "shorten the prompt, lower -o max_tokens, or name a model with a larger window"),
    (errors.ContentFiltered, "change the prompt"),
    (errors.TimedOut, "give it longer with -o first_token_s=… or -o stall_s=…, or ask again"),
    (errors.DeadlineExceeded, "give it longer: -o deadline_s=…"),
    (errors.ModelLoading, "ask again in a while"),
    (errors.Overloaded, "ask again in a while, or name another model with -m"),
    (errors.BadReply, "check that the address is the API's: tramite config show"),
    (errors.IncompleteStream, "ask again"),
    (errors.ConnectionBroken, "ask again"),
    (
        errors.StoreFailed,
        "nothing was sent: check [store] url (tramite config show) and the room on its disk",
    ),
)


def code_of(error: TramiteError) -> int:
    """The exit code that this error ends a command with."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), FAILURE)


def message_of(error: TramiteError) -> str:
    """What happened, where, and what to do next."""
    lines = [str(error)]
    if len(error.attempts) > 1:
        lines[0] += f" (after {len(error.attempts)} tries)"
    if getattr(error, "partial", ""):
        lines.append("what came before is not the whole answer")
    advice = next((words for kind, words in _ADVICE if isinstance(error, kind)), "")
    if advice:
        lines.append(advice.format(provider=getattr(error, "provider", None) or "").rstrip())
    return "\n  ".join(lines)


@contextmanager
def handled() -> Iterator[None]:
    """Say what went wrong inside on stderr, and end the command with its exit code."""
    try:
        yield
    except TramiteError as error:
        _end(message_of(error), code_of(error))
    except KeyboardInterrupt:
        _end("interrupted", INTERRUPTED)
    except EOFError:
        _end("the input ended before there was an answer to the question", FAILURE)
    except BrokenPipeError:
        # Whoever read stdout has gone. Nothing more may be written there, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}", FAILURE)


def _end(message: str, code: int) -> None:
    terminal.error(message)
    raise typer.Exit(code) from None
