"""Client: the asynchronous client on one background thread. No logic of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, RerankCall
from tramite.config import Config
from tramite.errors import TramiteError
from tramite.events import Event
from tramite.messages import Prompt
from tramite.pipeline.hooks import Hooks
from tramite.pipeline.observing import Observer
from tramite.pipeline.retry import Retry
from tramite.providers.token_counts import TokenCount
from tramite.replies import EmbeddingReply, ModelInfo, Reply, RerankReply
from tramite.wire.seam import Transport

from . import options as opt
from .asynchronous import Answer, AsyncClient, Item
from .comparing import STYLES, Comparison, Style
from .conversation import Conversation
from .many import Crowd
from .portal import Home, Portal
from .reading import Until
from .stream import AsyncStream, InUse
from .tools import ToolLike, as_tools
from .turns import Turn


class Client:
    """`AsyncClient` for callers without an event loop: the same names and arguments, safe from many threads.

    `with` or `close()` ends its thread; if neither happens, the interpreter's exit does.
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
        self._async = AsyncClient(
            config, retry=retry, transport=transport, secrets=secrets, hooks=hooks, observers=observers
        )
        self._portal = Portal()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(default_model={self.config.default_model!r})"

    @property
    def config(self) -> Config:
        """The configuration that was read."""
        return self._async.config

    def chat(
        self,
        prompt: Prompt | ChatCall,
        *,
        schema: Any = None,
        tools: Iterable[ToolLike] = (),
        max_tool_rounds: int = 8,
        **options: Unpack[opt.ChatOptions],
    ) -> Reply:
        """See `AsyncClient.chat`."""
        return self.turn(prompt, schema, as_tools(tools), max_tool_rounds, options).reply

    def turn(
        self,
        prompt: Prompt | ChatCall,
        schema: Any,
        tools: Sequence[Any],
        max_tool_rounds: int,
        options: opt.ChatOptions,
    ) -> Turn:
        """See `AsyncClient.turn`."""
        return self._portal.call(self._async.turn(prompt, schema, tools, max_tool_rounds, options))

    def stream(
        self,
        prompt: Prompt | ChatCall,
        *,
        until: Until | None = None,
        tools: Iterable[ToolLike] = (),
        **options: Unpack[opt.ChatOptions],
    ) -> Stream:
        """See `AsyncClient.stream`."""
        return Stream(self._portal, self._async.stream(prompt, until=until, tools=tools, **options))

    def complete(
        self,
        prompt: str | CompletionCall,
        *,
        via: Literal["chat"] | None = None,
        **options: Unpack[opt.CompletionOptions],
    ) -> Reply:
        """See `AsyncClient.complete`."""
        return self._portal.call(self._async.complete(prompt, via=via, **options))

    def stream_complete(
        self,
        prompt: str | CompletionCall,
        *,
        until: Until | None = None,
        via: Literal["chat"] | None = None,
        **options: Unpack[opt.CompletionOptions],
    ) -> Stream:
        """See `AsyncClient.stream_complete`."""
        stream = self._async.stream_complete(prompt, until=until, via=via, **options)
        return Stream(self._portal, stream)

    def embed(
        self, inputs: str | Iterable[str] | EmbeddingCall, **options: Unpack[opt.EmbeddingOptions]
    ) -> EmbeddingReply:
        """See `AsyncClient.embed`."""
        return self._portal.call(self._async.embed(inputs, **options))

    def rerank(
        self, query: str | RerankCall, texts: Iterable[str] = (), **options: Unpack[opt.RerankOptions]
    ) -> RerankReply:
        """See `AsyncClient.rerank`."""
        return self._portal.call(self._async.rerank(query, texts, **options))

    def count_tokens(self, prompt: Prompt, *, model: str | None = None) -> TokenCount:
        """See `AsyncClient.count_tokens`."""
        return self._portal.call(self._async.count_tokens(prompt, model=model))

    def models(self, provider: str | None = None) -> list[ModelInfo]:
        """See `AsyncClient.models`."""
        return self._portal.call(self._async.models(provider))

    def map(
        self, calls: Iterable[Item], *, concurrency: int = 16, **options: Unpack[opt.ChatOptions]
    ) -> Generator[tuple[int, Answer | TramiteError], None, None]:
        """See `AsyncClient.map`. The calls are taken in the caller's thread, whenever there is room for more."""
        return self._results(enumerate(calls), self._async.crowd(calls, concurrency, options))

    def _results(
        self, calls: Iterator[tuple[int, Item]], crowd: Crowd[Item, Answer]
    ) -> Generator[tuple[int, Answer | TramiteError], None, None]:
        home = None
        try:
            while (result := self._portal.call(crowd.step(_taken(calls, crowd)), home)) is not None:
                home = self._portal.home
                yield result
        finally:
            self._portal.call(crowd.close(), home)

    def compare(
        self,
        prompt: str,
        targets: Sequence[str],
        *,
        styles: Sequence[Style] = STYLES,
        repeat: int = 1,
        **options: Unpack[opt.SamplingOptions],
    ) -> list[Comparison]:
        """See `AsyncClient.compare`."""
        return self._portal.call(self._async.compare(prompt, targets, styles=styles, repeat=repeat, **options))

    def conversation(
        self, system: str | None = None, *, tools: Iterable[ToolLike] = (), **options: Unpack[opt.ChatOptions]
    ) -> Conversation:
        """See `AsyncClient.conversation`."""
        return Conversation(self, system, as_tools(tools), options)

    def close(self) -> None:
        """Close connections and thread (the loop's end closes what is open on it). The client may be used again."""
        self._portal.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Stream:
    """A reply as it is written. Iterate it for events, `text` for strings, `snapshots` for the text so far.

    Leave it by its end, by `close()`, by leaving `with`, or by Ctrl-C: the provider is told at once.
    """

    def __init__(self, portal: Portal, stream: AsyncStream) -> None:
        self._portal = portal
        self._stream = stream
        self._home: Home | None = None
        self._on_end: list[Callable[[Reply], None]] = []

    def __repr__(self) -> str:
        return repr(self._stream).replace("AsyncStream", type(self).__name__, 1)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Event:
        event = self._stream.reading.take()
        if event is None:
            self._fill()
            event = self._stream.reading.take()
            if event is None:
                raise StopIteration
        return event

    @property
    def text(self) -> Generator[str, None, None]:
        """The first choice's text, in pieces. Ends the stream when it is left early."""
        return self._texts(whole=False)

    @property
    def snapshots(self) -> Generator[str, None, None]:
        """The first choice's text so far, after each piece; from nothing again where the stream restarts."""
        return self._texts(whole=True)

    @property
    def reply(self) -> Reply:
        """The whole reply. Raises RuntimeError before the end, and the stream's error after a failure."""
        return self._stream.reply

    def on_end(self, tell: Callable[[Reply], None]) -> None:
        """Call `tell` once, in the reader's thread, when the stream has ended well or was stopped."""
        self._on_end.append(tell)

    def close(self) -> None:
        """Stop reading; what came so far is in `reply`, with finish `stopped`. Idempotent, from any thread."""
        # At the interpreter's end the portal has ended everything, and no thread can be started to say so again.
        if not self._stream.over and not sys.is_finalizing():
            self._portal.call(self._stream.close(), self._home)
        self._tell()

    def _fill(self) -> None:
        try:
            self._portal.call(self._stream.fill(), self._home)  # one hop for all the frames that have come
            self._home = self._home or self._portal.home
        except Exception:
            raise  # it has ended, or is in another's hands
        except BaseException:  # Ctrl-C above all
            self.close()
            raise
        self._tell()

    def _tell(self) -> None:
        """Here and not on the loop, where `AsyncStream` would do it: these functions are the user's."""
        while self._on_end and self._stream.over and self._stream.reading.error is None:
            self._on_end.pop(0)(self.reply)

    def _texts(self, whole: bool) -> Generator[str, None, None]:
        try:
            while True:
                yield from self._stream.reading.texts(whole)
                if self._stream.over:
                    return
                self._fill()
        except InUse:
            raise  # it is another's to close
        except BaseException:
            self.close()
            raise


def _taken(calls: Iterator[tuple[int, Item]], crowd: Crowd[Item, Answer]) -> list[tuple[int, Item]]:
    """As many as there is room for. If taking them fails, those before are not lost."""
    taken: list[tuple[int, Item]] = []
    try:
        while len(taken) < crowd.room and (call := next(calls, None)) is not None:
            taken.append(call)
    except Exception as error:  # noqa: BLE001 - whatever it is, `crowd` raises it when the others are done
        crowd.fail(error)
    return taken
