"""Fronts against the definition, and the dominated share of a box by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.pareto import ParetoFront, dominates, hypervolume

POINTS = st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 3), max_size=30)


@given(POINTS)
def test_a_front_is_what_no_point_dominates_in_groups_of_equals(points: list[tuple[float, ...]]) -> None:
    front: ParetoFront[int] = ParetoFront()
    new = [front.add(point, number) for number, point in enumerate(points)]
    best = sorted({p for p in points if not any(dominates(other, p) for other in points)}, reverse=True)
    assert front.groups == [[number for number, point in enumerate(points) if point == p] for p in best]
    for number, point in enumerate(points):
        assert new[number] == (not any(dominates(other, point) or other == point for other in points[:number]))


def test_a_point_does_not_dominate_itself() -> None:
    assert dominates((1.0, 2.0), (1.0, 1.0))
    assert not dominates((1.0, 1.0), (1.0, 1.0))
    assert not dominates((2.0, 0.0), (1.0, 1.0))


def test_hypervolume_is_the_dominated_share_of_the_box() -> None:
    def volume(*points: tuple[float, float]) -> float:
        return hypervolume(points, (0.0, -30.0), (1.0, -10.0))

    assert volume((1.0, -10.0)) == pytest.approx(1)
    assert volume((0.5, -20.0)) == pytest.approx(0.25)
    assert volume((0.5, -20.0), (0.4, -25.0)) == pytest.approx(0.25)  # dominated
    assert volume((0.5, -10.0), (1.0, -20.0)) == pytest.approx(0.75)
    assert volume() == 0
    assert hypervolume([(0.5, -7.0)], (0.0, -7.0), (1.0, -7.0)) == pytest.approx(0.5)
    assert volume((-0.5, -20.0), (2.0, -20.0)) == pytest.approx(0.5)  # at the edge
