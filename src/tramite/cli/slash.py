"""The commands inside a chat: `/reset`, `/save FILE` …"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tramite.errors import InvalidCall

from . import facts

if TYPE_CHECKING:
    from .session import Session

HELP = {
    "/reset": "forget all turns; what the model is to be stays",
    "/system TEXT": "who the model is to be, from the next turn on; - for nobody, without TEXT: say it",
    "/model NAME": "go on with another model; without NAME: say which it is",
    "/save FILE": "keep the conversation: FILE.json or FILE.md",
    "/usage": "tokens and cost so far",
    "/retry": "send again what failed",
    "/help": "this list",
    "/quit": "leave (Ctrl-D does too)",
}


def is_command(text: str) -> bool:
    """Whether a line is for us. Two slashes begin a text for the model, and so does a path."""
    head = text.split(maxsplit=1)[0]
    return head.startswith("/") and "/" not in head[1:]


def unescaped(text: str) -> str:
    """A text for the model, without the slash that kept it from being a command."""
    return text[1:] if text.startswith("//") else text


def obey(text: str, session: Session) -> bool:
    """Do what a command says; False to leave. Raises TramiteError, and has changed nothing then."""
    name, _, rest = text.strip().partition(" ")
    if name in ("/quit", "/exit"):
        return False
    action = _ACTIONS.get(name)
    if action is None:
        near = get_close_matches(name, _ACTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else "/help lists what there is"
        raise InvalidCall(f"there is no {name}; {hint} (a text that begins with a slash is written with two)")
    action(session, rest.strip())
    return True


def _help(session: Session, rest: str) -> None:
    width = max(map(len, HELP))
    for usage, words in HELP.items():
        session.terminal.warn(f"{usage:{width}}  {words}")
    session.terminal.warn('A text of several lines stands between two """, or has a \\ at each line\'s end.')


def _reset(session: Session, rest: str) -> None:
    session.conversation.reset()
    session.terminal.warn("forgotten; the next turn is the first")


def _system(session: Session, rest: str) -> None:
    if rest:
        session.conversation.system = None if rest == "-" else rest
    session.terminal.warn(f"system: {session.conversation.system or '(none)'}")


def _model(session: Session, rest: str) -> None:
    if rest:
        session.client.config.resolve(rest)
        session.model = rest
    session.terminal.warn(f"model: {session.model}")


def _usage(session: Session, rest: str) -> None:
    from tramite.client.sums import add_usage

    told = [reply for reply in session.replies if reply.usage.total_tokens is not None]
    untold = len(session.replies) - len(told)
    if told:
        costs = [reply.cost_nanousd for reply in told]
        known = [cost for cost in costs if cost is not None]
        line = facts.usage_line(
            add_usage([one.usage for one in told]), sum(known) if len(known) == len(costs) else None
        )
        session.terminal.warn(f"{line} · turns: {len(told)}")
    if untold:
        session.terminal.warn(f"of {untold} more, stopped early, the provider had not told its usage yet")
    if not session.replies:
        session.terminal.warn("nothing was asked yet")


def _retry(session: Session, rest: str) -> None:
    if session.failed is None:
        raise InvalidCall("nothing has failed: /retry sends again what did")
    session.say(session.failed)


def _save(session: Session, rest: str) -> None:
    path = Path(rest).expanduser()
    written = {".json": _as_json, ".md": _as_markdown}.get(path.suffix.lower())
    if written is None:
        raise InvalidCall("/save takes a file's name that ends in .json or .md")
    if not session.conversation.turns:
        raise InvalidCall("there is nothing to save yet")
    try:
        with path.open("w" if str(path.absolute()) in session.saved else "x", encoding="utf-8") as file:
            file.write(written(session))
    except FileExistsError:
        raise InvalidCall(f"{path} exists, and is not of this chat: choose another name") from None
    except OSError as error:
        raise InvalidCall(f"cannot write {path}: {error.strerror}") from error
    session.saved.add(str(path.absolute()))
    session.terminal.warn(f"saved in {path}")


def _as_json(session: Session) -> str:
    told: dict[str, Any] = {
        "model": session.model,
        "messages": [{"role": one.role, "content": one.text} for one in session.conversation.messages],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def _as_markdown(session: Session) -> str:
    heads = {"user": "You", "assistant": "Model", "system": "System"}
    turns = [f"## {heads.get(one.role, one.role)}\n\n{one.text}\n" for one in session.conversation.messages]
    return "\n".join([f"# Chat of {datetime.now().astimezone():%Y-%m-%d %H:%M}\n", *turns])


_ACTIONS: dict[str, Callable[[Session, str], None]] = {
    "/reset": _reset,
    "/system": _system,
    "/model": _model,
    "/save": _save,
    "/usage": _usage,
    "/retry": _retry,
    "/help": _help,
}
