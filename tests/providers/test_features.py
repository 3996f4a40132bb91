"""One probe per setting, provider and operation, through the whole client to a recorder in the network's place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tramite import AsyncClient, Choice, EmbeddingReply, InvalidCall, Reply, Retry, Usage, assistant
from tramite.calls import Kind
from tramite.config import load, with_secrets
from tramite.dialects import registry
from tramite.dialects.base import Target
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.features import _BASES, PROBES, features
from tramite.providers.rows import Provider
from tramite.wire.seam import Request, Response

CASES = [
    (row.name, kind)
    for row in CATALOGUE.values()
    if not row.in_process
    for kind in ("chat", "completion", "embedding")
    if kind in row.kinds and kind in registry.get(row.dialect).operations
]


class Answer:
    """A whole answer."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}

    def __init__(self, body: bytes) -> None:
        self._bodies = [body]

    def __aiter__(self) -> Response:
        return self

    async def __anext__(self) -> bytes:
        if not self._bodies:
            raise StopAsyncIteration
        return self._bodies.pop()

    def rest(self) -> bytes | None:
        return self._bodies.pop()

    async def read(self) -> bytes:
        return self._bodies.pop()

    def close(self) -> None:
        """Nothing is open."""


class Recorder:
    """Keeps what was sent, and answers as the provider's dialect does."""

    def __init__(self, row: Provider, kind: Kind) -> None:
        self.sent: list[tuple[str, bytes]] = []
        said: Any = Reply(choices=(Choice(assistant("ok"), "stop"),), usage=Usage(input_tokens=1, output_tokens=1))
        if kind == "embedding":
            said = EmbeddingReply(vectors=[[1.0, 0.0]], usage=Usage(input_tokens=1))
        if kind == "chat" and row.dialect == "openai":
            said = msgspec.structs.replace(said, choices=said.choices * 2)
        self._body = registry.get(row.dialect).operations[kind].encode_reply(said, _BASES[kind])

    async def send(self, request: Request) -> Response:
        self.sent.append((request.url, request.body))
        return Answer(self._body)

    async def aclose(self) -> None:
        """Nothing is open."""


def world() -> Any:
    file = Path("world.toml")
    file.write_text('[providers.azure]\nendpoint = "https://contoso.openai.azure.com"\n')
    config = load(file)
    return with_secrets(config, {name: "secret-0123456789" for name, row in CATALOGUE.items() if row.needs_secret})


@pytest.mark.parametrize(("name", "kind"), CASES)
async def test_a_setting_is_sent_or_named_in_the_notices_or_refused(name: str, kind: Kind) -> None:
    config = world()
    row = config.providers[name]
    fates = features(row, "some-model")[kind]
    assert set(fates) == set(PROBES[kind])
    for setting, changes in PROBES[kind].items():
        recorder = Recorder(row, kind)
        llm = AsyncClient(config, retry=Retry(attempts=1), transport=recorder)
        call: Any = msgspec.structs.replace(_BASES[kind], **changes, model=f"{name}/some-model")
        ask = {"chat": llm.chat, "completion": llm.complete, "embedding": llm.embed}[kind]
        try:
            reply = await ask(call)
        except InvalidCall:
            assert fates[setting] == "refused", setting
            assert recorder.sent == [], setting
            continue
        plain = (
            registry.get(row.dialect)
            .operations[kind]
            .encode(_BASES[kind], Target(name, "some-model", row.traits), False)
        )
        [(url, body)] = recorder.sent
        if fates[setting] == "sent":
            assert (url, body) != (row.url(plain.path, "some-model"), plain.body), setting
        else:
            assert fates[setting] == "notice", setting
            assert set(reply.notices) - set(plain.notices), setting


def test_nothing_is_ever_dropped_in_silence() -> None:
    dropped = [
        (row.name, kind, setting)
        for row in CATALOGUE.values()
        for kind, fates in features(row).items()
        for setting, fate in fates.items()
        if fate == "dropped"
    ]
    assert dropped == []
