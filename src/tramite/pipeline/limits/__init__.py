"""How many requests may go, and when: limits that are configured, and limits that providers tell of.

`records`    what is kept of a bucket, what a request wants of it, and the verdict: data, no I/O
`decisions`  pure functions on these, with the time given: when may it start, what does it leave behind
`state`      the protocol of a place that keeps buckets; `memory` (one process), `file` (one machine), Redis (many)
`rates`      configured limits as rates; `learning` makes rates of what responses say
`gate`       what one process knows of a bucket: in flight, closed by a throttle, how much at once
`line`       who waits, in order; `alarm` wakes them
`scope`      the buckets that a request touches
`permit`     what a request holds while it is under way
`limiter`    all of it together: what the pipeline asks; `views` shows it
`retry_budget`  how many tries beyond the first a bucket may have; knows none of the above

A state only grants start times, and slots of concurrency, all or none. Queues, priorities and waking stay in the
process, so that all states mean the same. Times are whole microseconds on the state's own clock: Redis decides in Lua,
whose numbers are doubles, and 2^53 nanoseconds since 1970 were over in April of that year.
"""

from __future__ import annotations

from .limiter import Limiter
from .permit import Permit
from .scope import Scope
from .state import State

__all__ = ["Limiter", "Permit", "Scope", "State"]
