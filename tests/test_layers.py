"""Who may import whom. The contracts themselves are in pyproject.toml; here they are held to bite."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tramite"


def lint_imports(source: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on the package in `source`, in a process of its own."""
    linter = "from importlinter.cli import lint_imports_command as main; main()"
    return subprocess.run(
        [
            sys.executable,
            "-c",
            linter,
            "--no-logo",
            "--no-cache",
            "--config",
            str(ROOT / "pyproject.toml"),
        ],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_keep_to_the_layers(tmp_path: Path) -> None:
    run = lint_imports(PACKAGE.parent, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def broken_house(tmp_path: Path) -> Path:
    """A copy of the package in which every contract is broken once."""
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source / "tramite", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "tramite" / "dialects" / "leak.py").write_text("import socket\n")
    (source / "tramite" / "dialects" / "gemini" / "leak.py").write_text("from tramite.dialects.openai import fields\n")
    (source / "tramite" / "pipeline" / "leak.py").write_text("def f():\n    import aiohttp\n")
    for name, line in {
        "messages": "import tramite.pipeline.leak",
        "replies": "import anyio",
    }.items():
        with (source / "tramite" / f"{name}.py").open("a") as module:
            module.write(f"\n{line}\n")
    return source


def test_a_forbidden_import_breaks_its_contract(broken_house: Path, tmp_path: Path) -> None:
    run = lint_imports(broken_house, tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert str(run.stdout).count(" BROKEN") == 5, run.stdout


def imported_from_the_root(path: Path) -> set[str]:
    """The names that a module takes from `tramite` itself."""
    depth = len(path.relative_to(PACKAGE).parts)
    return {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(node, ast.ImportFrom)
        and ((node.level == 0 and node.module == "tramite") or (node.level == depth and not node.module))
        for alias in node.names
    }


def test_inside_the_house_a_name_is_imported_from_where_it_lives() -> None:
    """The root's lazy names are for users: import-linter cannot see through them."""
    modules = {path.stem for path in PACKAGE.iterdir()}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = {n for n in imported_from_the_root(path) if not n.startswith("__")}
        assert names <= modules, f"{path.relative_to(ROOT)} takes {names - modules} from the root"
