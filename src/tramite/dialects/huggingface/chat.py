"""Chats and the list of models: OpenAI's format, one step further down than the router's and TGI's base URL."""

from __future__ import annotations

import msgspec

from tramite.calls import ChatCall, ModelsCall
from tramite.dialects.base import Encoded, Target
from tramite.dialects.openai.chat import Chat as OpenAIChat
from tramite.dialects.openai.models import Models as OpenAIModels

from .paths import model_of

V1 = "/v1"


class Chat(OpenAIChat):
    """See `dialects.base.Operation`. What follows a colon in the model's name is the router's to read."""

    def encode(self, call: ChatCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/v1/chat/completions`."""
        said = super().encode(call, target, stream)
        return Encoded(V1 + said.path, said.body, notices=said.notices)

    def decode_call(self, body: bytes, path: str) -> tuple[ChatCall, bool]:
        """The call that a client sent; a path with a model (the router's, per model) outranks the body."""
        call, stream = super().decode_call(body, path)
        named = model_of(path)
        return (msgspec.structs.replace(call, model=named) if named else call), stream


class Models(OpenAIModels):
    """See `dialects.base.Operation`."""

    def encode(self, call: ModelsCall, target: Target, stream: bool) -> Encoded:
        """The call as a request to `/v1/models`."""
        said = super().encode(call, target, stream)
        return Encoded(V1 + said.path, said.body, method=said.method)
