"""Decides what a simulated provider does with a request: lets it in or refuses it, and writes the script of its answer.

Pure but for its own books: it has no sockets, and its caller brings the time. It knows which path belongs to which
dialect as data, and nothing of any wire format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct

from tramite.calls import Call, ChatCall, CompletionCall, EmbeddingCall, Kind, RerankCall
from tramite.dialects import registry
from tramite.dialects.base import Dialect, operation
from tramite.errors import InvalidCall, ModelNotFound, ProviderError

from . import text
from .answers import answers
from .bill import Bill, Entry, Outcome, Stats, client_of
from .faults import Tokens
from .grammar import Scenario, UnknownFault, parse
from .limits import ColdStart, Limits
from .lists import embeddings, models, ranking
from .options import Options
from .refusals import Refused, before_answer, check_fits, check_inputs, check_key, loading, no_such_path
from .scripts import Exchange, Job, Step, Whole, whole_text
from .streams import stream_text

PATHS: dict[str, tuple[str, Kind]] = {
    "/v1/chat/completions": ("openai", "chat"),
    "/v1/completions": ("openai", "completion"),
    "/v1/embeddings": ("openai", "embedding"),
    "/v1/models": ("openai", "models"),
    "/v1/messages": ("anthropic", "chat"),
    "/v1/responses": ("openai-responses", "chat"),
    "/v1beta/models": ("gemini", "models"),
    "/": ("huggingface", "completion"),
    "/generate": ("huggingface", "completion"),
    "/generate_stream": ("huggingface", "completion"),
    "/embed": ("huggingface", "embedding"),
    "/rerank": ("huggingface", "rerank"),
}
"""What is served where: the path, and the dialect and operation behind it."""

METHODS: dict[str, tuple[str, Kind]] = {
    "generateContent": ("gemini", "chat"),
    "streamGenerateContent": ("gemini", "chat"),
    "batchEmbedContents": ("gemini", "embedding"),
    "embedContent": ("gemini", "embedding"),
}
"""The same for paths that hold the model, and end in a colon and one of these."""

MODELS = ("/hf-inference/models/", "/models/")
"""Prefixes of Hugging Face's: what follows them is a model, and then one of these."""

TASKS: dict[str, tuple[str, Kind]] = {
    "/v1/chat/completions": ("huggingface", "chat"),
    "/pipeline/feature-extraction": ("huggingface", "embedding"),
    "/generate": ("huggingface", "completion"),
    "/generate_stream": ("huggingface", "completion"),
    "/embed": ("huggingface", "embedding"),
    "/rerank": ("huggingface", "rerank"),
    "": ("huggingface", "completion"),
}
"""The same for these; the last ending fits all that is left."""

DEPLOYMENTS = "/openai/"
"""Azure's prefix: what follows it ends as the paths above do."""

_ANY_DIALECT = "openai"  # in which an unknown path is refused
_KEY_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")
_DEMO_NAMES = frozenset(("demo", "hash"))


