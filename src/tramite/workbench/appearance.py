"""Light, dark, or as the system has it: what is chosen holds for all pages of this process, and is remembered.

A page takes it at its next run. Streamlit's own menu has a choice, too, which is the browser's; it is there while
nothing is chosen here.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Look: TypeAlias = Literal["system", "light", "dark"]
LOOKS: tuple[Look, ...] = get_args(Look)

PREFERENCE = "appearance"
"""The name under which the choice is kept."""

_PRIMARY = {"light": "#0f766e", "dark": "#2dd4bf"}
_INK = "#111110"
"""The light look's text: captions are 60 % of it, and must still be read (WCAG 2, 1.4.3)."""


def of(kept: str | None) -> Look:
    """The look that was kept; the system's for what is none."""
    return kept if kept in LOOKS else "system"


def options(look: Look) -> dict[str, str | None]:
    """Streamlit's options for it. With a table of its own for dark there are two themes, and the system decides."""
    system = look == "system"
    return {
        "theme.base": None if system else look,
        "theme.primaryColor": _PRIMARY["light" if system else look],
        "theme.dark.primaryColor": _PRIMARY["dark"] if system else None,
        "theme.textColor": _INK if look == "light" else None,
        "theme.light.textColor": _INK if system else None,
    }


def wear(look: Look) -> None:
    """Have every page look so from its next run on."""
    from streamlit import config

    for name, value in options(look).items():
        config.set_option(name, value)
