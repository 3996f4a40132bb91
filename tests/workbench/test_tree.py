"""The tree of a conversation: whatever it looks like, its branches hold together, and no walk in it is endless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tramite.store.conversations import Link
from tramite.workbench.chat.tree import Tree


def link(id: int, parent: int | None) -> Link:
    return Link(str(id), None if parent is None else str(parent), "user", "complete")


@st.composite
def trees(draw: st.DrawFn) -> list[Link]:
    """Parents before children, as the store gives them."""
    size = draw(st.integers(1, 30))
    return [link(id, draw(st.none() | st.integers(0, id - 1)) if id else None) for id in range(size)]


TANGLES = st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 10)), max_size=12)
"""Links in any order, to themselves, in circles, to nobody."""


@given(trees())
def test_a_branch_goes_from_a_beginning_to_its_leaf_by_parents(links: list[Link]) -> None:
    tree = Tree(links)
    assert len(tree) == len(links)
    for one in links:
        branch = tree.branch(one.id)
        assert branch[-1] is one
        assert branch[0].parent_id is None
        assert [after.parent_id for after in branch[1:]] == [before.id for before in branch[:-1]]


@given(trees())
def test_siblings_answer_the_same_and_each_is_among_its_own(links: list[Link]) -> None:
    tree = Tree(links)
    for one in links:
        siblings = tree.siblings(one.id)
        assert siblings == [other.id for other in links if other.parent_id == one.parent_id]


@given(trees())
def test_the_tip_is_a_leaf_whose_branch_goes_through_the_message(links: list[Link]) -> None:
    tree = Tree(links)
    parents = {one.parent_id for one in links}
    for one in links:
        tip = tree.tip(one.id)
        assert tip not in parents
        assert one in tree.branch(tip)
    assert tree.newest() == links[-1].id


@given(TANGLES)
def test_a_tangle_ends(tangle: list[tuple[int, int | None]]) -> None:
    tree = Tree([link(id, parent) for id, parent in tangle])
    for id in map(str, range(12)):
        tree.branch(id)
        tree.tip(id)
        if id in tree.by_id:
            assert id in tree.siblings(id)


def test_nothing_has_no_branch() -> None:
    tree = Tree([])
    assert (len(tree), tree.branch(None), tree.branch("x"), tree.newest(), tree.tip("x")) == (0, [], [], None, "x")
