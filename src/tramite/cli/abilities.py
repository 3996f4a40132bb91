"""What becomes of each setting at each provider, as tables. Finds out nothing itself; knows what fits on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tramite.calls import Kind
from tramite.providers.features import Fate, features
from tramite.providers.rows import Provider

from . import facts
from .terminal import BOLD, Terminal, table

WORDS: Mapping[Fate, str] = {
    "sent": "sent",
    "notice": "left out, with a notice",
    "refused": "refused",
    "dropped": "dropped in silence: please report it",
}
_FEW = 3
_BY_PROVIDER = dict[str, dict[Kind, dict[str, Fate]]]


def show(providers: Sequence[Provider], terminal: Terminal, as_json: bool, alone: bool) -> None:
    """The tables; in a pipe operation, setting, provider and fate on each line. `alone`: there is but one provider."""
    found: _BY_PROVIDER = {row.name: features(row) for row in providers}
    if as_json:
        terminal.line(facts.json_text(found))
    elif alone or not terminal.live:
        _show_each(found, alone and terminal.live)
    else:
        for kind in ("chat", "completion", "embedding"):
            _show_operation(kind, {name: has[kind] for name, has in found.items() if kind in has}, terminal)


def _show_each(found: _BY_PROVIDER, in_words: bool) -> None:
    """A line for each setting at each provider."""
    rows = [
        [kind, setting, *([WORDS[fate]] if in_words else [name, fate])]
        for name, has in found.items()
        for kind, settings in has.items()
        for setting, fate in settings.items()
    ]
    table(["operation", "setting", ""], rows)


def _show_operation(kind: str, found: Mapping[str, Mapping[str, Fate]], terminal: Terminal) -> None:
    """Settings down, providers across: who sends it, who does not."""
    terminal.line("")
    terminal.data(kind, BOLD)
    terminal.line(f", at {', '.join(found)}")
    settings = next(iter(found.values()), {})
    rows = [[setting, *_groups({name: fates[setting] for name, fates in found.items()})] for setting in settings]
    table(["setting", "sent by", "left out, with a notice, by", "refused by"], rows)


def _groups(fates: Mapping[str, Fate]) -> list[str]:
    """The providers of each fate; the most of them are not counted up."""
    groups = [[name for name, found in fates.items() if found == fate] for fate in ("sent", "notice", "refused")]
    most = max(groups, key=len)
    words = "all" if len(most) == len(fates) else "the others"
    return [words if group is most and len(group) > _FEW else ", ".join(group) for group in groups]
