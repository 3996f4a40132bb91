"""The bodies of the administration, as pydantic models: what is taken, what is given back. Decides nothing."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from tramite.store.key_terms import MOST_ENTRIES, Written

FAILURES = {
    400: "What was asked is not possible.",
    401: "The admin key is missing or wrong.",
    403: "Without an admin key, this is for this machine alone.",
    404: "There is no such key.",
    409: "Another key has this name.",
    422: "The request does not have the form it must have.",
    503: "The store cannot be reached.",
}

KeyName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$", description="A key's name or id.")]
Rate = Annotated[float, Field(gt=0, le=1e12)]


class _Body(BaseModel):
    """Nothing that is not known, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LimitsBody(_Body):
    """Those that are left out or null do not hold."""

    requests_per_second: Rate | None = None
    requests_per_minute: Rate | None = None
    requests_per_day: Rate | None = None
    tokens_per_minute: Rate | None = None
    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class TermsBody(_Body):
    """What a key may do. Null or an empty list takes a restriction away."""

    models: list[str] | None = Field(None, max_length=MOST_ENTRIES, examples=[["fast", "azure/*"]])
    addresses: list[str] | None = Field(None, max_length=MOST_ENTRIES, examples=[["10.0.0.0/8"]])
    limits: LimitsBody | None = None
    budget: list[str] | None = Field(None, max_length=MOST_ENTRIES, examples=[["50/month"]])
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    expires: str | None = Field(None, examples=["90d", "2027-06-30"])

    def written(self, before: Written | None = None) -> Written:
        """These terms; with `before`, what is not named stays as it was."""
        said: dict[str, Any] = self.model_dump(include={*Written.__struct_fields__} & self.model_fields_set)
        for name in ("models", "addresses", "budget"):
            if name in said:
                said[name] = tuple(said[name] or ())
        if "limits" in said:
            said["limits"] = {name: value for name, value in (said["limits"] or {}).items() if value is not None}
        if said.get("budget") == () and said.get("max_output_tokens") is None:
            said["max_output_tokens"] = None
        return msgspec.structs.replace(before or Written(), **said)


class NewKey(TermsBody):
    """A key that is to be made."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")


class Rotation(_Body):
    """For how many seconds the old secret is good too."""

    grace_s: Annotated[float, Field(ge=0, le=365 * 86_400)] = 0.0


class SpentBody(BaseModel):
    """One cap of a budget, in billionths of a dollar."""

    cap: str
    spent_nanousd: int
    held_nanousd: int
    left_nanousd: int


class KeyBody(BaseModel):
    """A key, without its secret. Moments are UTC; null is never, or none."""

    id: str
    name: str
    state: str
    models: list[str]
    addresses: list[str]
    limits: LimitsBody
    budget: list[str]
    max_output_tokens: int | None
    expires: str | None
    spent: list[SpentBody]
    created: str
    last_used: str | None
    revoked: str | None
    old_secret_until: str | None


class MadeBody(KeyBody):
    """A key, and its secret, which nothing can show again."""

    secret: str


class UsageBody(BaseModel):
    """What entries of the ledger add up to. Null is unknown."""

    group: dict[str, str]
    attempts: int
    requests: int
    errors: int
    under_way: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_nanousd: int | None
    unknown_cost: int
    first_token_p50_s: float | None
    first_token_p95_s: float | None
    total_p50_s: float | None
    total_p95_s: float | None


class SettingBody(BaseModel):
    """One setting, as people are shown it."""

    key: str
    value: str
    origin: str


class ConfigBody(BaseModel):
    """The configuration that is at work."""

    settings: list[SettingBody]
    warnings: list[str]


class ErrorSaid(BaseModel):
    """What went wrong, and what to do."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Every error."""

    error: ErrorSaid
