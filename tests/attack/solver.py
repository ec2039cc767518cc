"""Find the folded cells that can be computed exactly from all published numbers.

A table's listed cells and its row and column sums are known. A cell that is not listed is an
unknown, an edge between its row and its column. It can be computed if and only if it lies on no
cycle of unknowns, that is, if it is a bridge of the graph. All rows and columns whose sum is not
published are one vertex.

Source: Gusfield, A graph theoretic approach to statistical data security, 1988.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping

Line = tuple[Hashable, Hashable]
Step = tuple[Hashable, int]
_UNPUBLISHED = ("unpublished",)


def determined(unknowns: Iterable[Line], told: frozenset[Hashable]) -> list[Line]:
    """List the unknowns that the sums determine.

    Args:
        unknowns: (row, column) of each cell that is not listed; rows and columns differ in name.
        told: the rows and columns whose sums are published.
    """
    lines = list(unknowns)
    ends = [tuple(end if end in told else _UNPUBLISHED for end in line) for line in lines]
    graph: dict[Hashable, list[Step]] = defaultdict(list)
    for number, (one, other) in enumerate(ends):
        if one != other:
            graph[one].append((other, number))
            graph[other].append((one, number))
    return [lines[number] for number in _bridges(graph)]


def _bridges(graph: Mapping[Hashable, list[Step]]) -> list[int]:
    """Find bridges by the order of discovery, without recursion (Tarjan, 1974)."""
    order: dict[Hashable, int] = {}
    lowest: dict[Hashable, int] = {}
    found: list[int] = []
    for root, steps in graph.items():
        if root not in order:
            order[root] = lowest[root] = len(order)
            _walk([(root, -1, iter(steps))], graph, order, lowest, found)
    return found


def _walk(
    stack: list[tuple[Hashable, int, Iterator[Step]]],
    graph: Mapping[Hashable, list[Step]],
    order: dict[Hashable, int],
    lowest: dict[Hashable, int],
    found: list[int],
) -> None:
    while stack:
        point, came_by, rest = stack[-1]
        for other, number in rest:
            if number == came_by:
                continue
            if other not in order:
                order[other] = lowest[other] = len(order)
                stack.append((other, number, iter(graph[other])))
                break
            lowest[point] = min(lowest[point], order[other])
        else:
            stack.pop()
            _return(stack, (point, came_by), order, lowest, found)


def _return(
    stack: list[tuple[Hashable, int, Iterator[Step]]],
    step: Step,
    order: dict[Hashable, int],
    lowest: dict[Hashable, int],
    found: list[int],
) -> None:
    if stack:
        above = stack[-1][0]
        point, came_by = step
        lowest[above] = min(lowest[above], lowest[point])
        if lowest[point] > order[above]:
            found.append(came_by)
