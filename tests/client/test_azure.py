"""Azure OpenAI through the whole client: addresses, keys, Entra tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tramite import AsyncClient, AuthenticationFailed
from tramite.simulator import Simulator

KEY = "azure-key-0123456789"


def configured(url: str, version: str = "") -> Path:
    file = Path("azure.toml")
    dated = f'api_version = "{version}"\n' if version else ""
    file.write_text(f'[providers.azure]\nendpoint = "{url}"\napi_key = "env:MY_AZURE_KEY"\n{dated}')
    return file


@pytest.mark.parametrize("version", ["", "2024-10-21"])
async def test_both_forms_of_address_carry_every_operation(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AZURE_KEY", KEY)
    async with Simulator.running(key=KEY) as sim, AsyncClient(configured(sim.url, version)) as llm:
        assert (await llm.chat("hello", model="azure/echo", max_tokens=9)).text == "hello"
        async with llm.stream("hello", model="azure/echo") as stream:
            assert "".join([text async for text in stream.text]) == "hello"
        assert stream.reply.usage.output_tokens
        assert len(await llm.embed(["a", "b"], model="azure/ok")) == 2
        assert (await llm.complete("x", model="azure/tokens=1")).text


async def test_a_token_provider_is_asked_again_after_one_401_and_no_more() -> None:
    tokens = ["expired-token-00000", KEY, "never-asked-for-000"]

    def token() -> str:
        return tokens.pop(0)

    async with Simulator.running(key=KEY) as sim:
        llm = AsyncClient(configured(sim.url), secrets={"azure": token})
        reply = await llm.chat("hello", model="azure/echo")
        assert (reply.text, [bool(attempt.error) for attempt in reply.attempts]) == ("hello", [True, False])
        await llm.chat("hello", model="azure/echo")
        assert tokens == ["never-asked-for-000"]
        tokens[:] = ["wrong-token-1111111", "wrong-token-2222222"]
        refused = AsyncClient(configured(sim.url), secrets={"azure": token})
        with pytest.raises(AuthenticationFailed) as caught:
            await refused.chat("hello", model="azure/echo")
        assert "wrong-token" not in str(caught.value)
        assert len(caught.value.attempts) == 2
        await llm.aclose()
        await refused.aclose()
