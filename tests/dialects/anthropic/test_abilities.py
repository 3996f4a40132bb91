"""Which Claude takes what, by its name."""

from __future__ import annotations

import pytest

from tramite.dialects.anthropic.abilities import abilities


@pytest.mark.parametrize(
    ("model", "thinking", "off", "sampling", "mid_system"),
    [
        ("claude-3-haiku-20240307", "none", "disabled", "any", False),
        ("claude-3-5-sonnet-20241022", "none", "disabled", "any", False),
        ("claude-3-7-sonnet-latest", "budget", "disabled", "any", False),
        ("claude-sonnet-4-20250514", "budget", "disabled", "any", False),
        ("claude-opus-4-1-20250805", "budget", "disabled", "one", False),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "budget", "disabled", "one", False),
        ("claude-sonnet-4-5@20250929", "budget", "disabled", "one", False),
        ("anthropic/claude-haiku-4.5", "budget", "disabled", "one", False),
        ("claude-sonnet-4-6", "adaptive", "disabled", "one", False),
        ("anthropic/claude-4.7-opus", "adaptive", "disabled", "none", False),
        ("claude-opus-4-8-20260528", "adaptive", "disabled", "none", True),
        ("claude-sonnet-5", "adaptive", "disabled", "none", False),
        ("claude-opus-5", "adaptive", "disabled", "none", True),
        ("claude-opus-5-5", "adaptive", "never", "none", True),
        ("claude-sonnet-5-5", "adaptive", "between_tools", "none", True),
        ("claude-haiku-5-5", "adaptive", "disabled", "none", True),
        ("claude-mythos-preview", "adaptive", "never", "none", True),
        ("claude-opus-6", "adaptive", "never", "none", True),
        ("qwen3-8b", "budget", "disabled", "any", False),
        ("", "budget", "disabled", "any", False),
    ],
)
def test_a_name_tells(model: str, thinking: str, off: str, sampling: str, mid_system: bool) -> None:
    able = abilities(model)
    assert (able.thinking, able.off, able.sampling, able.mid_system) == (thinking, off, sampling, mid_system)


def test_the_highest_efforts_came_later() -> None:
    assert "xhigh" not in abilities("claude-opus-4-6").efforts
    assert "xhigh" in abilities("claude-opus-4-7").efforts
