"""Finding local servers, and the model that they have loaded."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.wire.loopback import Exchange, Loopback, serving
from tramite.config import Config
from tramite.errors import ModelNotFound, ProviderError
from tramite.providers.catalogue import CATALOGUE
from tramite.providers.local_servers import Listed, answering, choose, loaded_model
from tramite.providers.rows import Provider
from tramite.providers.secrets import Secret
from tramite.wire.network import Network
from tramite.wire.seam import Transport

CHAT = b'{"object":"list","data":[{"id":"nomic-embed-text","object":"model"},{"id":"qwen3-8b","object":"model"}]}'
NATIVE = (
    b'{"data":[{"id":"a","type":"llm","state":"not-loaded"},{"id":"b","type":"embeddings","state":"loaded"},'
    b'{"id":"c","type":"vlm","state":"loaded"}]}'
)


def row(name: str, server: Loopback) -> Provider:
    return msgspec.structs.replace(CATALOGUE[name], base_url=server.url.removesuffix("/x"))


@pytest.mark.parametrize(
    ("models", "kind", "chosen"),
    [
        ([Listed("a", "llm", "not-loaded"), Listed("b", "vlm", "loaded")], "chat", "b"),
        ([Listed("a", "embeddings", "loaded"), Listed("b", "llm", "loaded")], "completion", "b"),
        ([Listed("a", "llm", "loaded"), Listed("b", "embeddings", "loaded")], "embedding", "b"),
        ([Listed("a", "llm", "not-loaded")], "chat", None),
        ([Listed("text-embedding-x"), Listed("llama"), Listed("qwen")], "chat", "llama"),
        ([Listed("llama"), Listed("all-MiniLM-L6-v2")], "embedding", "all-MiniLM-L6-v2"),
        ([Listed("llama")], "embedding", None),
        ([], "chat", None),
    ],
)
def test_the_first_model_that_is_loaded_and_fits_is_chosen(models: list[Listed], kind: str, chosen: str | None) -> None:
    assert choose(models, kind) == chosen  # type: ignore[arg-type]  # kinds as strings


async def test_lm_studio_is_asked_what_it_has_loaded() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(NATIVE if exchange.target == "/api/v0/models" else CHAT)

    async with serving(script) as server:
        transport = Network()
        assert await loaded_model(row("lmstudio", server), transport) == "c"
        assert await loaded_model(row("lmstudio", server), transport, "embedding") == "b"
        assert await loaded_model(row("llamacpp", server), transport) == "qwen3-8b"
        await transport.aclose()
    assert [exchange.target for exchange in server.requests] == ["/api/v0/models", "/api/v0/models", "/v1/models"]


async def test_an_older_lm_studio_is_asked_as_any_server() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.target == "/api/v0/models":
            await exchange.reply(b'{"error":"Unexpected endpoint"}', status="404 Not Found")
        else:
            await exchange.reply(CHAT)

    async with serving(script) as server:
        transport = Network()
        assert await loaded_model(row("lmstudio", server), transport) == "qwen3-8b"
        await transport.aclose()


async def test_a_server_with_nothing_loaded_is_an_error_that_names_what_is_there() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(b'{"data":[{"id":"a","type":"llm","state":"not-loaded"}]}')

    async with serving(script) as server:
        transport = Network()
        with pytest.raises(ModelNotFound, match=r"LM Studio has no chat model loaded \(it lists a\).*lmstudio/MODEL"):
            await loaded_model(row("lmstudio", server), transport)
        await transport.aclose()


async def test_a_token_is_sent_where_there_is_one() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(CHAT)

    async with serving(script) as server:
        transport = Network()
        await loaded_model(msgspec.structs.replace(row("vllm", server), secret=Secret("token-abc")), transport)
        await transport.aclose()
    assert server.requests[0].headers["authorization"] == "Bearer token-abc"


@pytest.mark.parametrize(
    "reply", [b"<html>Jenkins</html>", b"{}", b'{"data":[]}', b'{"data":[{"id":"bge-m3"}]}', b"", b"\xff"]
)
async def test_what_answers_otherwise_is_no_model_server(reply: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(reply)

    async with serving(script) as server:
        transport = Network()
        config = Config(providers={"vllm": row("vllm", server)})
        assert await answering(config, lambda _: transport) == []
        await transport.aclose()


async def test_servers_that_answer_are_found_in_the_catalogues_order_and_nobody_else_is_asked() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.reply(CHAT)

    async def refusing(exchange: Exchange) -> None:
        await exchange.reply(b"no", status="401 Unauthorized")

    asked: list[str] = []
    transport = Network()

    def transport_of(provider: Provider) -> Transport:
        asked.append(provider.name)
        return transport

    async with serving(script) as here, serving(refusing) as closed:
        providers = {
            "openai": CATALOGUE["openai"],
            "lmstudio": row("lmstudio", closed),
            "ollama": row("ollama", here),
            "vllm": row("vllm", here),
            "demo": CATALOGUE["demo"],
            "llamacpp": msgspec.structs.replace(CATALOGUE["llamacpp"], base_url="http://127.0.0.1:9/v1"),
        }
        found = await answering(Config(providers=providers), transport_of)
        await transport.aclose()
    assert [provider.name for provider in found] == ["ollama", "vllm"]
    assert asked == ["lmstudio", "ollama", "vllm", "llamacpp"]


async def test_a_server_that_is_silent_is_given_up() -> None:
    silence = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await silence.wait()

    async with serving(script) as server:
        transport = Network()
        config = Config(providers={"vllm": row("vllm", server)})
        assert await answering(config, lambda _: transport, limit_s=0.05) == []
        silence.set()
        await transport.aclose()


async def test_a_server_that_is_not_there_is_an_error_when_it_was_asked_for() -> None:
    transport = Network()
    lost = msgspec.structs.replace(CATALOGUE["lmstudio"], base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ProviderError):
        await loaded_model(lost, transport)
    await transport.aclose()
