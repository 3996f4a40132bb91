"""Which keys a configuration may have, and what each of them takes. Reads nothing; knows no file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tramite.providers import addresses

from . import money
from .model import FAILOVER, Cap

DIALECTS = ("openai", "openai-responses", "anthropic", "gemini", "huggingface")
AUTHS = ("bearer", "api-key", "x-api-key", "x-goog-api-key", "none")
KINDS = ("chat", "completion", "embedding", "rerank", "models")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Rule(Struct, frozen=True):
    """What a key takes. `accept` returns the value in its one form, and raises ValueError for what it does not take."""

    expected: str
    accept: Callable[[Any], Any]
    read: Callable[[str], Any] = str
    """From an environment variable's text; raises ValueError."""
    secret: bool = False
    """The value is not shown, not even in an error."""


def _number(low: float, above: bool = False) -> Callable[[Any], float]:
    def accept(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= 1e12 or (above and value == low):
            raise ValueError
        return float(value)

    return accept


def _count(high: int, what: str = "a whole number") -> Rule:
    def accept(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= high:
            raise ValueError
        return value

    return Rule(f"{what} from 1 to {high}", accept, int)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or any(char < " " for char in value):
        raise ValueError
    return value.strip()


def _one_of(*choices: str) -> Rule:
    def accept(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Rule(f"one of {', '.join(choices)}", accept)


def _list_of(item: Callable[[Any], str], expected: str) -> Rule:
    def accept(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        return tuple(item(one) for one in value)

    return Rule(expected, accept, lambda text: [one for one in text.split(",") if one.strip()])


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _starting(*beginnings: str, words: tuple[str, ...] = ()) -> Callable[[Any], str]:
    def accept(value: Any) -> str:
        text = _text(value)
        if text not in words and not text.startswith(beginnings):
            raise ValueError
        return text

    return accept


def _address(value: Any) -> str:
    return addresses.tidy(_text(value))


def _caps(value: Any) -> tuple[Cap, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts:
        raise ValueError
    return tuple(Cap(*money.cap(_text(text))) for text in texts)


def _weights(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError
    return tuple(map(_RATE.accept, value))


_NAME = Rule("a name", _text)
_BOOL = Rule("true or false", _flag, _read_flag)
_RATE = Rule("a number that is more than 0", _number(0, above=True))
_DOLLARS = Rule("dollars per million tokens, a number that is 0 or more", _number(0))
_SECONDS = Rule("seconds, a number that is more than 0", _number(0, above=True), float)
_WAIT = Rule("seconds, a number that is 0 or more", _number(0), float)
_TEMPERATURE = Rule("a number that is 0 or more", _number(0), float)
_ADDRESS = Rule(addresses.EXPECTED, _address)

TOP: Mapping[str, Rule] = {"default_model": _NAME, "default_provider": _NAME}

SECTIONS: Mapping[str, Mapping[str, Rule]] = {
    "retry": {
        "attempts": _count(100),
        "strategy": _one_of("fixed", "random", "exponential", "exponential_jitter"),
        "base_s": _WAIT,
        "max_s": _WAIT,
    },
    "timeouts": {
        "connect_s": _SECONDS,
        "write_s": _SECONDS,
        "pool_s": _SECONDS,
        "first_token_s": _SECONDS,
        "stall_s": _SECONDS,
        "max_wait_s": _WAIT,
        "start_timeout_s": _WAIT,
        "deadline_s": _SECONDS,
    },
    "store": {
        "url": Rule(
            "sqlite:///PATH or postgresql://…",
            _starting("sqlite:///", "postgresql://", "postgres://"),
        ),
        "keep_text": _BOOL,
        "keep_days": _count(36_500),
    },
    "state": {
        "url": Rule(
            "memory, file, redis://… or off",
            _starting("redis://", "rediss://", words=("memory", "file", "off")),
        ),
        "if_unreachable": _one_of("refuse", "local"),
    },
    "cache": {
        "enabled": _BOOL,
        "ttl_s": _SECONDS,
        "shared": _BOOL,
        "max_temperature": _TEMPERATURE,
    },
    "gateway": {
        "host": _NAME,
        "port": _count(65_535, "a port"),
        "workers": _count(1024),
        "hosts": _list_of(_text, "a list of names under which the gateway is reached, such as llm.example.org"),
        "origins": _list_of(_text, "a list of web pages' origins that may use it, such as https://app.example.org"),
        "max_body_mb": _count(1024),
        "max_requests": _count(1_000_000),
        "drain_s": _WAIT,
        "access_log": _BOOL,
    },
}

NAMED: Mapping[str, Mapping[str, Rule]] = {
    "providers": {
        "base_url": _ADDRESS,
        "endpoint": _ADDRESS,
        "api_version": _NAME,
        "api_key": Rule("text such as env:NAME, file:PATH, keyring:NAME or command:LINE", _text, secret=True),
        "dialect": _one_of(*DIALECTS),
        "auth": _one_of(*AUTHS),
        "kinds": _list_of(_one_of(*KINDS).accept, f"a list with some of {', '.join(KINDS)}"),
        "default_model": _NAME,
        "local": _BOOL,
        "allow_download": _BOOL,
        "embed_batch": _count(1_000_000),
        "embed_batch_bytes": _count(1_000_000_000),
        "max_tokens_field": _one_of("max_tokens", "max_completion_tokens"),
        "unsupported": _list_of(_text, "a list of settings that it refuses"),
        "include_usage": _BOOL,
        "base64_embeddings": _BOOL,
        "truncates": _BOOL,
        "developer_role": _BOOL,
        "prefill": _BOOL,
        "echoes": _list_of(_text, "a list of an answer's fields that it wants back"),
        "serves": _one_of("containers", "tgi", "tei", "openai", "task", "router"),
        "cold_starts": _BOOL,
        "scale_up_timeout_s": _SECONDS,
        "bill_to": _NAME,
    },
    "routes": {
        "targets": _list_of(_text, "a list of targets such as openai/gpt-4o-mini"),
        "choose": _one_of("ordered", "weighted", "cheapest", "fastest"),
        "weights": Rule("a list of numbers that are more than 0, one for each target", _weights),
        "failover": _list_of(_one_of(*FAILOVER).accept, f"a list with some of {', '.join(FAILOVER)}"),
        "cooldown_s": _WAIT,
        "on_stream_failure": _one_of("terminate", "restart", "continue"),
    },
    "limits": {
        "requests_per_second": _RATE,
        "requests_per_minute": _RATE,
        "requests_per_day": _RATE,
        "tokens_per_minute": _RATE,
        "concurrency": _count(1_000_000),
    },
    "budgets": {
        "limit": Rule(f"{money.EXPECTED}, or a list of these", _caps),
        "max_output_tokens": _count(10_000_000),
    },
    "models": {
        "input_per_million": _DOLLARS,
        "output_per_million": _DOLLARS,
        "context_tokens": _count(1_000_000_000),
        "tokenizer": Rule("the path of a tokenizer.json, or of its folder", _text),
    },
}

# One rule for all: TRAMITE_, the table, the key. Tables of tables have names of the user's own, which no variable could
# spell; they are configured in files.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    **{f"TRAMITE_{key.upper()}": (key,) for key in TOP},
    **{f"TRAMITE_{table.upper()}_{key.upper()}": (table, key) for table, keys in SECTIONS.items() for key in keys},
}

PLACES = ("TRAMITE_CONFIG", "TRAMITE_HOME", "TRAMITE_ADMIN_KEY", "TRAMITE_KEY_PEPPER")
"""Variables that cannot be part of the configuration: they say where it is, or are no file's business."""


def rule_for(path: tuple[str, ...]) -> Rule:
    """The rule of a key that is known to exist."""
    if len(path) == 1:
        return TOP[path[0]]
    if len(path) == 2:
        return SECTIONS[path[0]][path[1]]
    return NAMED[path[0]][path[2]]


def dotted(path: tuple[str, ...]) -> str:
    """A key as it is written in TOML: `retry.attempts`, `limits."mine/gpt-4o".concurrency`."""
    return ".".join(part if _BARE.fullmatch(part) else f'"{part}"' for part in path)
