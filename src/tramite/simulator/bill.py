"""What a simulated provider was asked, how each request ended, and what it charges. The caller brings the time.

A request that was cut, stalled or left is charged its input and what had been made of its output.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict, deque
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from .options import Options

Outcome: TypeAlias = Literal["open", "finished", "refused", "broken", "gone"]
"""`refused`: with a status of 400 or more. `broken`: by a fault of ours. `gone`: the client left before the end."""

RECENT = 1000


class Entry(Struct, kw_only=True, omit_defaults=True):
    """One request. Times are seconds on the simulator's clock; `status` 0 means that no answer was begun."""

    number: int
    model: str = ""
    kind: str
    client: str
    client_request_id: str = ""
    stream: bool = False
    at: float
    status: int = 0
    outcome: Outcome = "open"
    after_s: float = 0.0
    """How long it took, or when the client left."""
    input_tokens: int = 0
    output_tokens: int = 0
    billed_nanousd: int = 0


class Account(Struct):
    """What one key has used."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    billed_nanousd: int = 0


class Ends(Struct):
    """How many began, and how they ended."""

    started: int = 0
    finished: int = 0
    refused: int = 0
    broken: int = 0
    gone: int = 0


class Stats(Struct):
    """All that is counted; what is still open is not yet in the ends, the tokens and the bill."""

    now: float = 0.0
    requests: int = 0
    by_model: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    by_status: dict[int, int] = {}
    by_client_request_id: dict[str, int] = {}
    accounts: dict[str, Account] = {}
    """By key, of which only the last four characters and a hash are kept."""
    refused: dict[str, int] = {}
    """By the limit that refused: rps, rpm, tpm, or loading."""
    streams: Ends = field(default_factory=Ends)
    wholes: Ends = field(default_factory=Ends)
    open_now: int = 0
    open_max: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    billed_nanousd: int = 0
    client_gone: list[Entry] = []
    """The last ones whose client left."""


@lru_cache(maxsize=1024)
def client_of(secret: str) -> str:
    """A name for a key that does not give it away."""
    if not secret:
        return "anonymous"
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    return f"…{secret[-4:]}#{digest}" if len(secret) >= 12 else f"#{digest}"


class Bill:
    """The books of one simulated provider."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._requests = self._open = self._open_max = 0
        self._models: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._request_ids: OrderedDict[str, int] = OrderedDict()
        self._accounts: dict[str, Account] = {}
        self._refused: Counter[str] = Counter()
        self._streams, self._wholes = Ends(), Ends()
        self._total = Account()
        self._gone: deque[Entry] = deque(maxlen=RECENT)
        self._recent: deque[Entry] = deque(maxlen=RECENT)

    def begin(self, entry: Entry) -> None:
        """A request has come in."""
        self._requests += 1
        self._open += 1
        self._open_max = max(self._open_max, self._open)
        self._models[entry.model] += 1
        self._kinds[entry.kind] += 1
        if entry.client_request_id:
            count = self._request_ids.pop(entry.client_request_id, 0)
            self._request_ids[entry.client_request_id] = count + 1
            if len(self._request_ids) > self._options.remember:
                self._request_ids.popitem(last=False)
        (self._streams if entry.stream else self._wholes).started += 1
        self._recent.append(entry)

    def refuse(self, limit: str) -> None:
        """One of our limits refused a request."""
        self._refused[limit] += 1

    def end(self, entry: Entry, outcome: Outcome, now: float) -> None:
        """It has ended; a second end of the same request changes nothing."""
        if entry.outcome != "open":
            return
        entry.outcome = "refused" if outcome == "finished" and entry.status >= 400 else outcome
        entry.after_s = now - entry.at
        entry.billed_nanousd = self._price(entry)
        self._open -= 1
        self._statuses[entry.status] += 1
        ends = self._streams if entry.stream else self._wholes
        setattr(ends, entry.outcome, getattr(ends, entry.outcome) + 1)
        if outcome == "gone":
            self._gone.append(entry)
        for account in (self._total, self._accounts.setdefault(entry.client, Account())):
            account.requests += 1
            account.input_tokens += entry.input_tokens
            account.output_tokens += entry.output_tokens
            account.billed_nanousd += entry.billed_nanousd

    def _price(self, entry: Entry) -> int:
        """Rounded up once, as design §3 has it."""
        options = self._options
        micro = entry.input_tokens * options.input_nanousd + entry.output_tokens * options.output_nanousd
        return -(-micro // 1_000_000)

    def recent(self) -> list[Entry]:
        """The last requests, in the order in which they came."""
        return list(self._recent)

    def stats(self, now: float) -> Stats:
        """A copy of the counts."""
        return Stats(
            now=now,
            requests=self._requests,
            by_model=dict(self._models),
            by_kind=dict(self._kinds),
            by_status=dict(self._statuses),
            by_client_request_id=dict(self._request_ids),
            accounts={name: replace(account) for name, account in list(self._accounts.items())},
            refused=dict(self._refused),
            streams=replace(self._streams),
            wholes=replace(self._wholes),
            open_now=self._open,
            open_max=self._open_max,
            input_tokens=self._total.input_tokens,
            output_tokens=self._total.output_tokens,
            billed_nanousd=self._total.billed_nanousd,
            client_gone=list(self._gone),
        )
