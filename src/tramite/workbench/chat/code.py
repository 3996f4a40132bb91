"""A turn of a chat as code: Python, curl, the command. What stands for a key is its variable's name. Knows no page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

import msgspec

from tramite.client.asynchronous import AsyncClient
from tramite.client.rehearsal import Rehearsal, Taken, outside
from tramite.config import Config
from tramite.errors import TramiteError
from tramite.messages import Audio, Image, Message, Text, ToolCall
from tramite.wire.tap import masked
from tramite.workbench.access import Access, provider_of

from .settings import SAMPLING, Settings

KEY = "API_KEY"


def python(messages: Sequence[Message], settings: Settings) -> str:
    """A program that asks the same, and shows the answer as it comes."""
    lines = [_expression(message) for message in messages]
    options = _options(settings)
    asked = "[\n    " + ",\n    ".join(lines) + ",\n]" if len(lines) > 1 else f"[{''.join(lines)}]"
    names = {"Client", *re.findall(r"\b(ResponseFormat)\(", options)}
    for line in lines:
        names |= {line.partition("(")[0], *re.findall(r"\b(Image|ToolCall|Audio)[(.]", line)}
    return (
        f"from tramite import {', '.join(sorted(names))}\n\n"
        f"{_where(settings)}llm = Client()\nmessages = {asked}\n"
        f"with llm.stream(messages{options}) as stream:\n"
        '    for piece in stream.text:\n        print(piece, end="", flush=True)\n'
        "print(stream.reply.usage, stream.reply.cost)\n"
    )


def command(messages: Sequence[Message], settings: Settings) -> str:
    """The command line for the last question alone: a command has no earlier turns."""
    question = next((message.text for message in reversed(messages) if message.role == "user"), "")
    words = ["tramite", "ask", question]
    if settings.target:
        words += ["-m", settings.target]
    if settings.system.strip():
        words += ["-s", settings.system]
    for name in SAMPLING:
        if (value := getattr(settings, name)) is not None:
            words += ["-o", f"{name}={value}"]
    for stop in settings.stop:
        words += ["-o", f"stop={stop}"]
    if settings.reasoning_effort:
        words += ["-o", f"reasoning_effort={settings.reasoning_effort}"]
    return " ".join(shlex.quote(word) for word in words)


async def curl(config: Config, access: Access, messages: Sequence[Message], settings: Settings) -> str:
    """The very request that would be sent to the first target, for curl. Raises TramiteError where none could be."""
    if not access.configured:
        row = provider_of(config, access)
        config = msgspec.structs.replace(config, providers={**config.providers, access.provider: row})
    quiet = msgspec.structs.replace(
        outside(config),
        store=msgspec.structs.replace(config.store, url=""),
        state=msgspec.structs.replace(config.state, url="off"),
        budgets={},
    )
    secrets: dict[str, Any] = {name: KEY for name, row in config.providers.items() if row.needs_secret}
    client = AsyncClient(quiet, transport=Rehearsal(), secrets=secrets)
    try:
        async with client.stream(messages, **settings.options()) as stream:
            async for _ in stream:
                pass
    except Taken as taken:
        return _curl(taken)
    finally:
        await client.aclose()
    raise TramiteError("nothing would be sent")


def _curl(taken: Taken) -> str:
    request = taken.request
    lines = [f"curl {shlex.quote(request.url.removeprefix('dry-run+'))}"]
    for name, value in request.headers.items():
        shown = value.replace(KEY, f"${KEY}") if masked(name, value) != value else value
        lines.append(f'  -H "{name}: {shown}"' if "$" in shown else f"  -H {shlex.quote(f'{name}: {shown}')}")
    body = msgspec.json.format(request.body, indent=2).decode() if request.body else ""
    return " \\\n".join([*lines, f"  -d {shlex.quote(body)}"])


def _options(settings: Settings) -> str:
    words = [f"model={settings.target!r}"] if settings.target else []
    words += [f"{name}={value!r}" for name in SAMPLING if (value := getattr(settings, name)) is not None]
    if settings.stop:
        words.append(f"stop={list(settings.stop)!r}")
    if settings.reasoning_effort:
        words.append(f"reasoning_effort={settings.reasoning_effort!r}")
    if settings.schema.strip():
        schema = settings.options()["response_format"].schema
        words.append(f'response_format=ResponseFormat("json_schema", schema={schema!r})')
    return "".join(f", {word}" for word in words)


def _where(settings: Settings) -> str:
    """What was typed in the page, as it would stand in the configuration."""
    if not (settings.endpoint or settings.api_version):
        return ""
    lines = [f"# tramite.toml:\n# [providers.{settings.provider}]"]
    if settings.endpoint:
        name = "endpoint" if settings.provider == "azure" else "base_url"
        lines.append(f"# {name} = {msgspec.json.encode(settings.endpoint).decode()}")
    if settings.api_version:
        lines.append(f"# api_version = {msgspec.json.encode(settings.api_version).decode()}")
    return "\n".join(lines) + "\n"


def _expression(message: Message) -> str:
    """The message as Python makes it."""
    if message.role in ("system", "user", "assistant") and not message.tool_calls:
        parts = ", ".join(filter(None, (_part(part) for part in message.parts)))
        return f"{message.role}({parts or repr('')})"
    if message.role == "tool":
        return f"tool_result({message.tool_call_id!r}, {message.text!r})"
    parts = ", ".join(filter(None, (_part(part) for part in message.parts)))
    return f"{message.role}({parts})"


def _part(part: object) -> str:
    match part:
        case Text(text):
            return repr(text)
        case Image(url=str(url)):
            return f"Image(url={url!r})"
        case Image(media_type=str(kind)):
            return f'Image.file("picture.{kind.partition("/")[2]}")'
        case ToolCall(id, name, raw):
            return f"ToolCall({id!r}, {name!r}, {raw!r})"
        case Audio():
            return 'Audio(open("sound.wav", "rb").read())'
    return ""
