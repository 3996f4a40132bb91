"""One turn of a chat: the call, the tools it asks for, and the repair of an answer that does not validate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from tramite.calls import ChatCall
from tramite.errors import InvalidCall, SchemaMismatch, ToolLoopExceeded
from tramite.messages import Message, user
from tramite.replies import Reply

from .schema import Wanted
from .span import Span
from .sums import together
from .tools import answer, callable_all

Ask = Callable[[ChatCall], Awaitable[Reply]]


class Turn(Struct, frozen=True):
    """A reply, and every message that was added to the conversation on the way to it, the reply's included."""

    reply: Reply
    added: tuple[Message, ...]


async def take(call: ChatCall, ask: Ask, schema: Wanted | None, max_tool_rounds: int, span: Span) -> Turn:
    """Ask, run tools until the model has what it needs, and validate. Raises ToolLoopExceeded, SchemaMismatch."""
    if not _is_count(max_tool_rounds):
        raise InvalidCall(f"max_tool_rounds must be a whole number from 0, got {max_tool_rounds!r}", "max_tool_rounds")
    reply = await ask(call)
    replies, added = [reply], [reply.message]
    while (wanted := replies[-1].tool_calls) and callable_all(wanted, call.tools):
        if len(replies) > max_tool_rounds:
            raise ToolLoopExceeded(
                f"the model asked for tools in {max_tool_rounds} rounds and still wants more; raise max_tool_rounds "
                "if it is right to",
                together(replies, span),
            )
        added += await span.in_time(answer(wanted, call.tools), "calling the tools")
        replies.append(await ask(_continued(call, added)))
        added.append(replies[-1].message)
    turn = Turn(together(replies, span), tuple(added))
    if schema is None or turn.reply.tool_calls:
        return turn
    return await _validated(_continued(call, added[:-1]), ask, schema, turn, span)


async def _validated(call: ChatCall, ask: Ask, schema: Wanted, turn: Turn, span: Span) -> Turn:
    """One repair round: the model sees its answer and what was wrong with it."""
    try:
        return _parsed(turn, schema)
    except ValueError as problem:
        complaint = user(f"Your answer does not validate: {problem}\nAnswer again, with the corrected JSON alone.")
    reply = await ask(_continued(call, [turn.reply.message, complaint]))
    repaired = Turn(together([turn.reply, reply], span), (*turn.added, complaint, reply.message))
    try:
        return _parsed(repaired, schema)
    except ValueError as still:
        cut = " (it was cut off: raise max_tokens)" if reply.finish == "length" else ""
        refused = f" (the model refused: {reply.refusal})" if reply.refusal else ""
        raise SchemaMismatch(
            f"the answer does not validate, neither did the first: {still}{cut}{refused}", repaired.reply
        ) from still


def _parsed(turn: Turn, schema: Wanted) -> Turn:
    parsed = schema.validate(turn.reply.text)
    return Turn(msgspec.structs.replace(turn.reply, parsed=parsed), turn.added)


def _continued(call: ChatCall, added: Sequence[Message]) -> ChatCall:
    """The call with what has been said since. A tool that had to be called has been: now the model may answer."""
    choice = call.tool_choice if call.tool_choice in (None, "none") else "auto"
    return msgspec.structs.replace(call, messages=(*call.messages, *added), tool_choice=choice)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
