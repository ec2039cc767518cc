"""Properties that hold for every sealed day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.cells import sealing
from collector.cells.client import Store
from collector.cells.folding import COUNTS
from collector.cells.folding_sql import OWN_PATH_VIEWS
from collector.cells.thresholds import (
    foldable_views,
    folds_by_visits,
    is_hierarchy,
    is_table,
    known_values_stay,
    marginals,
    profile_of,
    threshold,
)
from collector.cells.views import DIMENSIONS, VIEW_BY_ID, Grain, View, Vocabulary
from collector.hit import NONE, OTHER, SUMS, Hit
from collector.registry.sites import Sites
from tests.attack.population import invent, secret
from tests.attack.solver import Line, determined
from tests.builders import a_site
from tests.integration.closing import CLOSES_AT, Cell, deliver, sealed, still_open
from tests.integration.seeding import hit

KNOWN = {"source": ["Google"]}
OWN = ("/", "/own")
_days = count(1)


@dataclass(frozen=True, slots=True)
class Day:
    """A day before and after its sealing."""

    before: list[Cell]
    after: list[Cell]
    profile: str


@st.composite
def visits(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the visits of up to forty visitors."""
    values = {
        "source": ("Google", "(none)", "s1", "s2", "s3"),
        "country": ("DE", "FR", "IS"),
        "browser": ("Firefox", "Chrome"),
        "utm_campaign": ("(none)", "a", "b", "c"),
        "path": ("/", "/own", "/x", "/y", "/z"),
    }
    drawn = []
    for visitor in range(draw(st.integers(1, 40))):
        visit: dict[str, Any] = {name: draw(st.sampled_from(of)) for name, of in values.items()}
        visit["region"] = f"{visit['country']}-{draw(st.sampled_from('AB'))}"
        visit["event"] = draw(st.sampled_from(("", "", "buy", "rare")))
        visit["exit_path"] = visit["path"]
        visit |= {"visits": 1, "bounces": 1, "engaged_ms": draw(st.integers(0, 9_999))}
        drawn += [{"visitor": str(visitor), "hour": draw(st.integers(9, 11))} | visit]
    return drawn


def seal(store: Store, hits: list[Hit], profile: str) -> Day:
    """Seal hits at a closing instant that no other test uses."""
    shift = 86_400 * next(_days)
    moved = CLOSES_AT + shift
    deliver(store, [_moved(one, shift) for one in hits])
    before = still_open(store, moved)
    site = a_site(profile=profile, own_paths=OWN)
    sealing.write_chunk(store, moved, [1], Sites([site]), KNOWN)
    return Day(before, sealed(store, moved), profile)


def test_what_holds_for_every_sealed_day(store: Store) -> None:
    """Totals stay, parts sum up, no listed cell is too small, none is folded alone."""
    store.command("SYSTEM STOP MERGES own_paths")

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(drawn=visits(), profile=st.sampled_from(("standard", "strict")))
    def check(drawn: list[dict[str, Any]], profile: str) -> None:
        store.command("TRUNCATE TABLE own_paths")
        day = seal(store, [_hit(dict(visit)) for visit in drawn], profile)
        totals_stay(day)
        parts_sum_to_the_total(day)
        no_cell_is_under_its_threshold(day)
        no_line_has_one_folded_cell(day)
        continuous_sums_hide_two_or_none(day)

    check()


def test_what_remains_to_an_exact_solver_on_a_busy_day(store: Store) -> None:
    """Nobody can compute a folded cell from the published numbers of ten thousand visitors.

    Someone who also knows which combinations occurred can compute some; docs/privacy.md says
    how many.
    """
    people = invent(10_000, seed=3)
    day = seal(store, [one for each in people for one in each.hits(secret())], "standard")

    folded, by_numbers, by_more = _computable(day)
    left_out, while_open, _ = _computable(replace(day, after=_listed_while_open(day)))

    print(f"of {folded} folded cells {by_numbers} follow from published numbers,")
    print(f"{by_more} for someone who knows which combinations occurred;")
    print(f"{while_open} of the {left_out} that were left out while the day was open")
    assert folded > 5_000
    assert 0 == by_numbers
    assert by_more / folded < 0.06
    assert 0 < while_open / left_out < 0.02


