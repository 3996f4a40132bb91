"""AsyncClient: language models, awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Unpack

import msgspec

from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, ModelsCall, RerankCall
from tramite.config import Config
from tramite.errors import InvalidCall, TramiteError
from tramite.messages import Prompt, as_messages, user
from tramite.pipeline.hooks import Hooks
from tramite.pipeline.observing import Observer
from tramite.pipeline.retry import Retry
from tramite.providers.token_counts import TokenCount, count
from tramite.replies import EmbeddingReply, ModelInfo, Reply, RerankReply
from tramite.wire.seam import Transport

from . import options as opt
from .comparing import STYLES, Comparison, Style, compare
from .conversation import AsyncConversation
from .core import Core
from .embedding import embed_all
from .many import Crowd, as_completed
from .reading import Until
from .reranking import rerank_all
from .schema import wanted
from .span import Span
from .stream import AsyncStream
from .tools import ToolLike, as_tools
from .turns import Turn, take

Item = Prompt | ChatCall | CompletionCall | EmbeddingCall | RerankCall
Answer = Reply | EmbeddingReply | RerankReply
CALLS = (ChatCall, CompletionCall, EmbeddingCall, RerankCall)
VIA_CHAT = "the prompt went as one user message to a chat operation: the model may answer instead of continuing"


class AsyncClient:
    """Reads the configuration (a Config, a file's path, or None for what the environment and the usual files say).

    `retry` replaces the configured policy, `transport` the network (for example `HttpxTransport(client)`), `secrets`
    the configured secrets, by provider: a string, or a function that gives one (azure-identity's token provider for
    Entra), called in a worker thread, and once more after a 401. `hooks` are functions that are told what happens,
    `observers` whatever counts and traces it (`Metrics`, `Tracing`). The client may be used from several event loops,
    one after another. `async with` or `aclose()` closes its connections.
    """

    def __init__(
        self,
        config: Config | str | Path | None = None,
        *,
        retry: Retry | None = None,
        transport: Transport | None = None,
        secrets: Mapping[str, str | Callable[[], str]] | None = None,
        hooks: Hooks | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._core = Core(config, retry, transport, secrets, observers, hooks)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(default_model={self.config.default_model!r})"

    @property
    def config(self) -> Config:
        """The configuration that was read."""
        return self._core.config

    async def chat(
        self,
        prompt: Prompt | ChatCall,
        *,
        schema: Any = None,
        tools: Iterable[ToolLike] = (),
        max_tool_rounds: int = 8,
        **options: Unpack[opt.ChatOptions],
    ) -> Reply:
        """One answer. `prompt` is a string, messages, the parts of a message, or a whole ChatCall.

        `schema` (a dataclass, a Struct, a pydantic model, a JSON schema) puts a validated object into `reply.parsed`;
        an answer that does not fit is sent back once. `tools` are plain functions: they are called, in a thread,
        for at most `max_tool_rounds` rounds; a `tool_choice` that demands one holds for the first answer alone. A
        `deadline_s` given here covers all of it, the configured one each request. Raises TramiteError.
        """
        return (await self.turn(prompt, schema, as_tools(tools), max_tool_rounds, options)).reply

    async def turn(
        self,
        prompt: Prompt | ChatCall,
        schema: Any,
        tools: Sequence[Any],
        max_tool_rounds: int,
        options: opt.ChatOptions,
    ) -> Turn:
        """`chat`, with the messages that were added on the way (for conversations)."""
        settings, delivery = opt.split(options)
        form = wanted(schema) if schema is not None else None
        if form is not None:
            settings.setdefault("response_format", form.response_format)
        call = opt.chat_call(prompt, settings, tools)
        if form is None and not call.tools:
            reply = await self._core.ask(call, delivery)
            return Turn(reply, (reply.message,))
        span = Span(delivery.get("deadline_s"))
        return await take(call, self._asking(delivery, span), form, max_tool_rounds, span)

    def stream(
        self,
        prompt: Prompt | ChatCall,
        *,
        until: Until | None = None,
        tools: Iterable[ToolLike] = (),
        **options: Unpack[opt.ChatOptions],
    ) -> AsyncStream:
        """An answer as it is written; it ends when `until(text so far)` is true.

        Tools that the model asks for are reported (`ToolCallDelta`, `reply.tool_calls`), not called.
        """
        settings, delivery = opt.split(options)
        call = opt.chat_call(prompt, settings, as_tools(tools))
        return AsyncStream(self._core.source(call, delivery), until)

    async def complete(
        self,
        prompt: str | CompletionCall,
        *,
        via: Literal["chat"] | None = None,
        **options: Unpack[opt.CompletionOptions],
    ) -> Reply:
        """Text that continues the prompt. `via="chat"` sends it as a user message where a target has only chat."""
        settings, delivery = opt.split(options)
        call = opt.completion_call(prompt, settings)
        if via is None:
            reply: Reply = await self._core.ask(call, delivery)
            return reply
        reply = await self._core.ask(_as_chat(call, via), delivery)
        return msgspec.structs.replace(reply, notices=(*reply.notices, VIA_CHAT))

    def stream_complete(
        self,
        prompt: str | CompletionCall,
        *,
        until: Until | None = None,
        via: Literal["chat"] | None = None,
        **options: Unpack[opt.CompletionOptions],
    ) -> AsyncStream:
        """A completion as it is written."""
        settings, delivery = opt.split(options)
        call = opt.completion_call(prompt, settings)
        source = self._core.source(call if via is None else _as_chat(call, via), delivery)
        if via is not None:
            source.facts.notices.append(VIA_CHAT)
        return AsyncStream(source, until)

    async def embed(
        self, inputs: str | Iterable[str] | EmbeddingCall, **options: Unpack[opt.EmbeddingOptions]
    ) -> EmbeddingReply:
        """One vector for each text, in order. Any number of texts: they are split to the provider's limits."""
        settings, delivery = opt.split(options)
        return await self._embed(opt.embedding_call(inputs, settings), delivery)

    async def rerank(
        self, query: str | RerankCall, texts: Iterable[str] = (), **options: Unpack[opt.RerankOptions]
    ) -> RerankReply:
        """The texts by how well they answer the query, the best first; `top_n` of them. Any number of texts."""
        settings, delivery = opt.split(options)
        return await self._rerank(opt.rerank_call(query, texts, settings), delivery)

    async def count_tokens(self, prompt: Prompt, *, model: str | None = None) -> TokenCount:
        """How many tokens the texts of a prompt have: exact where a tokenizer is at hand, else what was learned.

        A tokenizer is named in `[models."provider/model"]`, or is an encoding that tiktoken has on disk.
        """
        messages = as_messages(prompt)
        target = str((await self._core.endpoint(model, "chat", {})).target)
        facts = self.config.models.get(target)
        tokenizer = Path(facts.tokenizer) if facts is not None and facts.tokenizer else None
        text = "\n".join(message.text for message in messages)
        return await count(text, target, tokenizer, self._core.ratios)

    async def models(self, provider: str | None = None) -> list[ModelInfo]:
        """What a provider offers (None: the default model's provider)."""
        reply = await self._core.ask(ModelsCall(model=f"{provider}/" if provider else None), {})
        return list(reply.models)

    def map(
        self,
        calls: Iterable[Item] | AsyncIterable[Item],
        *,
        concurrency: int = 16,
        **options: Unpack[opt.ChatOptions],
    ) -> AsyncGenerator[tuple[int, Answer | TramiteError], None]:
        """Many calls, at most `concurrency` at once: position and reply, or error, as each ends.

        What `chat` takes as a prompt is a chat. The options are laid over every call; a call that they do not fit is an
        error in its place. `deadline_s` is for each of them.
        """
        return as_completed(self.crowd(calls, concurrency, options), calls)

    def crowd(
        self, calls: Iterable[Item] | AsyncIterable[Item], concurrency: int, options: opt.ChatOptions
    ) -> Crowd[Item, Answer]:
        """The workers of `map`. Raises InvalidCall."""
        if isinstance(calls, str | Mapping):
            raise InvalidCall(f"map takes many calls, got one {type(calls).__name__}: put it in a list", "calls")
        settings, delivery = opt.split(options)

        async def work(item: Item) -> Answer:
            call = item if isinstance(item, CALLS) else ChatCall(messages=as_messages(item))
            call = opt.changed(call, settings)
            if isinstance(call, EmbeddingCall):
                return await self._embed(call, delivery)
            if isinstance(call, RerankCall):
                return await self._rerank(call, delivery)
            reply: Reply = await self._core.ask(call, delivery)
            return reply

        return Crowd(work, concurrency)

    async def compare(
        self,
        prompt: str,
        targets: Sequence[str],
        *,
        styles: Sequence[Style] = STYLES,
        repeat: int = 1,
        **options: Unpack[opt.SamplingOptions],
    ) -> list[Comparison]:
        """One task through several targets and styles at once, `repeat` times each: a column for each of them.

        Replies are streamed, so that `timings.first_token_s` is known. An error stands in the place of its reply.
        """

        async def ask(target: str, style: Style) -> Reply:
            chosen: opt.SamplingOptions = {**options, "model": target}
            stream = self.stream(prompt, **chosen) if style == "chat" else self.stream_complete(prompt, **chosen)
            async with stream:
                async for _ in stream:
                    pass
            return stream.reply

        return await compare(ask, targets, styles, repeat)

    def conversation(
        self, system: str | None = None, *, tools: Iterable[ToolLike] = (), **options: Unpack[opt.ChatOptions]
    ) -> AsyncConversation:
        """A conversation that remembers; `options` hold for each of its turns."""
        return AsyncConversation(self, system, as_tools(tools), options)

    async def aclose(self) -> None:
        """Close the connections. The client may be used again; it opens new ones."""
        await self._core.aclose()

    async def _embed(self, call: EmbeddingCall, delivery: Mapping[str, Any]) -> EmbeddingReply:
        span = Span(delivery.get("deadline_s"))
        provider = (await self._core.endpoint(call.model, "embedding", delivery)).provider
        ask = self._asking(delivery, span)
        return await embed_all(call, ask, (provider.embed_batch, provider.embed_batch_bytes), span)

    async def _rerank(self, call: RerankCall, delivery: Mapping[str, Any]) -> RerankReply:
        span = Span(delivery.get("deadline_s"))
        provider = (await self._core.endpoint(call.model, "rerank", delivery)).provider
        ask = self._asking(delivery, span)
        return await rerank_all(call, ask, (provider.embed_batch, provider.embed_batch_bytes), span)

    def _asking(self, delivery: Mapping[str, Any], span: Span) -> Callable[[Any], Awaitable[Any]]:
        return partial(self._core.ask, delivery=delivery, span=span)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _as_chat(call: CompletionCall, via: str) -> ChatCall:
    """The same settings with the prompt as one user message. Raises InvalidCall for what only completions have."""
    if via != "chat":
        raise InvalidCall(f"via must be 'chat' or None, got {via!r}", "via")
    if call.suffix is not None or call.echo:
        raise InvalidCall("suffix and echo have no meaning in a chat: leave them out, or leave out via", "via")
    settings = {name: value for name, value in msgspec.structs.asdict(call).items() if name in _SHARED}
    return ChatCall(messages=(user(call.prompt),), **settings)


_SHARED = frozenset(ChatCall.__struct_fields__) & frozenset(CompletionCall.__struct_fields__)
