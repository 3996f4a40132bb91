"""The tree of a conversation: which messages a branch has, and which other branches there are. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tramite.store.conversations import Link


class Tree:
    """Links, parents before children, as the store gives them."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.by_id = {link.id: link for link in links}
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for link in links:
            self._children[link.parent_id].append(link.id)

    def __len__(self) -> int:
        return len(self.by_id)

    def branch(self, leaf: str | None) -> list[Link]:
        """From the first message to this one; nothing where there is no such message."""
        found: list[Link] = []
        seen: set[str] = set()
        link = self.by_id.get(leaf or "")
        while link is not None and link.id not in seen:
            seen.add(link.id)
            found.append(link)
            link = self.by_id.get(link.parent_id or "")
        return found[::-1]

    def siblings(self, id: str) -> list[str]:
        """This message and those in its place on other branches, in the order in which they came."""
        return self._children[self.by_id[id].parent_id]

    def tip(self, id: str) -> str:
        """The end of the newest branch that goes through this message."""
        seen: set[str] = set()
        while (children := self._children.get(id)) and id not in seen:
            seen.add(id)
            id = children[-1]
        return id

    def newest(self) -> str | None:
        """The message that came last."""
        return next(reversed(self.by_id), None)
