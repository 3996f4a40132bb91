from __future__ import annotations
from typing import Any
from tramite.dialects.base import Dialect, Encoded, Operation, Signals, Target
from tramite.errors import TramiteError
from tramite.wire.frames import Frame
class StreamMapper:
    def read_from(self, operation: Operation) -> None: ...
    def map(self, frames: list[Frame]) -> list[Frame]: raise NotImplementedError
    def end(self) -> list[Frame]: raise NotImplementedError
    def error(self, error: TramiteError) -> list[Frame]: raise NotImplementedError
class Translation:
    def __init__(self, operation: Operation, call: Any) -> None: ...
    def encode(self, dialect: Dialect, target: Target) -> Encoded: raise NotImplementedError
    def whole(self, operation: Operation, body: bytes) -> tuple[bytes, Signals]: raise NotImplementedError
    def stream(self) -> StreamMapper: raise NotImplementedError
