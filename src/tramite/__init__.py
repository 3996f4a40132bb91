"""tramite: language models through APIs. The public names, each loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calls import ChatCall as ChatCall
    from .calls import CompletionCall as CompletionCall
    from .calls import EmbeddingCall as EmbeddingCall
    from .calls import RerankCall as RerankCall
    from .calls import ResponseFormat as ResponseFormat
    from .calls import Tool as Tool
    from .client.asynchronous import AsyncClient as AsyncClient
    from .client.comparing import Comparison as Comparison
    from .client.conversation import AsyncConversation as AsyncConversation
    from .client.conversation import Conversation as Conversation
    from .client.stream import AsyncStream as AsyncStream
    from .client.synchronous import Client as Client
    from .client.synchronous import Stream as Stream
    from .config import Config as Config
    from .errors import AuthenticationFailed as AuthenticationFailed
    from .errors import BadReply as BadReply
    from .errors import BudgetExceeded as BudgetExceeded
    from .errors import ConfigError as ConfigError
    from .errors import ConnectFailed as ConnectFailed
    from .errors import ConnectionBroken as ConnectionBroken
    from .errors import ContentFiltered as ContentFiltered
    from .errors import ContextTooLong as ContextTooLong
    from .errors import DeadlineExceeded as DeadlineExceeded
    from .errors import IncompleteStream as IncompleteStream
    from .errors import InvalidCall as InvalidCall
    from .errors import LimitExceeded as LimitExceeded
    from .errors import MissingExtra as MissingExtra
    from .errors import MissingSecret as MissingSecret
    from .errors import ModelLoading as ModelLoading
    from .errors import ModelNotFound as ModelNotFound
    from .errors import NoModelConfigured as NoModelConfigured
    from .errors import Overloaded as Overloaded
    from .errors import ProviderError as ProviderError
    from .errors import QuotaExhausted as QuotaExhausted
    from .errors import ReplyRefused as ReplyRefused
    from .errors import RequestRejected as RequestRejected
    from .errors import SchemaMismatch as SchemaMismatch
    from .errors import StoreFailed as StoreFailed
    from .errors import Throttled as Throttled
    from .errors import TimedOut as TimedOut
    from .errors import ToolLoopExceeded as ToolLoopExceeded
    from .errors import TramiteError as TramiteError
    from .errors import UnknownProvider as UnknownProvider
    from .errors import Unsupported as Unsupported
    from .errors import UntrustedConfig as UntrustedConfig
    from .events import Event as Event
    from .events import Finished as Finished
    from .events import Loading as Loading
    from .events import ModelReported as ModelReported
    from .events import Noticed as Noticed
    from .events import OpaqueDelta as OpaqueDelta
    from .events import ReasoningDelta as ReasoningDelta
    from .events import RefusalDelta as RefusalDelta
    from .events import Restarted as Restarted
    from .events import Retrying as Retrying
    from .events import Started as Started
    from .events import TextDelta as TextDelta
    from .events import ToolCallDelta as ToolCallDelta
    from .events import UsageReported as UsageReported
    from .messages import Audio as Audio
    from .messages import Image as Image
    from .messages import Message as Message
    from .messages import Opaque as Opaque
    from .messages import Reasoning as Reasoning
    from .messages import Refusal as Refusal
    from .messages import Text as Text
    from .messages import ToolCall as ToolCall
    from .messages import assistant as assistant
    from .messages import system as system
    from .messages import tool_result as tool_result
    from .messages import user as user
    from .pipeline.retry import Retry as Retry
    from .providers.token_counts import TokenCount as TokenCount
    from .replies import Attempt as Attempt
    from .replies import Choice as Choice
    from .replies import EmbeddingReply as EmbeddingReply
    from .replies import ModelInfo as ModelInfo
    from .replies import Ranked as Ranked
    from .replies import Reply as Reply
    from .replies import RerankReply as RerankReply
    from .replies import Timings as Timings
    from .replies import TokenLogprob as TokenLogprob
    from .replies import Usage as Usage
    from .wire.httpx_client import HttpxTransport as HttpxTransport

    __version__: str

_MODULES = {
    "errors": (
        "AuthenticationFailed",
        "BadReply",
        "BudgetExceeded",
        "ConfigError",
        "ConnectFailed",
        "ConnectionBroken",
        "ContentFiltered",
        "ContextTooLong",
        "DeadlineExceeded",
        "IncompleteStream",
        "InvalidCall",
        "LimitExceeded",
        "MissingExtra",
        "MissingSecret",
        "ModelLoading",
        "ModelNotFound",
        "NoModelConfigured",
        "Overloaded",
        "ProviderError",
        "QuotaExhausted",
        "ReplyRefused",
        "RequestRejected",
        "SchemaMismatch",
        "StoreFailed",
        "Throttled",
        "TimedOut",
        "ToolLoopExceeded",
        "TramiteError",
        "UnknownProvider",
        "Unsupported",
        "UntrustedConfig",
    ),
    "messages": (
        "Audio",
        "Image",
        "Message",
        "Opaque",
        "Reasoning",
        "Refusal",
        "Text",
        "ToolCall",
        "assistant",
        "system",
        "tool_result",
        "user",
    ),
    "calls": (
        "ChatCall",
        "CompletionCall",
        "EmbeddingCall",
        "RerankCall",
        "ResponseFormat",
        "Tool",
    ),
    "replies": (
        "Attempt",
        "Choice",
        "EmbeddingReply",
        "ModelInfo",
        "Ranked",
        "Reply",
        "RerankReply",
        "Timings",
        "TokenLogprob",
        "Usage",
    ),
    "events": (
        "Event",
        "Finished",
        "Loading",
        "ModelReported",
        "Noticed",
        "OpaqueDelta",
        "ReasoningDelta",
        "RefusalDelta",
        "Restarted",
        "Retrying",
        "Started",
        "TextDelta",
        "ToolCallDelta",
        "UsageReported",
    ),
    "config": ("Config",),
    "pipeline.retry": ("Retry",),
    "providers.token_counts": ("TokenCount",),
    "client.asynchronous": ("AsyncClient",),
    "client.synchronous": (
        "Client",
        "Stream",
    ),
    "client.stream": ("AsyncStream",),
    "client.comparing": ("Comparison",),
    "client.conversation": (
        "AsyncConversation",
        "Conversation",
    ),
    "wire.httpx_client": ("HttpxTransport",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AsyncClient",
    "AsyncConversation",
    "AsyncStream",
    "Attempt",
    "Audio",
    "AuthenticationFailed",
    "BadReply",
    "BudgetExceeded",
    "ChatCall",
    "Choice",
    "Client",
    "Comparison",
    "CompletionCall",
    "Config",
    "ConfigError",
    "ConnectFailed",
    "ConnectionBroken",
    "ContentFiltered",
    "ContextTooLong",
    "Conversation",
    "DeadlineExceeded",
    "EmbeddingCall",
    "EmbeddingReply",
    "Event",
    "Finished",
    "HttpxTransport",
    "Image",
    "IncompleteStream",
    "InvalidCall",
    "LimitExceeded",
    "Loading",
    "Message",
    "MissingExtra",
    "MissingSecret",
    "ModelInfo",
    "ModelLoading",
    "ModelNotFound",
    "ModelReported",
    "NoModelConfigured",
    "Noticed",
    "Opaque",
    "OpaqueDelta",
    "Overloaded",
    "ProviderError",
    "QuotaExhausted",
    "Ranked",
    "Reasoning",
    "ReasoningDelta",
    "Refusal",
    "RefusalDelta",
    "Reply",
    "ReplyRefused",
    "RequestRejected",
    "RerankCall",
    "RerankReply",
    "ResponseFormat",
    "Restarted",
    "Retry",
    "Retrying",
    "SchemaMismatch",
    "Started",
    "StoreFailed",
    "Stream",
    "Text",
    "TextDelta",
    "Throttled",
    "TimedOut",
    "Timings",
    "TokenCount",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolLoopExceeded",
    "TramiteError",
    "UnknownProvider",
    "Unsupported",
    "UntrustedConfig",
    "Usage",
    "UsageReported",
    "__version__",
    "assistant",
    "system",
    "tool_result",
    "user",
]


if not TYPE_CHECKING:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("tramite")
        module = _HOME.get(name)
        if module is None:
            raise AttributeError(f"module 'tramite' has no attribute {name!r}")
        value = getattr(import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
