"""Visits under way go from one process to the next as if nothing had happened."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collector.hit import Kind, VisitValues
from collector.ingest.visits import VISIT_GAP_S, VisitDelta, VisitInput, Visits
from tests.builders import NOON

START = int(NOON)
CLOSES_AT = START + 3600


def an_arrival(path: str = "/", after: int = 0, **changes: Any) -> VisitInput:
    """Build a pageview, some seconds after noon."""
    fields = {
        "site": 1,
        "closes_at": CLOSES_AT,
        "pseudonym": b"visitor-number-1",
        "now": START + after,
        "kind": Kind.PAGEVIEW,
        "path": path,
        "values": lambda: VisitValues(entry_path=path, country="FR"),
    }
    return VisitInput(**{**fields, **changes})


def next_process(visits: Visits, now: int) -> Visits:
    """Stop, and start anew with what was handed over."""
    fresh = Visits()
    fresh.load(visits.dump(now), now)
    return fresh


def test_a_visit_goes_on_after_a_clean_stop() -> None:
    """The second pageview ends the bounce of the first, which another process counted."""
    before = Visits()
    before.record(an_arrival("/a"))

    after = next_process(before, START + 10)
    step = after.record(an_arrival("/b", 40))

    assert (0, -1, 40) == (step.visits, step.bounces, step.seconds)
    assert ("/b", "/a", "/a") == (step.exit_path, step.left_path, step.values.entry_path)
    assert 1 == len(after) == after.now_visitors(1, START + 40)


def test_a_visit_that_rested_half_an_hour_is_not_handed_over() -> None:
    """What has ended is written nowhere."""
    visits = Visits()
    visits.record(an_arrival())

    assert {} == visits.dump(START + VISIT_GAP_S)


def test_a_visit_of_a_day_that_is_over_is_neither_dumped_nor_loaded() -> None:
    """Nothing links two days, and no key of a sealed day is made anew."""
    visits, fresh = Visits(), Visits()
    visits.record(an_arrival(after=3000))
    dumped = visits.dump(START + 3100)

    fresh.load(dumped, CLOSES_AT)

    assert [CLOSES_AT] == list(dumped)
    assert {} == visits.dump(CLOSES_AT)
    assert 0 == len(fresh)


def test_what_another_version_wrote_is_left_out() -> None:
    """Visits that cannot be read split, and the start goes on."""
    fresh = Visits()

    fresh.load({CLOSES_AT: b"\xc1", CLOSES_AT + 1: msgspec.msgpack.encode({1: "visits"})}, START)

    assert 0 == len(fresh)


def test_days_of_several_zones_are_handed_over_apart() -> None:
    """Each day's visits stand under the key of that day."""
    visits = Visits()
    visits.record(an_arrival())
    visits.record(an_arrival(site=2, closes_at=CLOSES_AT + 900))

    assert {CLOSES_AT, CLOSES_AT + 900} == visits.dump(START).keys()
    assert 2 == len(next_process(visits, START))


ARRIVALS = st.lists(
    st.builds(
        an_arrival,
        path=st.sampled_from(["/", "/a", "/b"]),
        site=st.integers(1, 2),
        pseudonym=st.sampled_from([b"visitor-number-1", b"visitor-number-2"]),
        kind=st.sampled_from(Kind),
        scroll=st.none() | st.integers(0, 100),
    ),
    max_size=20,
)


@given(
    ARRIVALS,
    st.lists(st.integers(0, VISIT_GAP_S + 60), min_size=20, max_size=20),
    st.sets(st.integers(0, 20)),
)
def test_restarts_change_nothing_that_is_counted(
    arrivals: list[VisitInput], pauses: list[int], restarts: set[int]
) -> None:
    """With clean restarts anywhere, each hit changes exactly what it would have changed."""
    steady, restarted, now = Visits(), Visits(), START

    for number, (arrival, pause) in enumerate(zip(arrivals, pauses, strict=False)):
        now += pause
        timed = msgspec.structs.replace(arrival, now=now, closes_at=START + 86_400)
        if number in restarts:
            restarted = next_process(restarted, now)

        assert counted(steady.record(timed)) == counted(restarted.record(timed))


def counted(step: VisitDelta) -> dict[str, Any]:
    """Give what a step adds to cells."""
    facts = msgspec.structs.asdict(step)
    return {name: fact for name, fact in facts.items() if name not in ("before", "after")}
