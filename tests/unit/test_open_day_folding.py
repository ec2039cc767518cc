"""What an open day may not tell yet is folded, cell by cell."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collector.stats.open_day_folding import OpenCell, ResultRows, Rule, fold

LIST, TABLE = Rule(is_list=True, keeps_continuous=5), Rule(is_list=False, keeps_continuous=5)
DAY = date(2026, 11, 22)
CONTINUOUS = (False, True, False)
"""Pageviews are counted, seconds are continuous, visitors come last."""


def cell(key: str, visitors: int, threshold: int = 3, **other: Any) -> OpenCell:
    """Make a cell with two pageviews and seven seconds a visitor."""
    name = other.pop("fold_value", "(other)")
    facts: dict[str, Any] = {
        "selection": 1,
        "day": DAY,
        "key": key,
        "fold_value": name,
        "fold_other": "",
        "fold_key": name,
        "matches": 1,
        "fold_matches": 1,
        "threshold": threshold,
        "id": sum(map(ord, key)),
        "weight": visitors,
        "sums": (2 * visitors, 7 * visitors, visitors),
    }
    return OpenCell(**(facts | other))


def folded(*cells: OpenCell, rule: Rule = LIST) -> ResultRows:
    """Fold the cells of one selection."""
    return fold(cells, {1: rule}, CONTINUOUS).get(1, ResultRows())


def test_small_cells_of_a_list_are_counted_under_other() -> None:
    """Their counts add up to the whole, their continuous sums are in neither."""
    result = folded(cell("/a", 9), cell("/b", 2), cell("/c", 2), cell("/d", 1))

    assert result.rows == {"/a": [18, 63, 9], "(other)": [10, 0, 5]}
    assert (result.whole, result.folded_count) == ([28, 63, 14], 3)


def test_continuous_sums_are_suppressed_from_more_cells_until_they_hide_each() -> None:
    """What three visitors left out could be told apart, so the next smallest leaves out its own."""
    result = folded(cell("/a", 9), cell("/b", 8), cell("/c", 2), cell("/d", 1))

    assert result.rows == {"/a": [18, 63, 9], "/b": [16, 0, 8], "(other)": [6, 0, 3]}


def test_one_small_cell_takes_the_next_smallest_along() -> None:
    """By weight, then by number, as sealing chooses."""
    result = folded(cell("/a", 9), cell("/b", 5, id=2), cell("/c", 5, id=1), cell("/d", 1))

    assert {key: sums[0] for key, sums in result.rows.items()} == {
        "/a": 18,
        "/b": 10,
        "(other)": 12,
    }


def test_a_lone_small_cell_folds_alone() -> None:
    """There is nothing to subtract it from but itself."""
    assert folded(cell("/a", 1)).rows == {"(other)": [2, 0, 1]}


def test_small_cells_of_a_table_are_left_out() -> None:
    """A pair stores no "(other)", and a cell of few visitors keeps its counts only."""
    result = folded(cell("/a", 9), cell("/b", 4), cell("/c", 2, fold_matches=0), rule=TABLE)

    assert result.rows == {"/a": [18, 63, 9], "/b": [8, 0, 4]}
    assert result.folded_count == 0


def test_children_fold_within_their_parent_and_days_by_themselves() -> None:
    """Nothing goes along with a small cell of another parent or day."""
    result = folded(
        cell("DE-BE", 9, fold_value="DE-(other)"),
        cell("DE-BY", 8, fold_value="DE-(other)"),
        cell("FR-IDF", 1, fold_value="FR-(other)"),
        cell("FR-IDF", 7, fold_value="FR-(other)", day=date(2026, 11, 21)),
    )

    assert {key: sums[-1] for key, sums in result.rows.items()} == {
        "DE-BE": 9,
        "DE-BY": 8,
        "FR-(other)": 1,
        "FR-IDF": 7,
    }


def test_a_filter_looks_at_a_cell_as_it_is_called_once_it_is_folded() -> None:
    """A folded value is not found by its own name."""
    result = folded(
        cell("/a", 9, matches=0, fold_matches=0),
        cell("/b", 1, matches=1, fold_matches=0),
        cell("/c", 2, matches=0, fold_matches=0),
    )

    assert result == ResultRows()


def test_totals_tell_all_sums_however_few_visitors_there_are() -> None:
    """Only parts could be told from each other."""
    assert folded(cell("", 1, threshold=0), rule=Rule(is_list=False, keeps_continuous=0)).whole == [
        2,
        7,
        1,
    ]


def test_the_number_of_folded_values_is_that_of_the_day_on_which_it_was_most() -> None:
    """The same value may fold on every day, so days are not added up."""
    earlier = date(2026, 11, 21)
    result = folded(
        *(cell(name, 1) for name in ("/a", "/b", "/c")),
        *(cell(name, 1, day=earlier) for name in ("/a", "/b")),
    )

    assert result.folded_count == 3


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), max_size=12))
def test_a_list_loses_no_count_and_folds_or_suppresses_none_alone(
    cells: list[tuple[int, int]],
) -> None:
    """Whatever comes: parts sum to the whole, and what is missing is that of two or more."""
    rows = [cell(f"/{n}", visitors, needed, id=n) for n, (visitors, needed) in enumerate(cells)]

    result = folded(*rows)

    names = {f"/{n}": visitors for n, (visitors, _) in enumerate(cells)}
    missing = [name for name in names if name not in result.rows]
    suppressed = [name for name in names if result.rows.get(name, [0, 0, 0])[1] == 0]
    assert sum(sums[0] for sums in result.rows.values()) == 2 * sum(names.values())
    assert len(missing) != 1 or len(names) == 1
    assert set(missing) <= set(suppressed)
    assert (
        not suppressed
        or len(suppressed) == len(names)
        or (
            len(suppressed) >= 2
            and sum(names[name] for name in suppressed) >= LIST.keeps_continuous
        )
    )
