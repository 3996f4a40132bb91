"""One try at one target, from the moment it is let through: what goes there, and how it went. Knows no other try."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from tramite.dialects.base import Encoded
from tramite.errors import DeadlineExceeded, ProviderError, TramiteError
from tramite.replies import Attempt, Finish, Usage

from .endpoint import Endpoint

if TYPE_CHECKING:
    from .limits.permit import Permit
    from .observing import Beginning


class Passage(Struct, eq=False):
    """A try that is under way. What was taken for it (a permit, held money) is given back by whoever let it through."""

    endpoint: Endpoint
    encoded: Encoded
    began_s: float
    """Seconds since the request began."""
    renewals: int
    """How often the endpoint's secret had been renewed by then."""
    waited_s: float = 0.0
    sent: bool = False
    """Whether it was handed to the transport, and so may have reached the provider."""
    status: int | None = None
    request_id: str | None = None
    first_token_s: float | None = None
    finish: Finish | None = None
    usage: Usage | None = None
    value: object = None
    """What the edge made of a whole body."""
    texts: Callable[[], tuple[str, str]] | None = None
    """Prompt and answer, for a ledger that keeps them."""
    permit: Permit | None = None
    held_nanousd: int | None = None
    """None where no money is held."""
    beginning: Beginning | None = None
    """None where nobody wants to know."""

    def __repr__(self) -> str:
        return f"Passage({self.endpoint.name}, status={self.status})"

    def sets_out(self, now_s: float) -> None:
        """It is let through now, after it had to wait."""
        self.waited_s, self.began_s = now_s - self.began_s, now_s

    def maybe_billed(self, error: TramiteError | None) -> bool:
        """Whether the provider may have charged for a try that ended with this error (None: its caller left).

        What fails after a success status is on the bill like what succeeds (facts A11, "ambiguous"), and so may be what
        was sent and had brought nothing when the deadline was over.
        """
        if not self.sent:
            return False
        begun = self.status is not None and self.status < 300
        given_up = error is None or isinstance(error, DeadlineExceeded)
        return begun or given_up or (isinstance(error, ProviderError) and error.maybe_billed)

    def attempt(self, duration_s: float, error: TramiteError | None, left: bool = False) -> Attempt:
        """As the caller sees it."""
        return Attempt(
            target=self.endpoint.name,
            duration_s=duration_s,
            status=self.status if error is None else getattr(error, "status", None),
            error="" if error is None else f"{type(error).__name__}: {error}",
            request_id=self.request_id,
            maybe_billed=(left or error is not None) and self.maybe_billed(error),
        )
