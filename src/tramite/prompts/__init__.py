"""Prompts with names: templates in TOML files, yours, a project's, and some that come along. Asks no model."""

from __future__ import annotations

from .folders import load, names
from .template import Example, Labels, Template, Value

__all__ = ["Example", "Labels", "Template", "Value", "load", "names"]
