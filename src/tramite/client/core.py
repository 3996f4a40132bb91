"""What both clients stand on: configuration, routes, pipeline, and calls made into envelopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tramite import config as configuration
from tramite.calls import Call, ChatCall, CompletionCall, EmbeddingCall, Kind, ModelsCall, RerankCall
from tramite.config import Config
from tramite.dialects.base import (
    Dialect,
    Encoded,
    Operation,
    Signals,
    Target,
    Watcher,
    decode_for,
    follower,
    operation,
)
from tramite.errors import BadReply, InvalidCall, ReplyRefused
from tramite.messages import assistant
from tramite.pipeline.endpoint import Endpoint
from tramite.pipeline.envelope import Delivery, Envelope
from tramite.pipeline.governing import Governor
from tramite.pipeline.hooks import HookRunner, Hooks
from tramite.pipeline.observing import NOBODY, Observer
from tramite.pipeline.patience import Patience
from tramite.pipeline.retry import Retry
from tramite.pipeline.route import Routes
from tramite.pipeline.run import Pipeline
from tramite.providers.infill import template_for, written_out
from tramite.providers.rows import Provider
from tramite.providers.token_counts import TokenRatios
from tramite.replies import EmbeddingReply, ModelsReply, Reply, RerankReply, Usage
from tramite.wire.seam import Transport

from .answers import Answers
from .governance import governor, shared
from .options import caller, timeouts
from .span import Span
from .stream import Source
from .sums import add_usage
from .weighing import pictures, text_bytes, texts

KINDS: dict[type[Any], Kind] = {
    ChatCall: "chat",
    CompletionCall: "completion",
    EmbeddingCall: "embedding",
    RerankCall: "rerank",
    ModelsCall: "models",
}
REPLIES: dict[type[Any], type[Any]] = {
    ChatCall: Reply,
    CompletionCall: Reply,
    EmbeddingCall: EmbeddingReply,
    RerankCall: RerankReply,
    ModelsCall: ModelsReply,
}


def _demo(provider: Provider) -> Transport:
    from tramite.simulator import demo

    return demo()


def _embedded(provider: Provider) -> Transport:
    from tramite.providers.embedded import transport

    return transport(provider)


def _local(provider: Provider) -> Transport:
    from tramite.providers.local import transport

    return transport(provider)


IN_PROCESS: dict[str, Callable[[Provider], Transport]] = {"demo": _demo, "embedded": _embedded, "local": _local}
"""What stands behind `inprocess://NAME`."""


class Core:
    """Carries one call through the pipeline. Reads the configuration once; opens nothing before the first call."""

    def __init__(
        self,
        config: Config | str | Path | None,
        retry: Retry | None,
        transport: Transport | None,
        secrets: Mapping[str, str | Callable[[], str]] | None = None,
        observers: Sequence[Observer] = (),
        hooks: Hooks | None = None,
        earlier: Core | None = None,
    ) -> None:
        read = config if isinstance(config, Config) else configuration.load(config)
        self.config = configuration.with_secrets(read, secrets) if secrets else read
        self.retry = retry or Retry(**msgspec.structs.asdict(self.config.retry))
        self._given = transport
        self._network: Transport | None = transport
        self._in_process: dict[str, Transport] = {}
        self.ratios = TokenRatios()
        self._observers = tuple(observers)
        if earlier is not None:
            self._network, self.ratios = earlier._network, earlier.ratios
            self._in_process = earlier._unchanged(self.config)
        self.hooks = HookRunner(hooks) if hooks is not None else None
        watching = [*observers, *([self.hooks] if self.hooks else [])]
        before = (earlier.config, earlier.governor) if earlier is not None else None
        self.governor: Governor = governor(self.config, watching, before)
        self.answers = Answers(self.config, self.governor)
        self.routes = Routes(self.config, self._transport_of, shared=partial(shared, self.config, self.ratios))
        self.pipeline = Pipeline(self.routes, self.retry, self.config.timeouts, self.governor)

    async def ask(self, call: Call, delivery: Mapping[str, Any], span: Span | None = None) -> Any:
        """The reply to one call, which may be one request of several in this span."""
        envelope = self.envelope(call, delivery)
        if span is not None and span.ends_at is not None:
            envelope = msgspec.structs.replace(envelope, ends_at=span.ends_at)
        key = self.answers.key(call, delivery) if delivery or self.answers.enabled else None
        if key is not None and (earlier := await self.answers.find(key, REPLIES[type(call)], envelope)) is not None:
            return earlier
        try:
            came = await self.pipeline.whole(envelope)
        except ReplyRefused as refused:
            where = refused.attempts[-1].target
            refused.reply = msgspec.structs.replace(refused.reply, target=where, attempts=refused.attempts)
            raise
        if came.signals is None:
            return _in_its_place(call, came)
        self._learn(call, str(came.target), came.signals.usage)
        reply = _with_facts(came)
        if key is not None:
            self.answers.keep(key, reply)
        return reply

    def source(self, call: ChatCall | CompletionCall, delivery: Mapping[str, Any]) -> Source:
        """The stream of one call; nothing is sent before it is read."""
        envelope = self.envelope(call, delivery, stream=True)
        limits = envelope.timeouts or self.config.timeouts
        again = partial(self._continued, call, delivery)
        source = Source(self.pipeline, envelope, call, limits.deadline_s, partial(self._learn, call), again)
        if (key := self.answers.key(call, delivery)) is not None:
            source.earlier = partial(self.answers.find, key, Reply, envelope)
            source.keep = partial(self.answers.keep, key)
        return source

    def envelope(self, call: Call, delivery: Mapping[str, Any], stream: bool = False) -> Envelope:
        """The call, ready to travel."""
        kind, longest = KINDS[type(call)], None
        if isinstance(call, ChatCall | CompletionCall):
            longest = partial(self._with_max_output, call, delivery, stream)

        def body_for(dialect: Dialect, target: Target) -> Encoded:
            if isinstance(call, CompletionCall) and call.suffix is not None:
                return _with_gap(operation(dialect, kind), call, target, stream)
            return operation(dialect, kind).encode(call, target, stream)

        return Envelope(
            kind=kind,
            model=call.model,
            body_for=body_for,
            receive=partial(received, call),
            watch=partial(watcher_for, call) if stream else None,
            stream=stream,
            n=getattr(call, "n", None) or 1,
            best_of=_best_of(call),
            retry=delivery.get("retry"),
            timeouts=timeouts(self.config.timeouts, delivery) if delivery else None,
            caller=caller(delivery) if delivery else NOBODY,
            text_bytes=partial(text_bytes, call),
            pictures=partial(pictures, call),
            max_output=getattr(call, "max_tokens", None),
            with_max_output=longest,
            texts=partial(texts, call),
        )

    def _with_max_output(
        self, call: ChatCall | CompletionCall, delivery: Mapping[str, Any], stream: bool, most: int
    ) -> Envelope:
        return self.envelope(msgspec.structs.replace(call, max_tokens=most), delivery, stream)

    def _continued(
        self, call: ChatCall | CompletionCall, delivery: Mapping[str, Any], target: str, text: str
    ) -> Envelope | None:
        """The same request with this text as the beginning of its answer; None where nothing more was wanted."""
        most = call.max_tokens
        if most is not None:
            most -= self.ratios.estimate(target, len(text.encode("utf-8", "surrogatepass"))).tokens
            if most < 1:
                return None
        if isinstance(call, CompletionCall):
            longer: Call = msgspec.structs.replace(call, prompt=call.prompt + text, max_tokens=most)
        else:
            messages = (*call.messages, assistant(text))
            longer = msgspec.structs.replace(call, messages=messages, max_tokens=most)
        return self.envelope(longer, delivery, stream=True)

    async def endpoint(self, model: str | None, kind: Kind, delivery: Mapping[str, Any]) -> Endpoint:
        """The one that is asked first. Raises ConfigError, ProviderError, DeadlineExceeded."""
        patience = Patience(delivery.get("deadline_s") or self.config.timeouts.deadline_s)
        try:
            return (await patience.in_time(self.routes.find(model, kind), "finding a target")).endpoints[0]
        finally:
            patience.done()

    def renewed(self, config: Config) -> Core:
        """One with another configuration, which goes on with the connections, the counted limits, the store and the
        loaded models of this one where they stay the same. Raises ConfigError, MissingExtra."""
        return Core(config, None, self._given, observers=self._observers, earlier=self)

    async def release(self, heir: Core) -> None:
        """Close what this one had, and the one that was made of it has not."""
        if self._network is not None and self._network is not heir._network:
            await self._network.aclose()
        await self.answers.aclose()
        if self.governor.limiter is not heir.governor.limiter:
            await self.governor.aclose()

    async def aclose(self) -> None:
        """Close the connections of the running loop; a transport that was given is its giver's to close."""
        if self._network is not None and self._network is not self._given:
            await self._network.aclose()
        await self.answers.aclose()
        await self.governor.aclose()
        if self.hooks is not None:
            await self.hooks.aclose()

    def _learn(self, call: Call, target: str, usage: Usage | None) -> None:
        """What an answer shows of its model's tokens."""
        if usage is not None and usage.input_tokens:
            self.ratios.observe(target, text_bytes(call), usage.input_tokens)

    def _unchanged(self, config: Config) -> dict[str, Transport]:
        """What stands behind those in-process providers that are configured there as here."""
        providers = self.config.providers
        return {name: each for name, each in self._in_process.items() if providers[name] == config.providers.get(name)}

    def _transport_of(self, provider: Provider) -> Transport:
        if provider.in_process:
            host = urlsplit(provider.base_url).netloc
            if host not in self._in_process:
                self._in_process[host] = IN_PROCESS[host](provider)
            return self._in_process[host]
        if self._network is None:
            from tramite.wire.network import Network

            self._network = Network()  # used from here on, on whatever loop
        return self._network


