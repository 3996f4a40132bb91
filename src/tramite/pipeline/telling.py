"""What the pipeline's caller and its observers are told of how a request went. Decides nothing."""

from __future__ import annotations

from typing import Any

from tramite.errors import TramiteError
from tramite.replies import Timings

from .attempt import Upstream, Whole
from .envelope import Delivery, Ended, Envelope, Opened
from .observing import Outcome
from .patience import Patience
from .tries import Tries


def delivery(whole: Whole, tries: Tries) -> Delivery:
    """A whole answer."""
    cost = tries.endpoint.cost_nanousd(whole.signals.usage)
    return Delivery(
        value=whole.value,
        target=tries.endpoint.target,
        signals=whole.signals,
        refused=tuple([usage for usage, _ in tries.refused]) if tries.refused else (),
        cost_nanousd=_with_refused(cost, tries) if tries.refused else cost,
        attempts=tuple(tries.attempts),
        timings=Timings(total_s=tries.elapsed_s, waited_s=tries.waited_s),
        notices=whole.notices,
        request_id=whole.request_id,
        call_id=tries.call_id,
    )


def fallback(value: Any, tries: Tries, patience: Patience) -> Delivery:
    """What `on_give_up` gave in place of an answer."""
    return Delivery(
        value=value,
        target=None,
        signals=None,
        attempts=tuple(tries.attempts),
        timings=Timings(total_s=patience.elapsed_s(), waited_s=tries.waited_s),
        notices=("no model answered: this is what on_give_up gave in its place",),
        call_id=tries.call_id,
    )


def opened(upstream: Upstream, tries: Tries) -> Opened:
    """A stream has begun."""
    passage = upstream.passage
    return Opened(
        target=passage.endpoint.target,
        operation=upstream.operation,
        watcher=upstream.watcher,
        attempts=tuple(tries.attempts),
        began_s=passage.began_s,
        waited_s=tries.waited_s,
        notices=upstream.notices,
        request_id=passage.request_id,
        call_id=tries.call_id,
    )


def ended(upstream: Upstream, tries: Tries) -> Ended:
    """A stream is proven whole."""
    watcher = upstream.watcher
    unknown = watcher.finish in (None, "unknown")
    return Ended(
        attempts=tuple(tries.attempts),
        usage=watcher.usage,
        cost_nanousd=tries.endpoint.cost_nanousd(watcher.usage),
        timings=Timings(total_s=tries.elapsed_s, waited_s=tries.waited_s),
        notices=("the provider ended the stream without saying why (no finish reason)",) if unknown else (),
    )


def outcome(
    tries: Tries, envelope: Envelope, patience: Patience, came: Delivery | Ended | TramiteError | None
) -> Outcome:
    """The whole request, for observers. `came` is None where its caller has left."""
    error = came if isinstance(came, TramiteError) else None
    usage = came.signals.usage if isinstance(came, Delivery) and came.signals else getattr(came, "usage", None)
    return Outcome(
        call_id=tries.call_id,
        kind=envelope.kind,
        asked=envelope.model,
        target=tries.endpoint.name,
        stream=envelope.stream,
        attempts=tuple(tries.attempts),
        total_s=patience.elapsed_s(),
        error=error,
        left=came is None,
        usage=usage,
        cost_nanousd=getattr(came, "cost_nanousd", None),
        caller=envelope.caller,
    )


def _with_refused(cost: int | None, tries: Tries) -> int | None:
    """Of the answer, and of those before it that were not taken."""
    costs = [cost, *[refused for _, refused in tries.refused]]
    known = [one for one in costs if one is not None]
    return sum(known) if len(known) == len(costs) else None
