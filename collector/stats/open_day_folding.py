"""Fold the small cells of an open day with the same rules that sealing applies.

Pure. In a list small cells go into "(other)", and the next smallest where one would go alone; in
a table they are left out. Continuous sums are suppressed in small cells, and in as many more as
hide them. Source: docs/design/0007-folding.md; the rules for sealed days are in `cells.folding`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import NamedTuple


class OpenCell(NamedTuple):
    """One cell of an open day, as `sql.open_select` reads it.

    Attributes:
        selection: the number of the selection it belongs to.
        fold_value, fold_other: name the "(other)" that it is folded into.
        key: of the row it is counted in, unless it is folded.
        fold_key: of the row it is counted in, if it is folded.
        matches, fold_matches: whether it passes the filters as it is, and folded.
        threshold: the cell is small if its weight is less.
        sums: visitors last.
    """

    selection: int
    day: date
    fold_value: str
    fold_other: str
    key: str
    fold_key: str
    matches: int
    fold_matches: int
    threshold: int
    id: int
    weight: int
    sums: tuple[int, ...]


_by_weight = attrgetter("weight", "id")


class Rule(NamedTuple):
    """How the cells of a selection are folded.

    Attributes:
        is_list: whether small ones become "(other)"; else they are left out.
        keeps_continuous: how many visitors a cell needs to keep its continuous sums.
    """

    is_list: bool
    keeps_continuous: int


@dataclass(slots=True)
class ResultRows:
    """One selection of an answer: its sums as a whole, and row by row.

    Attributes:
        folded_count: how many values were folded, on the day with the most.
        whole: the sums of all its cells; empty if there are none.
        rows: the sums of each row, by key.
    """

    folded_count: int = 0
    whole: list[int] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def add_open(self, cells: Sequence[tuple[str, Sequence[int]]]) -> None:
        """Add cells of open days, each to its row, and all to the whole."""
        self.whole = added(self.whole, [*map(sum, zip(*(sums for _, sums in cells), strict=True))])
        for key, sums in cells:
            before = self.rows.get(key)
            self.rows[key] = added(before, sums) if before else [*sums]

    def add_sealed(self, key: str, folded_count: int, sums: Sequence[int]) -> None:
        """Add a row of sealed days, or without a key their whole."""
        if key:
            self.rows[key] = added(self.rows.get(key, ()), sums)
        else:
            self.folded_count = max(self.folded_count, folded_count)
            self.whole = added(self.whole, sums)


def added(some: Sequence[int], more: Sequence[int]) -> list[int]:
    """Add sums one by one; no sums at all count as zeros."""
    return [one + other for one, other in zip(some, more, strict=True)] if some else [*more]


def fold(
    cells: Iterable[OpenCell], rules: dict[int, Rule], continuous: Sequence[bool]
) -> dict[int, ResultRows]:
    """Fold the cells of open days.

    Args:
        rules: by selection.
        continuous: for each sum, whether small cells leave it out.

    Returns:
        The rows of each selection that has any.
    """
    groups: dict[tuple[int, date, str, str], list[OpenCell]] = defaultdict(list)
    for cell in cells:
        # Those with the same selection, day and "(other)" are one group.
        groups[cell[:4]].append(cell)
    results: dict[int, ResultRows] = defaultdict(ResultRows)
    counts: dict[int, Counter[date]] = defaultdict(Counter)
    for (selection, day, *_), group in groups.items():
        folded = _folded(group, rules[selection])
        suppressed = _suppressed(group, folded, rules[selection]) if any(continuous) else folded
        counts[selection][day] += sum(1 for c in group if c.id in folded and c.fold_matches)
        rows = _rows(group, folded, suppressed, continuous)
        if rows:
            results[selection].add_open(rows)
    for selection, result in results.items():
        result.folded_count = max(counts[selection].values())
    return results


def _rows(
    group: Sequence[OpenCell], folded: set[int], suppressed: set[int], continuous: Sequence[bool]
) -> list[tuple[str, Sequence[int]]]:
    """List the cells of a group that pass the filters: the key of the row of each, and its sums."""
    rows: list[tuple[str, Sequence[int]]] = []
    for cell in group:
        is_folded = cell.id in folded
        if cell.fold_matches if is_folded else cell.matches:
            sums = _without(cell.sums, continuous) if cell.id in suppressed else cell.sums
            rows.append((cell.fold_key if is_folded else cell.key, sums))
    return rows


def _folded(group: Sequence[OpenCell], rule: Rule) -> set[int]:
    """Pick the cells that fold; in a list never one alone: a subtraction would reveal it."""
    small = {cell.id for cell in group if cell.weight < cell.threshold}
    if rule.is_list and len(small) == 1 and len(group) > 1:
        small.add(min((cell for cell in group if cell.id not in small), key=_by_weight).id)
    return small


def _suppressed(group: Sequence[OpenCell], folded: set[int], rule: Rule) -> set[int]:
    """Pick the cells without continuous sums; in a list, so many that their sum hides each."""
    least = rule.keeps_continuous
    small = [cell for cell in group if cell.id in folded or cell.sums[-1] < least]
    suppressed = {cell.id for cell in small}
    if not small or not rule.is_list:
        return suppressed
    larger = [cell for cell in group if cell.id not in suppressed]
    if larger and sum(cell.sums[-1] for cell in small) < least:
        # One more is enough: it is not small itself, so it hides any.
        suppressed.add(min(larger, key=_by_weight).id)
    return suppressed


def _without(sums: Sequence[int], continuous: Sequence[bool]) -> list[int]:
    return [0 if left_out else one for one, left_out in zip(sums, continuous, strict=True)]
