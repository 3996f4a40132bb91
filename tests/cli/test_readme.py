"""What the READMEs say of the command line is so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import call
from tramite.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.it.md")
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def command_lines(readme: str) -> list[list[str]]:
    """Every `tramite …` in a block of shell commands, without what the shell does around it."""
    return list(_lines((ROOT / readme).read_text()))


def _lines(text: str) -> Iterator[list[str]]:
    for block in _BLOCK.findall(text):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if "tramite" not in words:
                continue
            words = words[words.index("tramite") + 1 :]
            ends = [at for at, word in enumerate(words) if word in ("|", ">", "<", "&&")]
            yield words[: ends[0]] if ends else words


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_in_the_readme(readme: str) -> None:
    assert {words[0] for words in command_lines(readme)} >= set(COMMANDS)


@pytest.mark.parametrize("readme", READMES)
def test_every_command_line_of_the_readme_parses(readme: str) -> None:
    for words in command_lines(readme):
        done = call(*words, "--help")
        assert done.exit_code == 0, (words, done.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    done = call(command, "--help")
    assert done.exit_code == 0
    described = done.stdout if "Examples:" in done.stdout else call(command, _first(done.stdout), "--help").stdout
    assert f"tramite {command}" in described


def _first(text: str) -> str:
    """The first subcommand that a group's help lists."""
    return text.partition("Commands:\n")[2].split()[0]
