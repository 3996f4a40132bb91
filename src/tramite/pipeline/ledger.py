"""Money and memory of the pipeline: holds what a try may cost at most, and writes down how it ended. Knows no SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tramite.config import Budget
from tramite.config.pricing import unpriced
from tramite.errors import ConfigError
from tramite.store import Allowance, Entry, Texts
from tramite.store.redaction import redact

from .envelope import Envelope
from .observing import Beginning, Ending, Outcome
from .passage import Passage
from .patience import Patience

if TYPE_CHECKING:
    from tramite.store import Store

GLOBAL = "global"
"""The budget that is for everything."""
LEASE_S = 60.0
"""How much longer than its deadline a request's hold lasts: what has not settled by then never will."""
LONGEST_LEASE_S = 86_400.0
"""And the longest lease, for who sets no deadline: charged when it is over, and corrected by how the request ends."""
IMAGE_TOKENS = {"anthropic": 6_000, "gemini": 6_000}
MOST_IMAGE_TOKENS = 50_000
"""The most that one picture counts, by dialect and else: gpt-4o-mini takes one of high detail for 48,169 tokens, Claude
the largest for 4,784, Gemini 258 a tile (their guides to vision)."""
TOOL_TOKENS = 1_000
"""What a provider may write around the tools that it is told of: Anthropic some hundreds (its guide to tool use)."""
LARGEST_WINDOW = 2_000_000
"""The tokens that what is not in the body may count, where nobody says how many the model takes."""
_NOT_IN_IT = re.compile(
    rb'"(?:(?:document|file|input_file)"\s*[,}]'
    rb'|(?:previous_response_id|file_id|cachedContent|conversation)"\s*:\s*"'
    rb'|(?:conversation|prompt)"\s*:\s*\{\s*"(?:id|version|variables)")'
)
"""What is larger than it looks, or refers to what only the provider has: an earlier answer, a file, a template. It
cannot be text in a body: there, quotation marks are escaped."""
_ESCAPED = re.compile(rb"\\u00[4-7]")
"""Letters that no encoder escapes: names that are not to be found."""


class Ledger:
    """One client's budgets, and the store that keeps them and the ledger."""

    def __init__(self, store: Store, budgets: Mapping[str, Budget], keep_text: bool = False) -> None:
        self.store = store
        self.keep_text = keep_text
        self._budgets = budgets

    def __repr__(self) -> str:
        return f"Ledger({self.store!r}, budgets={', '.join(self._budgets) or 'none'})"

    @property
    def allowances(self) -> list[Allowance]:
        """All budgets, as the store knows them."""
        return [Allowance(name, budget.limit) for name, budget in self._budgets.items()]

    def budgets(self, envelope: Envelope) -> dict[str, Budget]:
        """Those that this request has to keep to: the configuration's, and the one that its key was made with."""
        caller = envelope.caller
        found: dict[str, Budget] = {}
        if self._budgets:
            found = {name: self._budgets[name] for name in (GLOBAL, caller.key) if name in self._budgets}
        if caller.budget is not None:
            found[f"key:{caller.key}"] = caller.budget
        return found

    def capped(self, envelope: Envelope) -> tuple[Envelope, str]:
        """The request with its largest output said, where a budget has to know it; and the notice that says so."""
        budgets = self.budgets(envelope)
        if not budgets or envelope.max_output is not None or envelope.with_max_output is None:
            return envelope, ""
        most = min(budget.max_output_tokens for budget in budgets.values())
        why = "none was asked for, and a budget must know what an answer may cost at most"
        longest = envelope.with_max_output(most)
        capped = msgspec.structs.replace(envelope, body_for=longest.body_for, max_output=longest.max_output)
        return capped, f"max_tokens={most} was sent along: {why}"

    async def hold(self, passage: Passage, envelope: Envelope, patience: Patience) -> None:
        """Hold the worst case, durably. Raises BudgetExceeded; ConfigError where there is no price to hold."""
        if self.keep_text:
            passage.texts = lambda: envelope.texts(passage.value)
        budgets = self.budgets(envelope)
        if not budgets or passage.beginning is None:
            return
        most = _most_nanousd(passage, envelope)
        if most is None:
            raise ConfigError(unpriced(next(iter(budgets)), passage.endpoint.name))
        if not most:
            return
        allowances = [Allowance(name, budget.limit) for name, budget in budgets.items()]
        entry = _begun(passage.beginning)
        lease_s = min(patience.left_s() + LEASE_S, LONGEST_LEASE_S)
        await patience.in_time(
            self.store.place(entry, most, allowances, lease_s), f"holding money for {passage.endpoint.target}"
        )
        passage.held_nanousd = most

    def attempt_begins(self, beginning: Beginning) -> None:
        """Nothing yet: what holds no money is written down when it has ended."""

    def attempt_ended(self, ending: Ending) -> None:
        """Settle what was held; write down the rest."""
        entry, texts = _ended(ending), None
        if ending.texts is not None:
            prompt, answer = ending.texts()
            texts = Texts(redact(prompt), redact(answer))
        if ending.held_nanousd is None:
            self.store.record(entry, texts)
        else:
            self.store.settle(entry, texts)

    def request_ended(self, outcome: Outcome) -> None:
        """An entry is one try; there is none for the whole."""