def totals_stay(day: Day) -> None:
    """Check that sealing changed no total of the day or of an hour."""
    before, after = (
        sorted((cell.grain, cell.at, *cell.sums, cell.visitors) for cell in cells if cell.view == 1)
        for cells in (day.before, day.after)
    )
    assert before == after


def parts_sum_to_the_total(day: Day) -> None:
    """Check that each list's counts, including "(other)", are unchanged."""
    for view in foldable_views():
        if is_table(view):
            continue
        for name in COUNTS:
            before, after = (
                sum(cell.sum(name) for cell in cells if cell.view == view.id and cell.grain == 0)
                for cells in (day.before, day.after)
            )
            assert before == after, (view.name, name)


def no_cell_is_under_its_threshold(day: Day) -> None:
    """Check that every listed cell reaches its threshold."""
    for cell in _listed(day):
        assert _weight(cell) >= _threshold_of(cell, day.profile), (VIEW_BY_ID[cell.view].name, cell)


def no_line_has_one_folded_cell(day: Day) -> None:
    """Check that no group, row or column hides exactly one cell, unless it has only one."""
    lines: dict[Hashable, list[bool]] = defaultdict(list)
    listed = {_key(cell) for cell in _listed(day)}
    for cell in day.before:
        view = VIEW_BY_ID[cell.view]
        if view.dimensions and any(cell.sums) | bool(cell.visitors):
            for line in _lines(cell, view):
                lines[line].append(_key(cell) in listed)
    for line, told in lines.items():
        assert told.count(False) != 1 or len(told) == 1, line


def continuous_sums_hide_two_or_none(day: Day) -> None:
    """Check that no list suppresses exactly one cell's continuous sums."""
    fine = SUMS.index("engaged_ms")
    before = {_key(cell): cell for cell in day.before}
    for view in foldable_views():
        cells = [cell for cell in day.before if cell.view == view.id and cell.grain == 0]
        if is_table(view) or is_hierarchy(view) or not cells:
            continue
        told = {
            _key(cell): cell.sums[fine]
            for cell in _listed(day)
            if cell.view == view.id and cell.grain == 0 and cell.sums[fine]
        }
        assert all(before[key].sums[fine] == value for key, value in told.items())
        hidden = [cell for cell in cells if _key(cell) not in told and cell.sums[fine]]
        assert len(hidden) != 1 or len(cells) == 1, view.name


@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_a_site_of_twenty_visitors_a_day_stays_useful(store: Store, profile: str) -> None:
    """Countries, browsers, known sources and own pages are listed, though all are small."""
    people = [
        {"source": source, "country": country, "path": path, "browser": browser}
        for source, country, path, browser in zip(
            ["Google"] * 12 + ["(none)"] * 8,
            ["DE"] * 14 + ["FR"] * 4 + ["IS", "NO"],
            ["/"] * 11 + ["/own"] * 9,
            ["Firefox"] * 17 + ["Chrome"] * 3,
            strict=True,
        )
    ]
    facts = [
        {"visitor": str(number), "hour": 10, "visits": 1} | one for number, one in enumerate(people)
    ]

    day = seal(store, [_hit(dict(one)) for one in facts], profile)

    told: dict[str, set[str]] = defaultdict(set)
    for cell in _listed(day):
        told[VIEW_BY_ID[cell.view].name].add(cell.value)
    assert {"DE", "FR", "IS", "NO"} == told["country"]
    assert {"Google", "(none)"} == told["source"]
    assert {"/", "/own"} == told["path"]
    assert {"Firefox", "Chrome"} == told["browser"]


def _computable(day: Day) -> tuple[int, int, int]:
    """Count a day's folded cells of tables, and those that can be computed, as above."""
    folded, by_numbers, by_more = 0, 0, 0
    for unknowns, told, possible in _tables(day):
        folded += len(unknowns)
        by_more += len(determined(unknowns, told))
        by_numbers += len(set(determined(possible, told)) & set(unknowns))
    return folded, by_numbers, by_more


