"""The validator of the demo's task: what counts as a packing, and what it is worth."""

from __future__ import annotations

import math

import pytest

from genesis_ch.demo.packing import CIRCLES, TOLERANCE, judge

GRID = [[(column + 0.5) / 6, (row + 0.5) / 6, 1 / 12] for row in range(6) for column in range(6)][:CIRCLES]


def changed(index: int, *circle: object) -> list[object]:
    return [list(circle) if i == index else one for i, one in enumerate(GRID)]


def test_valid_packing_scores_the_sum_of_its_radii() -> None:
    verdict = judge(GRID)
    assert verdict.correct
    assert verdict.score == math.fsum(r for _, _, r in GRID)


def test_tuples_and_integers_are_taken() -> None:
    assert judge(tuple(tuple(circle) for circle in GRID)).correct
    assert judge(changed(0, 0, 0, 1)).error == "circle 0 leaves the square by 1"


def test_contact_within_the_tolerance_is_no_fault() -> None:
    x, y, r = GRID[0]
    assert judge(changed(0, x, y, r + 0.9 * TOLERANCE)).correct
    assert judge(changed(0, x, y, r + 2.1 * TOLERANCE)).score == 0.0


def test_circle_outside_the_square_is_a_fault() -> None:
    assert "leaves the square" in str(judge(changed(3, -0.01, 0.5, 0.001)).error)


def test_overlap_names_both_circles() -> None:
    x, y, _ = GRID[4]
    verdict = judge(changed(20, x + 0.02, y, 0.01))
    assert verdict.score == 0.0
    assert "circles 4 and 20 overlap" in str(verdict.error)


@pytest.mark.parametrize(
    ("packing", "error"),
    [
        (None, "pack() returned NoneType, not a list of circles"),
        ("x" * 26, "pack() returned str, not a list of circles"),
        (GRID[:-1], "pack() returned 25 circles instead of 26"),
        (changed(5, 0.5, 0.5), "circle 5 is not (x, y, r)"),
        (changed(5, 0.5, 0.5, math.nan), "circle 5 holds something that is not a finite number"),
        (changed(5, 0.5, 0.5, "1"), "circle 5 holds something that is not a finite number"),
        (changed(5, 0.5, 0.5, 0.0), "circle 5 has radius 0"),
        (changed(5, 0.5, 0.5, -0.1), "circle 5 has radius -0.1"),
    ],
)
def test_what_is_no_packing_scores_zero_and_says_why(packing: object, error: str) -> None:
    verdict = judge(packing)
    assert (verdict.score, verdict.error) == (0.0, error)
