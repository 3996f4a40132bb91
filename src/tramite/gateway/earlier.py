"""Whole answers that are given again where `[cache]` allows it, byte for byte as the client's dialect had them.

Streams are answered anew: who asks for one wants to see it come.
"""

from __future__ import annotations

from hashlib import blake2b
from time import monotonic

import msgspec
from msgspec import Struct

from tramite.client.core import Core
from tramite.errors import InvalidCall, TramiteError
from tramite.pipeline.caching import MOST_BYTES, is_worth_keeping, may_be_kept
from tramite.pipeline.envelope import Delivery, Envelope
from tramite.replies import EmbeddingReply, Reply, Usage

from . import told
from .asgi import Receive, Scope, Send, respond
from .inbound import Inbound
from .relay import while_there, whole

_FORM = "gateway-1"
"""Part of every key: a change of what is kept must not find what was kept before."""
_sorted = msgspec.json.Encoder(order="sorted").encode


class Kept(Struct, frozen=True):
    """An answer as it is kept."""

    target: str
    body: bytes
    usage: Usage


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Kept).decode


async def answer(core: Core, inbound: Inbound, envelope: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a whole reply, an earlier one if that will do. Raises TramiteError before anything is sent."""
    key = _key(core, inbound, envelope) if core.answers.enabled else None
    if key is None:
        await whole(core.pipeline, envelope, scope, receive, send)
        return
    began_s = monotonic()
    kept = await _find(core, key)
    if kept is not None:
        core.answers.tell(kept.target, kept.usage, monotonic() - began_s, envelope)
        await respond(send, 200, told.of_earlier(kept.target), kept.body)
        return
    delivery = await while_there(core.pipeline.whole(envelope), scope, receive)
    if delivery is None:
        return
    if (fresh := _worth_keeping(inbound, delivery)) is not None:
        core.answers.put(key, _pack(fresh))
    await respond(send, 200, told.of_delivery(delivery), delivery.value)


def _key(core: Core, inbound: Inbound, envelope: Envelope) -> str | None:
    """What an answer is kept under: the whole body, whatever the order of its names; None where none may be kept."""
    cache = core.config.cache
    try:
        if not may_be_kept(inbound.translation.call, cache):
            return None
        body = _sorted(msgspec.json.decode(msgspec.json.encode(inbound.fields)))
    except (InvalidCall, msgspec.MsgspecError, RecursionError):  # the target may understand it
        return None
    whose = "" if cache.shared else envelope.caller.key
    scope = (_FORM, inbound.door.path, inbound.model or "", whose, inbound.forwarded)
    return blake2b(_sorted(scope) + body, digest_size=20).hexdigest()


async def _find(core: Core, key: str) -> Kept | None:
    data = await core.answers.look(key)
    try:
        return None if data is None else _unpack(data)
    except msgspec.MsgspecError:  # by another version
        return None


def _worth_keeping(inbound: Inbound, delivery: Delivery) -> Kept | None:
    if delivery.target is None or delivery.notices:
        return None  # what was said for this client, such as how long it may be, is not for the next
    if not isinstance(delivery.value, bytes) or len(delivery.value) > MOST_BYTES:
        return None
    try:
        reply = inbound.door.operation.decode(delivery.value)
    except TramiteError:
        return None
    if not isinstance(reply, Reply | EmbeddingReply) or not is_worth_keeping(reply):
        return None
    return Kept(str(delivery.target), delivery.value, reply.usage)
