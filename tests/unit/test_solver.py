"""Check the solver of the attack tests against plain linear algebra."""

from __future__ import annotations

import random
from fractions import Fraction

from tests.attack.solver import Line, determined

TOLD = frozenset(("r0", "r1", "r2", "r3", "c0", "c1", "c2", "c3"))


def test_a_cell_alone_in_its_row_follows_from_the_rows_sum() -> None:
    """One subtraction gives it away."""
    unknowns = [("r0", "c0"), ("r1", "c0"), ("r1", "c1"), ("r2", "c0"), ("r2", "c1")]

    assert [("r0", "c0")] == determined(unknowns, TOLD)


def test_a_rectangle_of_cells_cannot_be_worked_out() -> None:
    """Each hides behind the others."""
    assert [] == determined([(r, c) for r in ("r0", "r1") for c in ("c0", "c1")], TOLD)


def test_a_cell_between_two_rectangles_follows_from_several_sums() -> None:
    """Two in each row and column are not always enough; the solver finds what remains."""
    rectangles = [(r, c) for r in ("r0", "r1") for c in ("c0", "c1")]
    rectangles += [(r, c) for r in ("r2", "r3") for c in ("c2", "c3")]

    assert [("r0", "c2")] == determined([*rectangles, ("r0", "c2")], TOLD)


def test_a_row_whose_sum_is_not_told_gives_nothing_away() -> None:
    """What is folded in its list bounds nothing in its pairs."""
    unknowns = [("r0", "c0"), ("r0", "c1"), ("r1", "c0"), ("r2", "c1")]

    assert [] == determined(unknowns, frozenset(("c0", "c1")))


def test_it_agrees_with_elimination_on_random_tables() -> None:
    """Three hundred small tables, solved exactly with fractions."""
    choose = random.Random(4)

    for _ in range(300):
        cells = [(f"r{r}", f"c{c}") for r in range(4) for c in range(4)]
        unknowns: list[Line] = list(choose.sample(cells, choose.randint(1, 12)))
        told = frozenset(choose.sample(sorted(TOLD), choose.randint(2, 8)))

        assert _by_elimination(unknowns, told) == set(determined(unknowns, told))


def _by_elimination(unknowns: list[Line], told: frozenset[object]) -> set[Line]:
    rows = [[Fraction(end in line) for line in unknowns] for end in sorted(map(str, told))]
    pivots: list[int] = []
    for column in range(len(unknowns)):
        found = next((r for r in range(len(pivots), len(rows)) if rows[r][column]), None)
        if found is None:
            continue
        rank = len(pivots)
        rows[rank], rows[found] = rows[found], rows[rank]
        rows[rank] = [value / rows[rank][column] for value in rows[rank]]
        for other in range(len(rows)):
            if other != rank and rows[other][column]:
                factor = rows[other][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[rank], strict=True)]
        pivots.append(column)
    return {
        unknowns[column]
        for row, column in zip(rows, pivots, strict=False)
        if sum(value != 0 for value in row) == 1
    }
