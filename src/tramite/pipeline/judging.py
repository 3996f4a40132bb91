"""What a failed try means for the next one (facts A11). A table over the error tree; decides nothing else."""

from __future__ import annotations

from tramite import errors as er
from tramite.errors import TramiteError

NAMES: dict[type[TramiteError], str] = {
    er.LimitExceeded: "throttled",
    er.Throttled: "throttled",
    er.QuotaExhausted: "quota",
    er.Overloaded: "overloaded",
    er.ModelLoading: "loading",
    er.TimedOut: "timeout",
    er.ConnectFailed: "connection",
    er.ConnectionBroken: "connection",
    er.IncompleteStream: "connection",
    er.BadReply: "bad_reply",
    er.ContextTooLong: "context",
    er.ModelNotFound: "not_found",
    er.Unsupported: "unsupported",
}
"""The errors that another target may not have, by the names they have in a route's `failover`. The rest are the
request's own fault or its owner's (InvalidCall, BudgetExceeded, AuthenticationFailed, ContentFiltered …)."""

DOWN = frozenset(("overloaded", "timeout", "connection", "bad_reply", "loading", "quota"))
"""What speaks against the target itself, and not against this one request."""

AT_ONCE = frozenset((er.TimedOut, er.ConnectFailed))
"""What is not tried again at the same target while another stands ready: it would take as long, or fail as surely."""

PARKED_S = 300.0
"""How long a target whose money or daily quota is gone is left alone, where it does not say until when (facts A11)."""


def name_of(error: TramiteError) -> str:
    """The name of a failure in a route's `failover`; empty for one that no other target would mend."""
    return NAMES.get(type(error), "")


def breaks_off(error: TramiteError) -> bool:
    """Whether a stream that ended so may be taken up by another target."""
    return name_of(error) in ("throttled", "overloaded", "timeout", "connection", "bad_reply")
