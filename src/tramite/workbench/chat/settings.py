"""What a chat is set to, as it is kept with the conversation. Holds no secret. Knows no page."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
from msgspec import Struct

from tramite.calls import Effort, ResponseFormat
from tramite.errors import InvalidCall

EFFORTS: tuple[Effort, ...] = get_args(Effort)
SAMPLING = ("temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty", "seed")


class Settings(Struct, kw_only=True, omit_defaults=True):
    """None and empty: not sent, so that the provider's own default holds."""

    provider: str = ""
    """Empty for the configured default and routes."""
    endpoint: str = ""
    api_version: str = ""
    model: str = ""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: Effort | None = None
    schema: str = ""
    """A JSON schema that answers must fit."""
    system: str = ""
    tools: tuple[str, ...] = ()
    """Names of tools of ours."""
    own_tools: str = ""
    """Others, described as JSON; their results are typed by hand."""

    @property
    def target(self) -> str | None:
        """The model's full name; None for the default."""
        if not self.provider:
            return self.model or None
        return f"{self.provider}/{self.model}"

    def options(self) -> dict[str, Any]:
        """As keyword arguments of the client. Raises InvalidCall for a schema that is none."""
        given = {name: value for name in SAMPLING if (value := getattr(self, name)) is not None}
        given["model"] = self.target
        if self.stop:
            given["stop"] = self.stop
        if self.reasoning_effort:
            given["reasoning_effort"] = self.reasoning_effort
        if self.schema.strip():
            given["response_format"] = ResponseFormat("json_schema", schema=_object(self.schema, "schema"))
        return given


def read(kept: dict[str, Any]) -> Settings:
    """The settings that a conversation was kept with; the defaults for what is not as it should be."""
    try:
        return msgspec.convert(kept, Settings)
    except msgspec.ValidationError:
        return Settings()


def written(settings: Settings) -> dict[str, Any]:
    """As they are kept."""
    built: dict[str, Any] = msgspec.to_builtins(settings)
    return built


def _object(text: str, field: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"the {field} is not JSON: {error}", field) from None
    if not isinstance(value, dict):
        raise InvalidCall(f"the {field} is not a JSON object", field)
    return value
