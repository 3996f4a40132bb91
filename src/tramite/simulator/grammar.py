"""A simulated model's name as a scenario, and back. Knows the grammar, not what the faults do.

name   = ["sim/"] item *("," item)
item   = word ["@" tokens] ["=" value] *(":" (key "=" value | value))     cut@40   429:retry-after=2:times=1
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct

from .faults import KNOWN, Fault, Flaky, Item, Manner, Status, When

I = TypeVar("I", bound=Item)  # noqa: E741

_ITEM = re.compile(r"([a-z0-9-]+)(?:@([^:=]*))?(?:=([^:]*))?((?::[^:]*)*)")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WORDS = {fault: word for word, fault in KNOWN.items()}


class UnknownFault(ValueError):
    """This model name is none of the simulator's; the message offers the nearest."""


class Scenario(Struct, frozen=True):
    """What a model's name asks for."""

    items: tuple[Item, ...] = ()

    def find(self, kind: type[I]) -> I | None:
        """The item of this kind, if the name has it."""
        for item in self.items:
            if isinstance(item, kind):
                return item
        return None

    def active(self, number: int, seed: int) -> Scenario:
        """What holds for a client's request of this number (from 0) for this model."""
        if all(isinstance(item, Manner) for item in self.items):
            return self
        hit = all(_hits(item, number, seed, self) for item in self.items if isinstance(item, When))
        items = [item for item in self.items if _holds(item, number, hit)]
        if hit and self.find(When) and not any(isinstance(item, Fault) for item in self.items):
            items.append(Status(status=500))
        return Scenario(tuple(items))

    def __str__(self) -> str:
        return ",".join(_render(item) for item in self.items)


def _hits(when: When, number: int, seed: int, scenario: Scenario) -> bool:
    if isinstance(when, Flaky):
        draw = crc32(f"{seed} {number} {scenario}".encode()) / 2**32
        return draw < when.share
    return number % 2 == 1


def _holds(item: Item, number: int, hit: bool) -> bool:
    if isinstance(item, Fault):
        return hit and (item.times is None or number < item.times)
    return not isinstance(item, When)


@lru_cache(maxsize=4096)
def parse(model: str) -> Scenario:
    """The scenario of a model's name, with or without `sim/`. Raises UnknownFault."""
    items = tuple(_item(text, model) for text in model.removeprefix("sim/").split(","))
    kinds = [type(item) for item in items]
    twice = next((kind for kind in kinds if kinds.count(kind) > 1 and kind is not Status), None)
    if twice is not None:
        raise UnknownFault(f"{model!r} says {_WORDS[twice]} twice")
    return Scenario(items)


def _item(text: str, model: str) -> Item:
    match = _ITEM.fullmatch(text.strip())
    word = match[1] if match else text
    kind = Status if word.isascii() and word.isdigit() else KNOWN.get(word)
    if match is None or kind is None:
        raise UnknownFault(_unknown(word, model))
    options: dict[str, str] = {"status": word} if kind is Status else {}
    if match[2] is not None:
        options["at"] = match[2]
    values = [match[3]] if match[3] is not None else []
    for value in values + match[4].split(":")[1:]:
        key, equals, rest = value.partition("=")
        if not equals:
            key, rest = _main(kind), value
        if key in options:
            raise UnknownFault(f"{text!r} in the model {model!r} gives {key or 'a value'} twice")
        options[key] = rest
    try:
        return msgspec.convert({k: _plain(v) for k, v in options.items()}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UnknownFault(f"{text!r} in the model {model!r}: {error}. {_usage(word, kind)}") from error


def _main(kind: type[Item]) -> str:
    """The name on the wire of the option that needs none."""
    return next((f.encode_name for f in msgspec.structs.fields(kind) if f.name == kind.main), "")


def _plain(value: str) -> str:
    """A time with its unit, as seconds."""
    match = _SECONDS.fullmatch(value)
    return repr(float(match[1]) * _UNITS[match[2]]) if match else value


def _unknown(word: str, model: str) -> str:
    near = difflib.get_close_matches(word, [*KNOWN, "429", "500", "503"], n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(KNOWN)}, and 400 … 599"
    return f"the simulator has no model {model!r}: {word!r} is not a fault; {hint}"


def _usage(word: str, kind: type[Item]) -> str:
    names = [f.encode_name for f in msgspec.structs.fields(kind) if f.name != "status"]
    at = "@TOKENS" if "at" in names else ""
    options = "".join(f"[:{name}=…]" for name in names if name != "at")
    return f"It is written {word}{at}{options}"


def _render(item: Item) -> str:
    options = msgspec.to_builtins(item)
    word = str(options.pop("status")) if isinstance(item, Status) else _WORDS[type(item)]
    at = options.pop("at", None)
    tail = "".join(f":{key}={_value(value)}" for key, value in options.items())
    return f"{word}{'' if at is None else f'@{at}'}{tail}"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
