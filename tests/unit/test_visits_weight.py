"""Visits under way take no more memory than they may, whatever is sent."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.hit import Kind, VisitValues
from collector.ingest.visits import VISIT_GAP_S, VisitDelta, VisitInput, Visits
from tests.builders import NOON

START = int(NOON)
CLOSES_AT = START + 12 * 3600
BOUND = 100_000


def an_arrival(number: int, path: str = "/", after: int = 0, **changes: Any) -> VisitInput:
    """Build a pageview of a numbered visitor, some seconds after noon."""
    fields = {
        "site": 1,
        "closes_at": CLOSES_AT,
        "pseudonym": number.to_bytes(16, "big"),
        "now": START + after,
        "kind": Kind.PAGEVIEW,
        "path": path,
        "values": lambda: VisitValues(entry_path=path, browser="Firefox", country="FR"),
    }
    return VisitInput(**{**fields, **changes})


def many(visits: Visits, count: int, path: str = "/{}", **changes: Any) -> None:
    """Let as many visitors come, a hundred a second, each to a page of its own."""
    for number in range(count):
        visits.record(an_arrival(number, path.format(number), number // 100, **changes))


def test_a_flood_pushes_out_its_own_sites_visits() -> None:
    """The longest untouched visits of the site that takes most end early, and are counted."""
    visits = Visits(BOUND)
    quiet = visits.record(an_arrival(0, site=2))
    many(visits, 2000)

    assert visits.weight <= BOUND
    assert 2001 == len(visits) + visits.ended_early
    assert 0 == visits.record(an_arrival(0, after=20, site=2)).visits
    assert 1 == quiet.visits
    assert 0 == visits.record(an_arrival(1999, after=20)).visits
    assert 1 == visits.record(an_arrival(0, after=20)).visits


def test_long_paths_leave_room_for_fewer_visits() -> None:
    """The bound is of bytes: few visits that take much end before many of a neighbour."""
    visits = Visits(BOUND)
    many(visits, 200, site=2)
    many(visits, 1000, "/{}/" + "long" * 100)

    assert visits.weight <= BOUND
    assert 50 < len(visits) - 200 < 100
    assert 0 == visits.record(an_arrival(0, after=20, site=2)).visits


def test_pages_viewed_count_too() -> None:
    """A visit that grows, hit by hit, is weighed at each."""
    visits = Visits(BOUND)
    for page in range(8):
        many(visits, 150, f"/{page}/" + "long" * 30)

    assert visits.weight <= BOUND
    assert visits.ended_early > 0


@pytest.mark.parametrize("path", ["/articles/{}", "/articles/{}/" + "long" * 30])
def test_weight_is_what_memory_takes(path: str) -> None:
    """Python allots no more than is counted, and at least six tenths of it."""
    visits = Visits()
    tracemalloc.start()
    many(visits, 5000, path)
    allotted, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 0.6 < allotted / visits.weight < 1


ARRIVALS = st.lists(
    st.tuples(
        st.builds(
            an_arrival,
            st.integers(0, 3),
            st.sampled_from(["/a", "/longer", "/c"]),
            st.integers(0, 5000),
            site=st.integers(1, 2),
            kind=st.sampled_from(list(Kind)),
            closes_at=st.sampled_from([CLOSES_AT, CLOSES_AT + 86_400]),
        ),
        st.booleans(),
    ),
    max_size=30,
)


@given(ARRIVALS)
def test_weight_is_that_of_what_is_left(arrivals: list[tuple[VisitInput, bool]]) -> None:
    """After hits, gaps and undoing, it is the weight of the same visits weighed anew."""
    visits, undoing = Visits(), list[VisitDelta]()
    for arrival, fails in arrivals:
        step = visits.record(arrival)
        undoing = [*undoing, step] if fails else []
    for step in reversed(undoing):
        visits.undo(step)
    anew = Visits()
    anew.load(visits.dump(START), START)

    assert (len(anew), anew.weight) == (len(visits), visits.weight)
    visits.sweep(CLOSES_AT + 2 * 86_400 + VISIT_GAP_S)
    assert (0, 0) == (len(visits), visits.weight)
