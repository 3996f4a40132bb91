"""A command's parameters as one object: a dataclass whose annotated fields Typer reads. Knows no command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from tramite.errors import InvalidCall

from . import failures

F = TypeVar("F")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the request, with the secret masked, and send nothing.")]
Extra = Annotated[
    list[str], typer.Option("--extra", metavar="KEY=JSON", help="A setting that this provider alone has. Repeatable.")
]
Options = Annotated[
    list[str],
    typer.Option(
        "-o",
        "--option",
        metavar="KEY=VALUE",
        help="A setting such as temperature=0.2, max_tokens=200, seed=7, stop=END, deadline_s=30. Repeatable; "
        "an unknown one is answered with all that there are.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The same as JSON.")]


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """What every command that talks takes."""

    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Nothing on stderr but errors and what must be known.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Asking(Quiet):
    """What every command that asks a model takes."""

    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="provider/model, or a route of yours. Without it: the configured default, else the first provider "
            "with a secret, else a local server that answers.",
        ),
    ] = None
    usage: Annotated[bool, typer.Option("-u", "--usage", help="Tokens, cost and times, on stderr.")] = False
    extra: Extra = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Sampling(Asking):
    """What every command that gets text takes."""

    option: Options = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Writing(Sampling):
    """What `ask` and `complete` share."""

    template: Annotated[
        str | None,
        typer.Option("-t", "--template", metavar="NAME", help="A prompt with a name; tramite prompts lists them."),
    ] = None
    param: Annotated[
        list[str],
        typer.Option(
            "-p",
            "--param",
            metavar="NAME=VALUE",
            help="The value of one of the template's variables; NAME=- takes stdin. Repeatable. PROMPT, or a text "
            "piped in, is the value of the only one that is left without.",
        ),
    ] = field(default_factory=list)
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer once it is whole.")] = False
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object: the reply with usage, cost, times and notices.")
    ] = False
    jsonl: Annotated[bool, typer.Option("--jsonl", help="The stream's events, one JSON object per line.")] = False
    dry_run: DryRun = False


def command(
    app: typer.Typer, form: type[F], epilog: str = "", name: str | None = None
) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
    """Make a function of one `form` a command of `app`. Its docstring is the help, `epilog` holds the examples."""

    def register(body: Callable[[F], None]) -> Callable[[F], None]:
        def called(**settings: Any) -> None:
            with failures.handled():
                body(form(**settings))

        called.__name__ = body.__name__
        called.__doc__ = body.__doc__
        called.__signature__ = inspect.Signature(_parameters(form))  # type: ignore[attr-defined]  # functions take it
        app.command(name, epilog=f"\b\n{epilog.strip()}" if epilog else None)(called)
        return body

    return register


def callback(app: typer.Typer, form: type[F]) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
    """Make a function of one `form` what `app` does where none of its commands is named."""

    def register(body: Callable[[F], None]) -> Callable[[F], None]:
        def called(context: typer.Context, **settings: Any) -> None:
            with failures.handled():
                given = form(**settings)
                if context.invoked_subcommand is None:
                    body(given)
                elif given != form():
                    raise InvalidCall(f"options of {context.invoked_subcommand} go behind its name")

        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        called.__signature__ = inspect.Signature([context, *_parameters(form)])  # type: ignore[attr-defined]  # as above
        app.callback()(called)
        return body

    return register


def application(**more: Any) -> typer.Typer:
    """An application of one command, or of a few, in the house's manner."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **more)


def _parameters(form: type[Any]) -> list[inspect.Parameter]:
    """The fields as parameters; a class's own come before those it inherits."""
    hints = get_type_hints(form, include_extras=True)
    known = {one.name: one for one in fields(form)}
    own_first = dict.fromkeys(name for cls in form.__mro__ for name in inspect.get_annotations(cls))
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_default(known[name]), annotation=hints[name])
        for name in own_first
        if name in known
    ]


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else inspect.Parameter.empty
