"""`tramite chat`, on a terminal and in a pipe."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from tests.cli.world import call, eventually, nobody, provider, screen
from tramite.cli.lines import gather

PROMPT = "> "


def typed(*lines: str) -> str:
    """The text that these lines make."""
    left = list(lines)
    return gather(lambda prompt: left.pop(0))


def test_a_text_of_several_lines_is_quoted_or_continued() -> None:
    assert typed("one") == "one"
    assert typed("one\\", "two\\", "three") == "one\ntwo\nthree"
    assert typed('"""', "one", "", "two", '"""') == "one\n\ntwo"
    assert typed('"""one', 'two"""') == "one\ntwo"
    assert typed('"""one"""') == "one"


def test_a_first_run_without_a_key_says_that_no_model_is_behind_it() -> None:
    with nobody(), screen("chat") as shown:
        shown.until("no model is behind it", "tramite secrets set", "/help", PROMPT)
        shown.type("hello there\n")
        shown.until("no language model is behind these words", "“hello there”", PROMPT)
        shown.type("\x04")
        assert shown.end() == 0


def test_ctrl_c_stops_an_answer_and_keeps_its_part_in_the_conversation() -> None:
    with provider(token_interval_s=0.01) as simulator, screen("chat", "-m", "sim/tokens=100000") as shown:
        shown.until("model: sim/tokens=100000", PROMPT)
        shown.type("first\n")
        shown.until("token-3")
        shown.interrupt()
        shown.until("stopped", PROMPT)
        eventually(lambda: simulator.stats().streams.gone == 1)
        shown.type("/save chat.json\n")
        shown.until("saved", PROMPT)
        shown.interrupt()
        shown.until("once more", PROMPT)
        shown.interrupt()
        assert shown.end() == 0
    user, model = json.loads(Path("chat.json").read_text())["messages"]
    assert user == {"role": "user", "content": "first"}
    assert model["content"].startswith("token-1 token-2 token-3")


def test_a_failure_leaves_the_conversation_and_the_text_can_be_sent_again() -> None:
    with provider(), screen("chat", "-o", "max_tokens=2") as shown:
        shown.until(PROMPT)
        shown.type("/model sim/auth\n")
        shown.until("model: sim/auth", PROMPT)
        shown.type("my question\n")
        shown.until("Incorrect API key", "/retry", PROMPT)
        shown.type("/save chat.json\n")
        shown.until("nothing to save", PROMPT)
        shown.type("/model nowhere/x\n")
        shown.until("no provider 'nowhere'", PROMPT)
        shown.type("/model sim/echo\n")
        shown.until("model: sim/echo", PROMPT)
        shown.type("/retry\n")
        shown.until("my question", PROMPT)
        shown.type("\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\n")  # five times back: past four commands
        shown.until("my question\nmy question", PROMPT)
        shown.type("/quit\n")
        assert shown.end() == 0
    history = Path(os.environ["TRAMITE_HOME"]) / "data" / "chat_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert history.read_text().splitlines().count("my question") == 2


def test_each_line_of_a_pipe_is_a_turn_of_one_conversation() -> None:
    with provider() as simulator:
        done = call("chat", "-q", "-m", "sim/echo", stdin='one\n"""two\nlines"""\n\n//three\n/usr/bin is a path\n')
        assert simulator.stats().requests == 4
    assert done.stdout == "one\ntwo\nlines\n/three\n/usr/bin is a path\n"
    assert done.stderr == ""


def test_commands_work_in_a_pipe_too() -> None:
    lines = ["/system Be brief", "one", "/reset", "two", "/usage", "/save chat.md", "/save chat.md", "/model", "/help"]
    with provider():
        done = call("chat", "-q", "-m", "sim/echo", stdin="\n".join([*lines, "/quit", "never asked"]))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "one\ntwo\n"
    assert "turns: 2" in done.stderr
    saved = Path("chat.md").read_text()
    assert "## System\n\nBe brief" in saved
    assert "## You\n\ntwo" in saved
    assert "one" not in saved


def test_a_chat_tells_what_it_has_cost_so_far() -> None:
    priced = '[models."sim/tokens=2"]\ninput_per_million = 0\noutput_per_million = 1000\n'
    with provider(more=priced):
        known = call("chat", "-m", "sim/tokens=2", stdin="one\ntwo\n/usage\n").stderr
        unknown = call("chat", "-m", "sim/tokens=3", stdin="one\n/usage\n").stderr
    assert "4 out · $0.004000 · turns: 2" in known
    assert "cost unknown" in unknown


def test_a_file_that_is_not_of_this_chat_is_not_overwritten() -> None:
    Path("chat.md").write_text("mine")
    with provider():
        done = call("chat", "-m", "sim/echo", stdin="one\n/save chat.md\n")
    assert done.exit_code == 2
    assert Path("chat.md").read_text() == "mine"


def test_an_unknown_command_gets_the_nearest_one() -> None:
    with provider():
        done = call("chat", stdin="/rest\n")
    assert "did you mean /reset?" in done.stderr


def test_a_failure_in_a_pipe_ends_it_with_its_exit_code() -> None:
    with provider():
        done = call("chat", "-m", "sim/auth", stdin="one\ntwo\n")
    assert done.exit_code == 3
    with nobody():
        assert call("chat", stdin="one\n").exit_code == 1
