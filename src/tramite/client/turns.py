"""One turn of a chat: the call, the tools it asks for, and the repair of an answer that does not validate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from tramite.calls import ChatCall
from tramite.errors import SchemaMismatch, ToolLoopExceeded
from tramite.messages import Message, user
from tramite.replies import Reply

from .embedding import add_usage
from .schema import Wanted
from .tools import answer, callable_all

Ask = Callable[[ChatCall], Awaitable[Reply]]


class Turn(Struct, frozen=True):
    """A reply, and every message that was added to the conversation on the way to it, the reply's included."""

    reply: Reply
    added: tuple[Message, ...]


async def take(call: ChatCall, ask: Ask, schema: Wanted | None, max_tool_rounds: int) -> Turn:
    """Ask, run tools until the model has what it needs, and validate. Raises ToolLoopExceeded, SchemaMismatch."""
    reply = await ask(call)
    if schema is None and not call.tools:
        return Turn(reply, (reply.message,))
    replies, added = [reply], [reply.message]
    for _ in range(max_tool_rounds):
        wanted = replies[-1].tool_calls
        if not wanted or not callable_all(wanted, call.tools):
            break
        added += await answer(wanted, call.tools)
        replies.append(await ask(_continued(call, added)))
        added.append(replies[-1].message)
    else:
        if replies[-1].tool_calls and callable_all(replies[-1].tool_calls, call.tools):
            raise ToolLoopExceeded(
                f"the model asked for tools in {max_tool_rounds} rounds and still wants more; raise max_tool_rounds "
                "if it is right to",
                _summed(replies),
            )
    if schema is None or replies[-1].tool_calls:
        return Turn(_summed(replies), tuple(added))
    return await _validated(_continued(call, added[:-1]), ask, schema, replies, added)


async def _validated(call: ChatCall, ask: Ask, schema: Wanted, replies: list[Reply], added: list[Message]) -> Turn:
    """One repair round: the model sees its answer and what was wrong with it."""
    try:
        parsed = schema.validate(replies[-1].text)
    except ValueError as problem:
        complaint = user(f"Your answer does not validate: {problem}\nAnswer again, with the corrected JSON alone.")
        added.append(complaint)
        replies.append(await ask(_continued(call, added[-2:])))
        added.append(replies[-1].message)
        try:
            parsed = schema.validate(replies[-1].text)
        except ValueError as still:
            raise SchemaMismatch(
                f"the answer does not validate, neither did the first: {still}", _summed(replies)
            ) from still
    return Turn(msgspec.structs.replace(_summed(replies), parsed=parsed), tuple(added))


def _continued(call: ChatCall, added: Sequence[Message]) -> ChatCall:
    return msgspec.structs.replace(call, messages=(*call.messages, *added))


def _summed(replies: Sequence[Reply]) -> Reply:
    """The last reply, with what all of them used, cost and tried."""
    if len(replies) == 1:
        return replies[0]
    costs = [reply.cost_nanousd for reply in replies]
    known = [cost for cost in costs if cost is not None]
    return msgspec.structs.replace(
        replies[-1],
        usage=add_usage([reply.usage for reply in replies]),
        cost_nanousd=sum(known) if len(known) == len(costs) else None,
        attempts=tuple(attempt for reply in replies for attempt in reply.attempts),
        notices=tuple(dict.fromkeys(notice for reply in replies for notice in reply.notices)),
    )
