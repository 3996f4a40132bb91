"""Reads the values of options without pydantic, which newer Typers import for it: 0.2 s of every command.

It rests on a detail of Typer. Where Typer has changed it, nothing happens, and pydantic does the work.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import typer

HELP = ["-h", "--help"]

_SLOT = "_runtime_param"
_WORDS = {int: "a whole number", float: "a number"}


class Plain:
    """Turns text into what the annotation says: str, int, float, a Literal, lists of them, or None."""

    def __init__(self, annotation: Any) -> None:
        self._listed = get_origin(annotation) is list
        self._item = get_args(annotation)[0] if self._listed else annotation

    def coerce(self, value: Any, param: Any = None, ctx: Any = None, **_: Any) -> Any:
        """The value. Raises BadParameter."""
        if value is None:
            return () if self._listed else None
        if self._listed:
            return [self._one(item, param, ctx) for item in value]
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        if get_origin(self._item) is Literal:
            choices = get_args(self._item)
            if value not in choices:
                raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}.", ctx=ctx, param=param)
            return value
        try:
            return self._item(value)
        except ValueError:
            raise typer.BadParameter(f"{value!r} is not {_WORDS[self._item]}.", ctx=ctx, param=param) from None


def hurry(command: Any) -> Any:
    """The command, with the quick way for all parameters that it can read, its subcommands' included."""
    # the option --help is made on demand, and kept
    for param in command.get_params(typer.Context(command, help_option_names=HELP)):
        descriptor = getattr(param, "type_descriptor", None)
        annotation = getattr(descriptor, "annotation", None)
        if getattr(param, _SLOT, True) is None and _known(annotation):
            vars(param)[_SLOT] = Plain(annotation)
    for inner in getattr(command, "commands", {}).values():
        hurry(inner)
    return command


def _known(annotation: Any) -> bool:
    item = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    return item in (str, int, float, bool) or get_origin(item) is Literal
