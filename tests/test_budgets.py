"""The code's own budgets: sizes, what an import may cost, what may not be committed. Not style: that is ruff's."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES, LINES_WITH_A_REASON, FUNCTION_LINES, PARAMETERS, CONFTEST_LINES = 400, 600, 50, 7, 100
MODULES_ON_IMPORT = 120  # it was 63 when this was written, the interpreter's own included
SKIPPED = {"__pycache__", "build", "dist", "node_modules"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def committed() -> list[Path]:
    """What git holds; without git (a source archive), what lies in the folder."""
    try:
        run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        found = [ROOT / name for name in run.stdout.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [p for p in ROOT.rglob("*") if not hidden(p.relative_to(ROOT))]
    return sorted(p for p in found if p.is_file())


def hidden(path: Path) -> bool:
    return any(part in SKIPPED or (part[0] == "." and part != ".ci") for part in path.parts)


def sources() -> list[Path]:
    """Every Python file of ours, those not yet committed included."""
    found = [p for p in ROOT.rglob("*.py") if not hidden(p.relative_to(ROOT))]
    return sorted(p for p in found if p.is_file())


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, Function):
            yield node


def parameters(function: Function) -> int:
    """`self` and `cls` are not counted. `**settings` is the call object, spelled out for its caller."""
    spec = function.args
    if spec.kwarg is not None and spec.kwarg.arg == "settings":
        return 0
    names = [a.arg for a in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]]
    names += [a.arg for a in (spec.vararg, spec.kwarg) if a is not None]
    return len([n for n in names if n not in ("self", "cls")])


def where(path: Path, function: Function) -> str:
    return f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"


def test_files_are_short_or_say_why_not() -> None:
    for path in sources():
        text = path.read_text()
        reason = re.search(r"^# Long because: \S", text, re.MULTILINE)
        allowed = LINES_WITH_A_REASON if reason else LINES
        assert len(text.splitlines()) <= allowed, f"{path.relative_to(ROOT)}: more than {allowed} lines"


def test_conftest_is_short() -> None:
    for path in ROOT.joinpath("tests").rglob("conftest.py"):
        assert len(path.read_text().splitlines()) < CONFTEST_LINES, path


def test_functions_are_short() -> None:
    long = {
        where(path, f): length
        for path in sources()
        for f in functions(path)
        if (length := (f.end_lineno or f.lineno) - f.lineno + 1) > FUNCTION_LINES
    }
    assert not long


def test_functions_take_few_parameters() -> None:
    wide = {where(path, f): n for path in sources() for f in functions(path) if (n := parameters(f)) > PARAMETERS}
    assert not wide


PROBE = """
import json, os, sys
opened, sockets = [], []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.path.abspath(os.fsdecode(arguments[0])))
    elif event.startswith("socket."):
        sockets.append(event)

sys.addaudithook(watch)
import tramite
print(json.dumps({"modules": sorted(sys.modules), "opened": opened, "sockets": sockets}))
"""


@pytest.fixture(scope="module")
def fresh_import() -> dict[str, list[str]]:
    """What `import tramite` did in an interpreter of its own."""
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    seen: dict[str, list[str]] = json.loads(run.stdout)
    return seen


HEAVY = ["aiohttp", "anyio", "asyncio", "dotenv", "httpx", "numpy", "openai", "platformdirs"]
HEAVY += ["pydantic", "rich", "ssl", "tenacity", "typer"]


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_tramite_does_not_load(heavy: str, fresh_import: dict[str, list[str]]) -> None:
    assert heavy not in fresh_import["modules"]


def test_importing_tramite_loads_few_modules(fresh_import: dict[str, list[str]]) -> None:
    assert len(fresh_import["modules"]) <= MODULES_ON_IMPORT


def test_importing_tramite_opens_no_file_of_the_users_and_no_socket(
    fresh_import: dict[str, list[str]],
) -> None:
    ours = tuple(str(p) for p in {sys.prefix, sys.base_prefix, ROOT / "src"})
    assert [p for p in fresh_import["opened"] if not p.startswith(ours)] == []
    assert fresh_import["sockets"] == []


# Spelled so that this file does not hold what it forbids.
FORBIDDEN = {
    "a package index": r"\bpypi[.]org|pythonhosted[.]org|registry[.]npmjs|proxy[.]golang",
    "an index or archive option": r"(?<!-no-emit)--(?:extra-)?index-url|--find-links",
    "a path of one machine": r"(?<![\w./-])/(?:root|work)/\w|/opt/(?:wheels|pypi)",
    "a conflict marker": r"^(?:<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what].encode(), re.MULTILINE)
    found = {
        str(path.relative_to(ROOT)): match.group().decode()
        for path in committed()
        if path != Path(__file__) and b"\0" not in (data := path.read_bytes())
        if (match := pattern.search(data))
    }
    assert not found