def _listed_while_open(day: Day) -> list[Cell]:
    """Return the cells that queries listed while the day was open; none hides another."""
    return [cell for cell in day.before if _weight(cell) >= _threshold_of(cell, day.profile)]


def _tables(day: Day) -> Iterator[tuple[list[Line], frozenset[Hashable], list[Line]]]:
    """Return each table's folded cells, the listed rows and columns, and all possible folded cells.

    To someone with only the published numbers, a combination that did not occur looks like a
    folded cell if its row and column both hide something.
    """
    listed = {_key(cell) for cell in _listed(day)}
    in_lists = {
        (cell.view, cell.value) for cell in _listed(day) if cell.grain == 0 and not cell.other
    }
    by_table: dict[tuple[int, int], list[Cell]] = defaultdict(list)
    for cell in day.before:
        view = VIEW_BY_ID[cell.view]
        if view.dimensions and (is_table(view) or cell.grain == Grain.HOUR):
            by_table[cell.view, cell.grain].append(cell)
    for (view_id, grain), cells in by_table.items():
        unknowns = [_ends(cell) for cell in cells if _key(cell) not in listed]
        seen = {_ends(cell) for cell in cells if _key(cell) in listed}
        told = frozenset(
            end for ends in unknowns for end in ends if _is_listed(end, view_id, grain, in_lists)
        )
        rows = {row for row, _ in unknowns if row in told}
        columns = {column for _, column in unknowns if column in told}
        grid = {(row, column) for row in rows for column in columns} - seen
        yield unknowns, told, sorted(grid | set(unknowns), key=repr)


def _ends(cell: Cell) -> Line:
    return ("row", cell.value), ("column", cell.other, cell.at)


def _is_listed(end: Hashable, view: int, grain: int, in_lists: set[tuple[int, str]]) -> bool:
    assert isinstance(end, tuple)
    if grain == Grain.HOUR:
        return end[0] == "column" or (view, end[1]) in in_lists
    own = marginals(VIEW_BY_ID[view])[end[0] == "column"]
    return own is not None and (own.id, end[1]) in in_lists


def _lines(cell: Cell, view: View) -> list[Hashable]:
    if is_table(view) or cell.grain == Grain.HOUR:
        return [
            (cell.view, cell.grain, "row", cell.value),
            (cell.view, cell.grain, "column", cell.other, cell.at),
        ]
    if is_hierarchy(view) and view.dimensions[0] != "exit_path":
        return []
    return [(cell.view, "list")]


def _weight(cell: Cell) -> int:
    return cell.sum("visits") if folds_by_visits(VIEW_BY_ID[cell.view]) else cell.visitors


def _threshold_of(cell: Cell, profile: str) -> int:
    view, grain = VIEW_BY_ID[cell.view], Grain(cell.grain)
    if not view.dimensions:
        return 0
    known = frozenset(OWN if view.dimensions[0] in OWN_PATH_VIEWS else ("Google", "example.org"))
    if _is_known(view, grain, cell.value, known):
        return profile_of(profile).closed
    return threshold(profile_of(profile), view, grain)


def _is_known(view: View, grain: Grain, value: str, known: frozenset[str]) -> bool:
    if not known_values_stay(view, grain):
        return False
    open_to_all = DIMENSIONS[view.dimensions[0]].vocabulary is Vocabulary.KNOWN
    return value == NONE or (open_to_all and value in known)


def _listed(day: Day) -> list[Cell]:
    return [cell for cell in day.after if OTHER not in cell.value and OTHER not in cell.other]


def _key(cell: Cell) -> tuple[int, int, int, str, str]:
    return cell.view, cell.grain, cell.at, cell.value, cell.other


def _hit(visit: dict[str, Any]) -> Hit:
    visitor, hour = visit.pop("visitor"), visit.pop("hour")
    return hit(str(visitor), f"2026-11-20 {hour:02}:30", **visit)


def _moved(one: Hit, shift: int) -> Hit:
    return msgspec.structs.replace(
        one,
        closes_at=one.closes_at + shift,
        day=one.day + shift // 86_400,
        hour=one.hour + shift,
        minute=one.minute + shift,
    )
