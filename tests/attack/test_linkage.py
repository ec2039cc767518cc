"""R-14: nothing that is stored joins two cells of one visitor."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import pytest

from collector.cells import fan_out, schema, sealing
from collector.cells.client import Store
from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.cells.views import VIEW_BY_DIMENSIONS, Grain
from collector.hit import OTHER, SUMS, VISIT_VALUES
from collector.registry.sites import Sites
from tests.attack.linkage import Single, join_by_sums, shared_windows
from tests.attack.population import Visitor, invent, secret
from tests.builders import a_site
from tests.integration.closing import CLOSES_AT, Cell, deliver, sealed, still_open

VISITORS = 10_000
CONTINUOUS = [SUMS.index(name) for name in CONTINUOUS_SUMS]


@pytest.fixture(scope="module")
def visitors() -> list[Visitor]:
    """Generate ten thousand visitors."""
    return invent(VISITORS)


def visit(store: Store, visitors: Iterable[Visitor]) -> None:
    """Deliver the visitors' hits."""
    hits = [hit for one in visitors for hit in one.hits(secret())]
    for start in range(0, len(hits), 5_000):
        deliver(store, hits[start : start + 5_000])


def sketches(store: Store, table: str) -> list[bytes]:
    """Read the bytes of every cell's sketch, except receipts."""
    merged = schema.SKETCH.replace("(", "MergeState(")
    rows = store.query(
        f"SELECT hex(state) FROM (SELECT {merged}(visitors) AS state FROM {table} "
        "WHERE view != 0 GROUP BY site, view, grain, at, value, other)"
    )
    return [bytes.fromhex(row[0]) for row in rows]


def test_no_bytes_of_a_sketch_occur_in_another_cell(store: Store, visitors: list[Visitor]) -> None:
    """No 8-byte string occurs in two sketches of a day, at any offset."""
    visit(store, visitors)

    states = sketches(store, "open_cells")

    assert len(states) > VISITORS
    assert 0 == shared_windows(states)


def test_unkeyed_tags_would_be_found_in_many_cells(store: Store, visitors: list[Visitor]) -> None:
    """The control: with one tag for all cells of a visitor the same search finds thousands."""
    keyed = fan_out.select()
    unkeyed = re.sub(r"sipHash64Keyed\(.*\), (?=counts_visitor)", "k0, ", keyed)
    store.command(schema.tables()["open_cells"].replace("open_cells", "unkeyed_cells"))
    store.command("DROP VIEW fan_out")
    store.command(f"CREATE MATERIALIZED VIEW fan_out TO unkeyed_cells AS {unkeyed}")
    visit(store, visitors)

    found = shared_windows(sketches(store, "unkeyed_cells"))

    assert "sipHash" not in unkeyed
    assert found > VISITORS


def test_sealed_cells_of_one_visitor_cannot_be_joined_by_their_sums(
    store: Store, visitors: list[Visitor]
) -> None:
    """A visitor alone in two lists is found in the second no more often than by a random guess.

    The first control keeps the small sums, the second only the small counts:
    both must succeed, or the attack proves nothing.
    """
    visit(store, visitors)
    own = sorted({path for one in visitors for path in one.paths})
    sources = sorted({one.values.source for one in visitors})
    site = a_site(own_paths=tuple(own))
    sealing.write_chunk(store, CLOSES_AT, [1], Sites([site]), {"source": sources})
    listed = [cell for cell in sealed(store) if alone(cell)]
    before = {(cell.view, cell.value): cell for cell in still_open(store) if alone(cell)}
    truth = who_is_where(visitors)

    joins = join_by_sums(singles(listed, truth))
    with_sums = [before[cell.view, cell.value] for cell in listed]
    fine = join_by_sums(singles(with_sums, truth))
    counts = join_by_sums(singles(map(without_continuous_sums, with_sums), truth))

    assert joins.tried >= 100
    assert joins.advantage <= 0.02
    assert fine.advantage > 0.4
    assert counts.advantage > 0.05


def alone(cell: Cell) -> bool:
    """Return whether a cell belongs to a list and has one visitor."""
    whole = cell.grain == Grain.DAY and cell.visitors == 1 and not cell.other
    return whole and OTHER not in cell.value


def without_continuous_sums(cell: Cell) -> Cell:
    """Return a cell with its continuous sums dropped and its counts kept."""
    sums = tuple(0 if place in CONTINUOUS else one for place, one in enumerate(cell.sums))
    return Cell(cell.site, cell.view, cell.grain, cell.at, cell.value, "", sums, cell.visitors)


def who_is_where(visitors: list[Visitor]) -> dict[tuple[int, str], set[int]]:
    """Return which visitors each cell of a list consists of."""
    found: dict[tuple[int, str], set[int]] = defaultdict(set)
    for number, one in enumerate(visitors):
        values = [(name, getattr(one.values, name)) for name in VISIT_VALUES]
        for name, value in [*values, *(("path", path) for path in one.paths)]:
            found[VIEW_BY_DIMENSIONS[frozenset((name,))].id, value].add(number)
    return found


def singles(cells: Iterable[Cell], truth: dict[tuple[int, str], set[int]]) -> list[Single]:
    """Return the cells that really have one visitor, with that visitor."""
    return [
        Single(cell.view, cell.sums, next(iter(truth[cell.view, cell.value])))
        for cell in cells
        if len(truth[cell.view, cell.value]) == 1
    ]
