"""Look for links between two cells: equal bytes of sketches, equal sums of sealed cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

WINDOW = 8
LEAST_VARIETY = 6
"""Windows of fewer distinct bytes are padding and empty registers, not tags."""


def shared_windows(states: Iterable[bytes]) -> int:
    """Count the 8-byte strings, at any offset, that occur in the sketches of two or more cells.

    Args:
        states: of one cell each.
    """
    windows, cells = [], []
    for number, state in enumerate(states):
        found = np.unique(windows_of(state))
        windows.append(found)
        cells.append(np.full(len(found), number, np.uint32))
    every = np.sort(np.concatenate(windows))
    twice = np.unique(every[1:][every[1:] == every[:-1]])
    return int(np.count_nonzero(_varied(twice)))


def windows_of(state: bytes) -> npt.NDArray[np.uint64]:
    """Return the 8-byte strings at every offset, as numbers."""
    if len(state) < WINDOW:
        return np.empty(0, np.uint64)
    plain = np.frombuffer(state, np.uint8)
    view = np.lib.stride_tricks.sliding_window_view(plain, WINDOW)
    return np.ascontiguousarray(view).view(np.uint64).ravel()


def _varied(windows: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    by_byte = np.sort(windows.view(np.uint8).reshape(-1, WINDOW), axis=1)
    varied: npt.NDArray[np.bool_] = (
        np.diff(by_byte, axis=1).astype(bool).sum(axis=1) >= LEAST_VARIETY - 1
    )
    return varied


@dataclass(frozen=True, slots=True)
class Single:
    """A cell with one visitor, as an attacker sees it, and who the visitor was.

    Attributes:
        view: its number.
        sums: everything that is published about it.
        visitor: the truth, which measures the attack.
    """

    view: int
    sums: tuple[int, ...]
    visitor: int


@dataclass(frozen=True, slots=True)
class Joins:
    """The result of an attack by equal sums.

    Attributes:
        tried: cells of one visitor who is alone in a cell of another list too, for each such list.
        right: expected number of right guesses among the cells there with equal sums.
        blind: the same for a guess among all cells there.
    """

    tried: int
    right: float
    blind: float

    @property
    def advantage(self) -> float:
        """How much more often equal sums find the right cell than a random guess, 0 to 1."""
        return (self.right - self.blind) / max(1, self.tried)


def join_by_sums(singles: Iterable[Single]) -> Joins:
    """Search each cell with one visitor in every other list, by its sums."""
    by_view: dict[int, list[Single]] = defaultdict(list)
    for single in singles:
        by_view[single.view].append(single)
    tried, right, blind = 0, 0.0, 0.0
    for one, other in permutations(by_view.values(), 2):
        there = {single.visitor: single.sums for single in other}
        alike = Counter(single.sums for single in other)
        for single in one:
            if single.visitor in there:
                tried += 1
                blind += 1 / len(other)
                right += (there[single.visitor] == single.sums) / max(1, alike[single.sums])
    return Joins(tried, right, blind)