class Inbound(Struct, frozen=True):
    """A request as it came. Header names are in lower case, or the mapping does not care."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Engine:
    """One simulated provider: its options, its limits, its books."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.reset()

    def __repr__(self) -> str:
        return f"Engine({self.options!r})"

    def reset(self) -> None:
        """Forget everything: counts, bill, limits, warmth."""
        self.bill = Bill(self.options)
        self._limits = Limits(self.options)
        self._cold = ColdStart(self.options)
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._count = 0

    def stats(self, now: float) -> Stats:
        """What was asked, and what it costs."""
        return self.bill.stats(now)

    def end(self, exchange: Exchange, outcome: Outcome, now: float) -> None:
        """A request has ended. Whoever plays a script must say so, once; later words change nothing."""
        if outcome == "gone":
            exchange.entry.output_tokens = exchange.made_by(now)
        exchange.bill.end(exchange.entry, outcome, now)  # a reset may have opened new books

    def ask(self, inbound: Inbound, now: float) -> Exchange:
        """Take a request in. Never raises: what is wrong with it is in the answer's script."""
        self._count += 1
        route = _route(inbound.path)
        dialect = registry.get(route[0] if route else _ANY_DIALECT)
        entry = Entry(
            number=self._count,
            kind=route[1] if route else "unknown",
            client=client_of(_secret(inbound.headers)),
            client_request_id=inbound.headers.get("x-client-request-id", ""),
            at=now,
        )
        exchange = Exchange(entry, self.bill)
        headers = {"x-request-id": f"sim-{self._count}"}
        try:
            if route is None:
                raise no_such_path(inbound.method, inbound.path)
            check_key(self.options.key, _secret(inbound.headers))
            job = self._job(inbound, dialect, route[1], exchange, headers)
            exchange.steps = self._let_in(job, now)
        except Refused as refused:
            headers.update(refused.headers)
            exchange.steps = self._refuse(exchange, dialect, refused.error, headers)
        except (InvalidCall, ProviderError) as error:
            exchange.steps = self._refuse(exchange, dialect, error, headers)
        self.bill.begin(entry)
        return exchange

    def _job(
        self,
        inbound: Inbound,
        dialect: Dialect,
        kind: Kind,
        exchange: Exchange,
        headers: dict[str, str],
    ) -> Job:
        """The request decoded, and what its model's name asks for. Raises InvalidCall and ModelNotFound."""
        does = operation(dialect, kind)
        call, stream = does.decode_call(inbound.body, inbound.path)
        entry = exchange.entry
        entry.stream = stream
        entry.model = (call.model or "").removeprefix("sim/")
        return Job(
            exchange=exchange,
            dialect=dialect,
            operation=does,
            call=call,
            scenario=self._scenario(call),
            options=self.options,
            headers=headers,
            stream=stream,
        )

    def _scenario(self, call: Call) -> Scenario:
        name = call.model
        if not name or name in self.options.models:
            return _AS_IT_IS
        if self.options.voice == "demo" and name.removeprefix("demo/") in _DEMO_NAMES:
            return _AS_IT_IS
        try:
            return parse(name)
        except UnknownFault as error:
            raise ModelNotFound(str(error), status=404, code="model_not_found", type="invalid_request_error") from error

    def _let_in(self, job: Job, now: float) -> Iterator[Step]:
        """Past the limits, the cold start and the scenario's own refusals. Raises Refused and ProviderError."""
        entry, call = job.exchange.entry, job.call
        tokens, wished = self._sizes(job)
        verdict = self._limits.admit(entry.model, tokens + wished, now)
        job.headers.update(verdict.headers)
        if verdict.refused is not None:
            self.bill.refuse(verdict.by)
            raise verdict.refused
        if wait_s := self._cold.wait_s(now):
            self.bill.refuse("loading")
            raise loading(entry.model, wait_s)
        number = self._numbers[entry.model, entry.client]
        self._numbers[entry.model, entry.client] += 1
        job.scenario = job.scenario.active(number, self.options.seed)
        instead = before_answer(job, tokens)
        if instead is not None:
            return instead
        entry.input_tokens = tokens
        if isinstance(call, ChatCall | CompletionCall):
            check_fits(self.options.context_tokens, tokens, call.max_tokens or 0)
            said = answers(call, job.scenario, self.options, number)
            return stream_text(job, said) if job.stream else whole_text(job, said)
        if isinstance(call, EmbeddingCall):
            check_inputs(call, self.options.context_tokens)
            return embeddings(job)
        return ranking(job) if isinstance(call, RerankCall) else models(job)

    def _sizes(self, job: Job) -> tuple[int, int]:
        """Tokens of the input, and those that the output is taken to need."""
        call = job.call
        if isinstance(call, ChatCall | CompletionCall):
            tokens = job.scenario.find(Tokens)
            planned = tokens.n if tokens is not None else self.options.tokens
            return text.input_tokens(call), (call.max_tokens or planned) * (call.n or 1)
        if isinstance(call, EmbeddingCall):
            return sum(max(1, text.estimate(said)) for said in call.inputs), 0
        if isinstance(call, RerankCall):  # each text is read together with the query
            return sum(max(1, text.estimate(call.query + said)) for said in call.texts), 0
        return 0, 0

    def _refuse(
        self, exchange: Exchange, dialect: Dialect, error: Exception, headers: dict[str, str]
    ) -> Iterator[Step]:
        if self.options.latency_s:
            yield self.options.latency_s
        status, body = dialect.encode_error(error)
        exchange.entry.status = getattr(error, "status", None) or status
        yield Whole(exchange.entry.status, headers | {"content-type": "application/json"}, body)


_AS_IT_IS = Scenario()


def _route(path: str) -> tuple[str, Kind] | None:
    found = PATHS.get(path) or METHODS.get(path.rpartition(":")[2])
    if found is None and path.startswith(MODELS):
        return next(route for ending, route in TASKS.items() if path.endswith(ending))
    if found is None and path.startswith(DEPLOYMENTS):
        for ending, route in PATHS.items():
            if path.endswith(ending.removeprefix("/v1")):
                return route
    return found


def _secret(headers: Mapping[str, str]) -> str:
    given = next((headers[name] for name in _KEY_HEADERS if name in headers), "")
    return given.removeprefix("Bearer ").strip()