def _best_of(call: Call) -> int:
    """How many answers are to be written, of which the best come (OpenAI's completions, TGI)."""
    best_of = None if isinstance(call, ModelsCall) else call.extra.get("best_of")
    return best_of if isinstance(best_of, int) else 0


def _with_gap(completion: Operation, call: CompletionCall, target: Target, stream: bool) -> Encoded:
    """A completion with a suffix; where the target knows none, in the words that its model was trained on."""
    known = template_for(target.model) if "suffix" in target.traits.unsupported else None
    if known is None:
        return completion.encode(call, target, stream)
    encoded = completion.encode(written_out(call, known), target, stream)
    notice = f"{target.provider} knows no suffix: the gap was written in the {known.family} template"
    return msgspec.structs.replace(encoded, notices=(*encoded.notices, notice))


def received(call: Call, operation: Operation, body: bytes) -> tuple[Any, Signals]:
    """The reply and its signals; for what is no success, `decode` raises what `judge` would have found."""
    reply = decode_for(operation, body, call)
    if isinstance(call, EmbeddingCall) and len(reply.vectors) != len(call.inputs):
        # Which vector would belong to which text?
        raise BadReply(f"{len(call.inputs)} texts were sent, and {len(reply.vectors)} vectors came", status=200)
    usage = None if reply.usage.total_tokens is None else reply.usage
    return reply, Signals(proof=True, finish=getattr(reply, "finish", "stop"), usage=usage)


