"""Settings as they are written on a command line, made into those of a call. Reads files for schemas alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from tramite.calls import ChatCall, CompletionCall, ResponseFormat
from tramite.client.options import Delivery
from tramite.errors import InvalidCall

# What stands elsewhere on the command line, or cannot be written on one.
_ELSEWHERE = {"messages", "prompt", "inputs", "tools", "tool_choice", "model", "extra", "suffix", "echo", "retry"}
_MEANINGS = {"float": "a number", "int": "a whole number", "bool": "true or false"}


def known(call: type[ChatCall] | type[CompletionCall]) -> dict[str, Any]:
    """Every setting that `-o` takes for this call, and its type."""
    fields = {field.name: field.type for field in msgspec.structs.fields(call)}
    found = {name: type_ for name, type_ in {**fields, **get_type_hints(Delivery)}.items() if name not in _ELSEWHERE}
    return dict(sorted(found.items()))


def read(call: type[ChatCall] | type[CompletionCall], options: Sequence[str], extra: Sequence[str]) -> dict[str, Any]:
    """The keyword arguments that `-o` and `--extra` stand for. Raises InvalidCall."""
    types = known(call)
    settings: dict[str, Any] = {}
    for option in options:
        name, text = _pair(option, "-o", "KEY=VALUE")
        if name not in types:
            raise InvalidCall(_unknown(name, types), name)
        value = _value(name, text, types[name])
        settings[name] = (*settings.get(name, ()), *value) if isinstance(value, tuple) else value
    found = extras(extra)
    return {**settings, "extra": found} if found else settings


def extras(given: Sequence[str]) -> dict[str, Any]:
    """What `--extra` stands for. Raises InvalidCall."""
    found: dict[str, Any] = {}
    for one in given:
        name, text = _pair(one, "--extra", "KEY=JSON")
        try:
            found[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise InvalidCall(
                f"--extra {name}: {text!r} is not JSON; a string needs its quotes: --extra '{name}=\"…\"'", "extra"
            ) from None
    return found


def schema(given: str) -> dict[str, Any]:
    """A JSON schema: written out, or the name of a file that holds it. Raises InvalidCall."""
    text, where = given, "--schema"
    if not given.lstrip().startswith("{"):
        try:
            text, where = Path(given).expanduser().read_text(), given
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise InvalidCall(f"--schema is neither a JSON object nor a readable file: {given[:80]}: {why}") from None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidCall(f"{where} does not hold a JSON object: {error}", "schema") from None


def _pair(text: str, flag: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidCall(f"{flag} takes {form}, got {text!r}")
    return name.strip(), value


def _value(name: str, text: str, type_: Any) -> Any:
    if name == "response_format":
        if text not in ("text", "json_object"):
            raise InvalidCall(
                f"-o response_format takes text or json_object, got {text!r}; for a schema: --schema", name
            )
        return ResponseFormat("json_object" if text == "json_object" else "text")
    value: Any = text
    if name == "stop" and text[:1] not in ("[", '"'):
        value = [text]
    elif name == "stop":
        value = _json(name, text)
        value = [value] if isinstance(value, str) else value
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError:
        raise InvalidCall(f"-o {name} takes {_meaning(type_)}, got {text!r}", name) from None


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidCall(f"-o {name}: {text!r} is not JSON: {error}", name) from None


def _meaning(type_: Any) -> str:
    text = str(type_)
    if "Literal" in text:
        return "one of " + text.partition("[")[2].partition("]")[0].replace("'", "")
    return next((words for word, words in _MEANINGS.items() if word in text), "text")


def _unknown(name: str, types: Mapping[str, Any]) -> str:
    near = get_close_matches(name, types, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return (
        f"there is no setting {name!r}; {hint}There are {', '.join(types)}. "
        f"For one that a provider alone has: --extra {name}=JSON"
    )
