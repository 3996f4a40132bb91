"""How near vectors are to each other: held against values computed by hand, and against what must always be so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tramite.workbench.similarity import measures
from tramite.workbench.similarity.measures import MEASURES, contrast, nearness, neighbours

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))
SQUARES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=6)
)


def test_the_numbers_are_those_of_a_calculation_by_hand() -> None:
    found = nearness([[3.0, 4.0], [4.0, 3.0], [-3.0, -4.0], [0.0, 10.0]])
    assert found.cosine[0] == pytest.approx([1, 0.96, -1, 0.8])
    assert found.dot[0] == pytest.approx([25, 24, -25, 40])
    assert found.euclidean[0] == pytest.approx([0, math.sqrt(2), 10, math.sqrt(45)])


def test_of_vectors_of_length_one_all_three_measures_say_the_same() -> None:
    found = nearness([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    assert found.dot == pytest.approx(found.cosine)
    assert found.euclidean == pytest.approx(np.sqrt(2 - 2 * found.cosine))
    assert [neighbours(found, 0, measure) for measure in MEASURES] == [[1, 2]] * 3


def test_zeros_have_no_direction_but_a_place() -> None:
    found = nearness([[0.0, 0.0], [3.0, 4.0]])
    assert np.isnan(found.cosine[0]).all()
    assert found.cosine[1, 1] == 1
    assert (found.dot[0, 1], found.euclidean[0, 1]) == (0, 5)
    assert neighbours(found, 1, "cosine") == [0]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_what_is_no_number_spoils_its_own_sentence_alone(broken: float) -> None:
    found = nearness([[1.0, broken], [1.0, 0.0], [0.0, 1.0]])
    for measure in MEASURES:
        square = found.by(measure)
        assert np.isnan(square[0]).all()
        assert np.isnan(square[:, 0]).all()
        assert np.isfinite(square[1:, 1:]).all()
        assert neighbours(found, 1, measure) == [2, 0]


def test_huge_and_tiny_vectors_still_have_a_direction() -> None:
    for size in (1e200, 1e-200):
        assert nearness([[3 * size, 4 * size], [4 * size, 3 * size]]).cosine[0, 1] == pytest.approx(0.96)
    assert np.isnan(nearness([[1e200], [1e200]]).dot).all()


def test_one_sentence_and_none_are_no_trouble() -> None:
    assert nearness([[1.0, 2.0]]).cosine.tolist() == [[1.0]]
    assert neighbours(nearness([[1.0, 2.0]]), 0, "dot") == []
    assert nearness([]).cosine.shape == (0, 0)
    assert contrast(nearness([[1.0]]), [0]) == measures.Contrast(None, None, 0, 1)


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        nearness([[1.0, 2.0], [1.0]])


def test_neighbours_come_the_nearest_first_and_equal_ones_in_their_order() -> None:
    found = nearness([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.0, 1.0]])
    assert neighbours(found, 0, "cosine") == [2, 1, 3]
    assert neighbours(found, 0, "euclidean") == [2, 1, 3]


def test_groups_that_lie_apart_are_told_apart() -> None:
    found = nearness([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    told = contrast(found, [0, 0, 1, 1])
    assert (told.near, told.of) == (4, 4)
    assert told.same is not None
    assert told.other is not None
    assert told.same > 0.9 > 0.2 > told.other
    mixed = contrast(found, [0, 1, 0, 1])
    assert mixed.near == 0


@given(SQUARES)
def test_every_measure_is_symmetrical_and_within_its_range(vectors: list[list[float]]) -> None:
    found = nearness(vectors)
    for measure in MEASURES:
        square = found.by(measure)
        assert np.array_equal(square, square.T, equal_nan=True)
    known = found.cosine[~np.isnan(found.cosine)]
    assert ((known >= -1) & (known <= 1)).all()
    assert (found.euclidean >= 0).all()


@given(SQUARES)
def test_every_vector_is_nearest_to_itself(vectors: list[list[float]]) -> None:
    found = nearness(vectors)
    assert not found.euclidean.diagonal().any()
    zero = np.array([not any(vector) for vector in vectors])
    assert (np.isnan(found.cosine.diagonal()) == zero).all()
    assert (found.cosine.diagonal()[~zero] == 1).all()
    assert found.dot.diagonal() == pytest.approx([sum(value * value for value in vector) for vector in vectors])


@given(SQUARES, st.data())
def test_the_same_sentence_twice_lies_in_the_same_place(vectors: list[list[float]], data: st.DataObject) -> None:
    twin = data.draw(st.integers(0, len(vectors) - 1))
    found = nearness([*vectors, vectors[twin]])
    assert found.euclidean[twin, -1] == 0
    if any(vectors[twin]):
        assert found.cosine[twin, -1] == pytest.approx(1)
    for measure in MEASURES:
        assert sorted(neighbours(found, twin, measure)) == [n for n in range(len(vectors) + 1) if n != twin]
