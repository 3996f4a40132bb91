"""The public names: sorted, all there, and the same to a type checker as to a program."""

from __future__ import annotations

import ast
from importlib.metadata import version
from pathlib import Path

import tramite


def test_the_public_names_are_sorted_and_each_is_there() -> None:
    assert list(tramite.__all__) == sorted(set(tramite.__all__))
    for name in tramite.__all__:
        assert getattr(tramite, name) is not None, name


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(tramite, "no_such_name")


def test_a_type_checker_sees_the_names_that_a_program_sees() -> None:
    tree = ast.parse(Path(tramite.__file__).read_text())
    lazy = {
        alias.asname or alias.name
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and (node.level or node.module != "typing")
        for alias in node.names
    }
    eager = {name for name in tramite.__all__ if name.startswith("__")}
    assert lazy == set(tramite.__all__) - eager


def test_the_version_is_the_one_that_is_installed() -> None:
    assert tramite.__version__ == version("tramite")
