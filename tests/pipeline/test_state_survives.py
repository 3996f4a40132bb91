"""What only one dialect understands, and tools under way, survive retries and go along to a target of that dialect."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from tramite import AsyncClient, Retry, user
from tramite.config import load
from tramite.messages import Message, Opaque, Text
from tramite.simulator import Engine, InProcess, Options
from tramite.wire.seam import Request, Response

SIGNED = {"type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmVk"}
OPAQUE = Opaque("anthropic", msgspec.json.encode({"block": SIGNED, "at": [0, 0]}).decode())


class Providers:
    """Three behind one transport, and what each was sent."""

    def __init__(self) -> None:
        self.sent: dict[int, list[bytes]] = {}
        self._engines = {port: InProcess(Engine(Options(seed=port))) for port in (1, 2, 3)}

    async def send(self, request: Request) -> Response:
        port = urlsplit(request.url).port or 0
        self.sent.setdefault(port, []).append(request.body)
        return await self._engines[port].send(request)

    async def aclose(self) -> None:
        pass


def client(targets: list[str]) -> tuple[AsyncClient, Providers]:
    file = Path("world.toml")
    anthropic = 'dialect = "anthropic"\nauth = "none"\n'
    file.write_text(
        "\n".join(
            f'[providers.{name}]\nbase_url = "http://127.0.0.1:{port}/v1"\n{dialect}'
            for name, port, dialect in (("one", 1, anthropic), ("two", 2, anthropic), ("other", 3, ""))
        )
        + f"[routes.fast]\ntargets = {targets!r}\n"
    )
    providers = Providers()
    retry = Retry(attempts=2, strategy="fixed", base_s=0.001)
    return AsyncClient(load(file), retry=retry, transport=providers), providers


@pytest.mark.parametrize("first", ["one/503:times=1", "one/503"])
async def test_opaque_state_is_sent_again_and_to_the_next_target_of_the_same_dialect(first: str) -> None:
    llm, providers = client([first, "two/ok"])
    history = [user("Think."), Message("assistant", (OPAQUE, Text("An answer."))), user("And?")]
    reply = await llm.chat(history, model="fast", max_tokens=99)
    assert not [notice for notice in reply.notices if "thinking" in notice]
    for body in [body for bodies in providers.sent.values() for body in bodies]:
        blocks = msgspec.json.decode(body)["messages"][1]["content"]
        assert SIGNED in blocks


async def test_at_a_target_of_another_dialect_it_is_left_out_with_a_notice() -> None:
    llm, providers = client(["one/503", "other/ok"])
    history = [user("Think."), Message("assistant", (OPAQUE, Text("An answer."))), user("And?")]
    reply = await llm.chat(history, model="fast", max_tokens=99)
    assert reply.target == "other/ok"
    assert reply.notices
    assert b"c2lnbmVk" not in providers.sent[3][-1]


async def test_a_tool_loop_goes_on_at_the_next_target() -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    llm, providers = client(["one/503:times=1,tools", "two/tools"])
    reply = await llm.chat("How is it in Turin?", model="fast", tools=[weather], max_tokens=99)
    assert len(asked) == 1
    assert reply.text
    last = msgspec.json.decode(providers.sent[1][-1])["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "user"]
    assert b"sunny" in providers.sent[1][-1]