def watcher_for(call: Call, operation: Operation) -> Watcher:
    """One that reads the stream as well, where there is one."""
    return follower(operation, call) or operation.watcher(getattr(call, "n", None) or 1)


def _with_facts(delivery: Delivery) -> Any:
    reply = delivery.value
    usage = reply.usage
    if delivery.refused:
        usage = add_usage([*[usage or Usage() for usage in delivery.refused], usage])
    return msgspec.structs.replace(
        reply,
        target=str(delivery.target),
        usage=usage,
        cost_nanousd=delivery.cost_nanousd,
        request_id=delivery.request_id or reply.request_id,
        attempts=delivery.attempts,
        timings=delivery.timings,
        notices=delivery.notices,
    )


def _in_its_place(call: Call, delivery: Delivery) -> Any:
    """What `on_give_up` gave in place of an answer: nobody was asked for it, or another, who has told of it."""
    reply, expected = delivery.value, REPLIES[type(call)]
    if isinstance(reply, str) and expected is Reply:
        reply = _plain(reply)
    if not isinstance(reply, expected):
        got = f"got {type(reply).__name__}"
        raise InvalidCall(f"on_give_up must give {expected.__name__}, None, or text for a chat; {got}", "retry")
    return msgspec.structs.replace(
        reply,
        attempts=(*delivery.attempts, *reply.attempts),
        timings=delivery.timings,
        notices=(*reply.notices, *delivery.notices),
    )


def _plain(text: str) -> Reply:
    from tramite.replies import Choice

    return Reply(choices=(Choice(assistant(text)),))
