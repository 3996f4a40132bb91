"""Operations that are answered at once: what they say to whoever wants a stream; lists of models. Knows no shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NoReturn

from tramite.calls import Kind, ModelsCall
from tramite.errors import ProviderError, Unsupported
from tramite.replies import ModelInfo, ModelsReply

from .base import Signals, StreamReader, StreamWriter, Watcher


class Unstreamed:
    """The half of `base.Operation` that is about streams."""

    kind: Kind
    dialect: ClassVar[str]

    def not_streamed(self) -> NoReturn:
        """Raises `Unsupported`."""
        raise Unsupported(f"the {self.dialect} dialect does not stream the {self.kind} operation", "stream")

    def reader(self, call: Any) -> StreamReader:
        """Raises `Unsupported`."""
        self.not_streamed()

    def watcher(self, n: int) -> Watcher:
        """Raises `Unsupported`."""
        self.not_streamed()

    def writer(self, call: Any) -> StreamWriter:
        """Raises `Unsupported`."""
        self.not_streamed()


class ModelList(Unstreamed, ABC):
    """A list of models, as far as it is the same everywhere."""

    kind: Kind = "models"

    @abstractmethod
    def listed(self, body: bytes) -> list[ModelInfo] | ProviderError:
        """The models in the body, or why there are none. Never raises."""

    def decode(self, body: bytes) -> ModelsReply:
        """The models. Raises `BadReply`, or the error that the body carries."""
        listed = self.listed(body)
        if isinstance(listed, ProviderError):
            raise listed
        return ModelsReply(models=tuple(listed))

    def judge(self, body: bytes) -> Signals:
        """Signals of a whole body: it has succeeded when it is a list, empty or not."""
        listed = self.listed(body)
        if isinstance(listed, ProviderError):
            return Signals(error=listed)
        return Signals(proof=True, finish="stop")

    def decode_call(self, body: bytes, path: str) -> tuple[ModelsCall, bool]:
        """There is nothing in it: pages are not cut smaller."""
        return ModelsCall(), False
