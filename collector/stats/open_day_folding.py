"""Fold what an open day may not tell yet, as its sealing will fold it.

Pure: takes the cells that `reading.of_open` reads. In a list small cells go into "(other)",
and the next smallest where one would go alone; of a table they are left out. Fine sums are
struck from small cells, and from as many more as hide them. Source:
docs/design/0007-folding.md; the rules for sealed days are in `cells.folding`.
Called by `report`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple

Row = tuple[Any, ...]
"""A cell as it is read: `part, day, key, called, further, called_key, is_wanted, wants_folded,
needed, id, weight` and the sums, visitors last. It is small if its weight is less than it needs;
folded, it goes under `called_key`, with all that are `called` the same."""

PART, DAY, KEY, CALLED, FURTHER, CALLED_KEY, IS_WANTED, WANTS_FOLDED, NEEDED, ID, WEIGHT = range(11)
SUMS, VISITORS = 11, -1

_line = itemgetter(PART, DAY, CALLED, FURTHER)
_by_weight = itemgetter(WEIGHT, ID)


class Rule(NamedTuple):
    """How the cells of a part are told.

    Attributes:
        is_list: whether small ones become "(other)"; else they are left out.
        tells_fine: how many visitors a cell needs to tell its fine sums.
    """

    is_list: bool
    keeps_continuous: int


@dataclass(slots=True)
class ResultRows:
    """One part of an answer: its sums as a whole, and line by line.

    Attributes:
        told: how many values were folded, of the day on which it was most.
        whole: the sums of all its cells; empty if there are none.
        lines: the sums of each line, by key.
    """

    folded_count: int = 0
    whole: list[int] = field(default_factory=list)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, cells: Sequence[tuple[str, Sequence[int]]]) -> None:
        """Count cells in, each in its line, and all in the whole."""
        self.whole = added(self.whole, [*map(sum, zip(*(sums for _, sums in cells), strict=True))])
        for key, sums in cells:
            before = self.lines.get(key)
            self.lines[key] = added(before, sums) if before else [*sums]

    def read(self, key: str, told: int, sums: Sequence[int]) -> None:
        """Count in a line of sealed days, or with no key their whole."""
        if key:
            self.lines[key] = added(self.lines.get(key, ()), sums)
        else:
            self.folded_count = max(self.folded_count, told)
            self.whole = added(self.whole, sums)


def added(some: Sequence[int], more: Sequence[int]) -> list[int]:
    """Add sums one by one; no sums at all count as zeros."""
    return [one + other for one, other in zip(some, more, strict=True)] if some else [*more]


def fold(
    cells: Iterable[Row], rules: dict[int, Rule], fine: Sequence[bool]
) -> dict[int, ResultRows]:
    """Fold the cells of open days.

    Args:
        rules: by part.
        fine: for each sum, whether small cells leave it out.

    Returns:
        The lines of each part that has any.
    """
    by_line: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for cell in cells:
        by_line[_line(cell)].append(cell)
    found: dict[int, ResultRows] = defaultdict(ResultRows)
    told: dict[int, Counter[date]] = defaultdict(Counter)
    for (part, day, *_), line in by_line.items():
        gone = _folded(line, rules[part])
        struck = _suppressed(line, gone, rules[part]) if any(fine) else gone
        told[part][day] += sum(1 for cell in line if cell[ID] in gone and cell[WANTS_FOLDED])
        _count_folded(found, line, gone, struck, fine)
    for part, lines in found.items():
        lines.folded_count = max(told[part].values())
    return found


def _count_folded(
    found: dict[int, ResultRows],
    line: Sequence[Row],
    gone: set[int],
    struck: set[int],
    fine: Sequence[bool],
) -> None:
    """Count a line's cells in: those that fold under one name, all others under their own."""
    told = []
    for cell in line:
        folded = cell[ID] in gone
        if cell[WANTS_FOLDED if folded else IS_WANTED]:
            sums = _without(cell[SUMS:], fine) if cell[ID] in struck else cell[SUMS:]
            told.append((cell[CALLED_KEY if folded else KEY], sums))
    if told:
        found[line[0][PART]].add(told)


def _folded(line: Sequence[Row], rule: Rule) -> set[int]:
    """Pick the cells that fold: in a list none goes alone, or a subtraction would tell it."""
    small = {cell[ID] for cell in line if cell[WEIGHT] < cell[NEEDED]}
    if rule.is_list and len(small) == 1 and len(line) > 1:
        small.add(min((cell for cell in line if cell[ID] not in small), key=_by_weight)[ID])
    return small


def _suppressed(line: Sequence[Row], gone: set[int], rule: Rule) -> set[int]:
    """Pick the cells that leave out fine sums; in a list, so many that their sum hides each."""
    slim = [cell for cell in line if cell[ID] in gone or cell[VISITORS] < rule.keeps_continuous]
    struck = {cell[ID] for cell in slim}
    if not slim or not rule.is_list:
        return struck
    larger = [cell for cell in line if cell[ID] not in struck]
    if larger and sum(cell[VISITORS] for cell in slim) < rule.keeps_continuous:
        # One more is enough: that it is not slim itself means that it hides any.
        struck.add(min(larger, key=_by_weight)[ID])
    return struck


def _without(sums: Sequence[int], fine: Sequence[bool]) -> list[int]:
    return [0 if is_fine else one for one, is_fine in zip(sums, fine, strict=True)]