def _most_nanousd(passage: Passage, envelope: Envelope) -> int | None:
    """The worst case (design §3): every byte of the body a token, pictures by the table, all the output asked for."""
    endpoint = passage.endpoint
    if endpoint.free or envelope.kind == "models":
        return 0
    if endpoint.price is None:
        return None
    return endpoint.price.most_nanousd(_most_read(passage, envelope), envelope.most_written)


def _most_read(passage: Passage, envelope: Envelope) -> int:
    """The most input tokens that this body may count."""
    body, endpoint, pictures = passage.encoded.body, passage.endpoint, envelope.pictures()
    each = IMAGE_TOKENS.get(endpoint.dialect.name, MOST_IMAGE_TOKENS)
    read = len(body) - pictures.bytes + pictures.count * each
    plain = msgspec.json.encode(msgspec.json.decode(body)) if _ESCAPED.search(body) else body
    if b'"tools"' in plain:
        read += TOOL_TOKENS
    if _NOT_IN_IT.search(plain):
        read += endpoint.context_tokens or LARGEST_WINDOW
    return read


def _begun(beginning: Beginning) -> Entry:
    return Entry(
        id=beginning.attempt_id,
        call_id=beginning.call_id,
        number=beginning.number,
        at_ns=int(beginning.at * 1e9),
        key=beginning.caller.key,
        address=beginning.caller.address,
        kind=beginning.kind,
        asked=beginning.asked,
        route=beginning.route,
        provider=beginning.provider,
        model=beginning.model,
        dialect=beginning.dialect,
        stream=beginning.stream,
    )


def _ended(ending: Ending) -> Entry:
    entry, usage, error = _begun(ending.beginning), ending.usage, ending.error
    entry.cost_nanousd = ending.cost_nanousd
    entry.status, entry.finish, entry.request_id = ending.status, ending.finish, ending.request_id
    entry.maybe_billed = ending.maybe_billed
    entry.first_token_s, entry.total_s, entry.waited_s = ending.first_token_s, ending.total_s, ending.waited_s
    if error is not None:
        entry.outcome, entry.error = type(error).__name__, redact(str(error))
    else:
        entry.outcome = "left" if ending.left else "ok"
    if usage is not None:
        entry.input_tokens, entry.output_tokens = usage.input_tokens, usage.output_tokens
        entry.cached_tokens, entry.cache_write_tokens = usage.cached_tokens, usage.cache_write_tokens
        entry.reasoning_tokens, entry.usage_source = usage.reasoning_tokens, usage.source
    return entry
