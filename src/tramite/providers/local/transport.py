"""Local models as a provider: calls checked, handed to the machine, heard on the loop. Knows no wire format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from tramite.calls import ChatCall, CompletionCall, EmbeddingCall, ModelsCall
from tramite.events import Event, Finished, TextDelta, UsageReported
from tramite.messages import assistant
from tramite.providers.rows import Provider
from tramite.providers.serving import Serving
from tramite.replies import Choice, EmbeddingReply, Finish, ModelsReply, Reply, Usage

from . import embedding, listing, places, settings, telling
from .machine import Job, Line, Loaded, Model, apart, machine


def transport(provider: Provider) -> Serving:
    """A transport to local models. Reads, loads and fetches nothing before the first call."""
    local = _Local(provider.allow_download)
    answers = {"chat": local.whole, "completion": local.whole, "embedding": local.embed, "models": local.models}
    return Serving(answers, local.tell)  # type: ignore[arg-type]  # the keys are kinds


class _Local:
    def __init__(self, allow_download: bool) -> None:
        self._allow_download = allow_download

    async def models(self, call: ModelsCall) -> ModelsReply:
        """What is on this machine. Raises MissingExtra."""
        return ModelsReply(models=await apart(partial(listing.models, machine.loaded)))

    async def tell(self, call: ChatCall | CompletionCall) -> _Telling:
        """An answer under way, once the model is loaded and has accepted the prompt."""
        settings.refuse_unsupported(call)
        line = await self._submit("text", call.model or "", _load_text, partial(telling.tell, call=call))
        under_way = _Telling(line)
        await under_way.begin()
        return under_way

    async def whole(self, call: ChatCall | CompletionCall) -> Reply:
        """The whole answer."""
        under_way = await self.tell(call)
        try:
            return await _assembled(call, under_way)
        finally:
            under_way.close()

    async def embed(self, call: EmbeddingCall) -> EmbeddingReply:
        """The vectors, by the recipe of the model's folder."""
        embedding.refuse_unsupported(call)
        line = await self._submit("vectors", call.model or "", _load_vectors, partial(embedding.embed, call=call))
        try:
            reply: EmbeddingReply = await line.hear()
        finally:
            line.gone.set()
        return reply

    async def _submit(
        self,
        use: Literal["text", "vectors"],
        name: str,
        load: Callable[[Path], Loaded],
        work: Callable[..., None],
    ) -> Line:
        folder = await apart(partial(places.find, name, self._allow_download))
        line = Line()
        model = Model(name, folder, use)
        machine.submit(Job(model=model, load=partial(load, folder), work=partial(work, line=line), line=line))
        return line


class _Telling:
    """See `serving.Telling`."""

    def __init__(self, line: Line) -> None:
        self.notices: tuple[str, ...] = ()
        self._line = line

    async def begin(self) -> None:
        """Wait for the model to begin. Raises what it refuses; leaves the line when nobody waits any more."""
        try:
            begun: telling.Begun = await self._line.hear()
        except BaseException:
            self.close()
            raise
        self.notices = begun.notices

    async def next(self) -> list[Event]:
        """The next events; none once the answer is whole."""
        item: list[Event] | telling.Told = await self._line.hear()
        return [] if isinstance(item, telling.Told) else item

    def close(self) -> None:
        """End it at the next token."""
        self._line.gone.set()


async def _assembled(call: ChatCall | CompletionCall, under_way: _Telling) -> Reply:
    text: list[str] = []
    finish: Finish = "unknown"
    usage = Usage()
    while events := await under_way.next():
        for event in events:
            match event:
                case TextDelta(text=more):
                    text.append(more)
                case Finished(finish=why):
                    finish = why
                case UsageReported(usage=counted):
                    usage = counted
    choice = Choice(assistant("".join(text)), finish)
    return Reply(choices=(choice,), usage=usage, model=call.model or "", notices=under_way.notices)


def _load_text(folder: Path) -> Loaded:
    from .text import TextModel

    return TextModel(folder)


def _load_vectors(folder: Path) -> Loaded:
    from .sentences import SentenceModel

    return SentenceModel(folder)
