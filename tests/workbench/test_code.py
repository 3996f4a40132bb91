"""A turn as code: what is shown asks the very same."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest

from tramite.config import load
from tramite.messages import Image, Message, ToolCall, assistant, system, tool_result, user
from tramite.simulator import Simulator
from tramite.workbench.access import Access
from tramite.workbench.chat import code
from tramite.workbench.chat.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
CALL = ToolCall("c1", "look", '{"a": 1}')
KEY = "sk-sim-0123456789-wxyz"
SETTINGS = Settings(
    provider="sim", model="sim/echo", temperature=0.5, max_tokens=9, stop=("\n", "'"), schema='{"type": "object"}'
)


def config(tmp_path: Path, url: str) -> Path:
    file = tmp_path / "code.toml"
    file.write_text(f'[providers.sim]\nbase_url = "{url}"\napi_key = "env:SIM_KEY"\n')
    return file


def test_the_program_runs_and_asks_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Simulator.in_thread(key=KEY) as simulator:
        monkeypatch.setenv("SIM_KEY", KEY)
        monkeypatch.setenv("TRAMITE_CONFIG", str(config(tmp_path, simulator.base_url)))
        messages = [system('"""'), user("it's\n{x}"), assistant("ho"), user("he")]
        settings = msgspec.structs.replace(SETTINGS, schema="", stop=())
        exec(code.python(messages, settings), {})
    assert "he" in capsys.readouterr().out


@pytest.mark.parametrize(
    "message", [user("a", Image(data=PNG)), assistant(CALL), tool_result(CALL, "x"), Message("assistant", ())]
)
def test_every_message_can_be_written_as_python(message: Message) -> None:
    compile(code.python([user("q"), message], SETTINGS), "shown", "exec")


def test_the_command_is_one_that_a_shell_reads_back() -> None:
    words = shlex.split(code.command([user("old"), assistant("x"), user("it's $5")], SETTINGS))
    assert words[:5] == ["tramite", "ask", "it's $5", "-m", "sim/sim/echo"]
    assert {"temperature=0.5", "max_tokens=9", "stop=\n"} <= set(words)


async def test_curl_is_the_request_itself_without_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_KEY", KEY)
    read = load(config(tmp_path, "http://127.0.0.1:9/v1"))
    shown = await code.curl(read, Access(), [user("it's <b>")], SETTINGS)
    assert KEY not in shown
    assert '-H "authorization: Bearer $API_KEY"' in shown
    words = shlex.split(shown)
    body = msgspec.json.decode(words[words.index("-d") + 1])
    assert words[1] == "http://127.0.0.1:9/v1/chat/completions"
    assert (body["model"], body["messages"][0]["content"], body["temperature"]) == ("sim/echo", "it's <b>", 0.5)


def test_what_was_typed_in_the_page_is_shown_as_configuration() -> None:
    settings = Settings(provider="azure", model="d", endpoint="https://x.openai.azure.com", api_version="2024-10-21")
    shown = code.python([user("x")], settings)
    assert '# endpoint = "https://x.openai.azure.com"' in shown
    assert '# api_version = "2024-10-21"' in shown
