"""`tramite limits`: which limits are counted, and how much of each is used now. Counts nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import form
from .terminal import Terminal, table

if TYPE_CHECKING:
    from tramite.config import Config
    from tramite.pipeline.limits.counted import Counted, Used

app = form.application()

EXAMPLES = """
Examples:
  tramite limits
  tramite limits --json
  tramite limits | grep openai/            in a pipe: one limit on each line
"""

HEADS = ["bucket", "limit", "at most", "says", "now"]
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, kw_only=True)
class Asked(form.Quiet):
    """What `limits` takes."""

    json: form.Json = False


@form.command(app, Asked, EXAMPLES)
def limits(given: Asked) -> None:
    """Show the limits that are counted: yours, those that providers told, and how much of each is used now.

    You set limits under [limits."provider/model"] in tramite.toml. Where they are counted is state.url.
    """
    import msgspec

    from tramite import config
    from tramite.client import governance

    from . import facts

    terminal = Terminal(given.quiet)
    found, none = _look(governance.for_programs(config.load()))
    if given.json:
        terminal.line(facts.json_text(msgspec.to_builtins(found)))
    elif found:
        table(HEADS, [row for bucket in found for row in _rows(bucket)], gives=3)
    if not found:
        terminal.warn(none)


def _look(settings: Config) -> tuple[list[Counted], str]:
    """What is counted, and why nothing is where nothing is. Raises ConfigError, MissingExtra, TramiteError."""
    if settings.state.url == "off":
        return [], "limits are neither kept nor counted: state.url is off"
    if settings.state.url == "memory":
        return [], (
            "state.url is memory: each process counts limits for itself, and nobody can look into it. "
            'With state.url = "file", the processes of this machine share them, and they are shown here'
        )
    from tramite.client import governance

    found = asyncio.run(governance.limits_in_use(settings))
    return found, f"nothing is counted {_where(settings)} now: no limit is in use"


def _where(settings: Config) -> str:
    from tramite.config.places import limits_dir
    from tramite.providers.addresses import without_password

    url = settings.state.url
    return f"in {limits_dir()}" if url == "file" else f"at {without_password(url)}"


def _rows(bucket: Counted) -> Iterator[list[str]]:
    for used in bucket.limits:
        yield [bucket.name, used.limit, _most(used), _says(used), _now(used)]
    if bucket.closed_s:
        yield [bucket.name, "closed", "", "the provider: too many requests", f"for {_time(bucket.closed_s)}"]
    elif not bucket.limits:
        in_flight = f"{bucket.in_flight:,} in flight" if bucket.in_flight else "in use"
        yield [bucket.name, "", "", "", in_flight]


def _most(used: Used) -> str:
    most = f"{used.most:,.10g}"
    return f"{most} at once" if used.window_s is None else f"{most} in {_time(used.window_s)}"


def _says(used: Used) -> str:
    return used.source if used.told_ago_s is None else f"{used.source}, {_time(used.told_ago_s)} ago"


def _now(used: Used) -> str:
    words = []
    if used.used is not None:
        words.append(f"{used.used:,} {'in flight' if used.window_s is None else 'used'}")
    elif used.full <= 1:
        words.append(f"{used.full:.0%} full")
    if used.wait_s:
        words.append(f"the next in {_time(used.wait_s)}")
    return ", ".join(words)


def _time(seconds: float) -> str:
    """A length of time in its largest unit: `12 s`, `3 min`, `1 d`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"
