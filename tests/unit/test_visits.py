"""Visits count visits, bounces, seconds, exits and engagement, and can be taken back."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from collector.hit import Kind, VisitValues
from collector.ingest.visits import MAX_PAGES, VISIT_GAP_S, VisitDelta, VisitInput, Visits
from tests.builders import NOON

START = int(NOON)
CLOSES_AT = START + 12 * 3600
VALUES = VisitValues(entry_path="/", source="Google", utm_campaign="autumn", country="FR")


def an_arrival(path: str = "/", after: int = 0, **changes: Any) -> VisitInput:
    """Build a pageview, some seconds after noon."""
    fields = {
        "site": 1,
        "closes_at": CLOSES_AT,
        "pseudonym": b"visitor-number-1",
        "now": START + after,
        "kind": Kind.PAGEVIEW,
        "path": path,
        "values": lambda: VALUES,
    }
    return VisitInput(**{**fields, **changes})


def walk(visits: Visits, *arrivals: VisitInput) -> list[VisitDelta]:
    """Let hits arrive one after the other."""
    return [visits.record(arrival) for arrival in arrivals]


def exits(steps: list[VisitDelta]) -> dict[str, int]:
    """Sum up the exit pages, without those that came to nothing."""
    found: Counter[str] = Counter()
    for step in steps:
        found[step.exit_path] += 1
        found[step.left_path] -= 1
    return {path: count for path, count in found.items() if path and count}


def test_the_first_pageview_opens_a_visit() -> None:
    """One visit, which bounces so far, took no time, and ends where it began."""
    (step,) = walk(Visits(), an_arrival("/a"))

    assert (1, 1, 0) == (step.visits, step.bounces, step.seconds)
    assert ("/a", "") == (step.exit_path, step.left_path)
    assert VALUES == step.values


def test_values_are_asked_of_the_first_hit_only() -> None:
    """Where a visit came from is worked out once; what follows repeats it."""
    visits, asked = Visits(), []

    def values() -> VisitValues:
        asked.append(1)
        return VALUES

    steps = walk(visits, *(an_arrival("/a", after, values=values) for after in (0, 10, 20)))

    assert [1] == asked
    assert [VALUES] * 3 == [step.values for step in steps]


def test_a_second_pageview_ends_the_bounce() -> None:
    """The bounce is taken back once, time is added, and the exit page moves."""
    steps = walk(Visits(), an_arrival("/a"), an_arrival("/b", 40), an_arrival("/c", 100))

    assert [1, 0, 0] == [step.visits for step in steps]
    assert [1, -1, 0] == [step.bounces for step in steps]
    assert [0, 40, 60] == [step.seconds for step in steps]
    assert {"/c": 1} == exits(steps)


def test_a_repeated_page_does_not_move_the_exit() -> None:
    """Reloading the last page changes no exit page."""
    steps = walk(Visits(), an_arrival("/a"), an_arrival("/a", 10))

    assert {"/a": 1} == exits(steps)
    assert ("", "") == (steps[1].exit_path, steps[1].left_path)


def test_an_interactive_event_ends_the_bounce_and_no_other_does() -> None:
    """An event that is not interactive leaves it, as engagement does; no event moves the exit."""
    steps = walk(
        Visits(),
        an_arrival("/a"),
        an_arrival("/a", 5, kind=Kind.EVENT, interactive=False),
        an_arrival("/a", 6, kind=Kind.ENGAGEMENT, scroll=50),
        an_arrival("/a", 7, kind=Kind.EVENT),
        an_arrival("/b", 9),
    )

    assert [1, 0, 0, -1, 0] == [step.bounces for step in steps]
    assert {"/b": 1} == exits(steps)


def test_later_hits_repeat_the_values_of_the_first() -> None:
    """Whatever a later hit brings, its cells are those of the visit, so each -1 meets its +1."""
    other = VisitValues(entry_path="/b", source="Bing", country="DE")

    steps = walk(Visits(), an_arrival("/a"), an_arrival("/b", 10, values=other))

    assert VALUES == steps[1].values


def test_a_gap_of_30_minutes_ends_a_visit() -> None:
    """A second less is the same visit; 30 minutes are a new one, without the time between."""
    within = walk(Visits(), an_arrival("/"), an_arrival("/", VISIT_GAP_S - 1))
    beyond = walk(Visits(), an_arrival("/"), an_arrival("/", VISIT_GAP_S))

    assert [1, 0] == [step.visits for step in within]
    assert [1, 1] == [step.visits for step in beyond]
    assert [0, 0] == [step.seconds for step in beyond]


def test_a_visit_ends_at_the_sites_midnight() -> None:
    """The next day's first hit opens a visit, even were its pseudonym the same."""
    visits = Visits()
    walk(visits, an_arrival("/a"))

    step = visits.record(an_arrival("/b", 10, closes_at=CLOSES_AT + 86_400))

    assert (1, 1, "") == (step.visits, step.bounces, step.left_path)
    assert len(visits) == 1


def test_sites_do_not_share_visits() -> None:
    """The same pseudonym on two sites is two visits."""
    steps = walk(Visits(), an_arrival("/", site=1), an_arrival("/", 1, site=2))

    assert [1, 1] == [step.visits for step in steps]


def test_engagement_never_opens_a_visit() -> None:
    """Without a visit it brings no depth, no visit, and no origin that it cannot know."""
    visits = Visits()

    step = visits.record(an_arrival("/a", kind=Kind.ENGAGEMENT, scroll=80))
    visits.undo(step)

    assert (0, 0, 0, 0) == (step.visits, step.bounces, step.scroll, step.engaged_pageviews)
    assert ("", "", "", "FR") == (
        step.values.entry_path,
        step.values.source,
        step.values.utm_campaign,
        step.values.country,
    )
    assert len(visits) == 0


def test_scroll_adds_only_its_increase() -> None:
    """Several reports of one page add up to the deepest of them, and count one pageview read."""
    reports = [
        an_arrival("/a", second, kind=Kind.ENGAGEMENT, scroll=depth)
        for second, depth in [(5, 30), (10, 20), (15, 70), (20, None)]
    ]

    steps = walk(Visits(), an_arrival("/a"), *reports)

    assert [0, 30, 0, 40, 0] == [step.scroll for step in steps]
    assert [0, 1, 0, 0, 0] == [step.engaged_pageviews for step in steps]
    assert [0, 5, 5, 5, 5] == [step.seconds for step in steps]


def test_each_page_has_its_own_depth() -> None:
    """A report of the page just left counts for it, and a new view of a page begins anew."""
    steps = walk(
        Visits(),
        an_arrival("/a"),
        an_arrival("/b", 5),
        an_arrival("/a", 6, kind=Kind.ENGAGEMENT, scroll=50),
        an_arrival("/b", 7, kind=Kind.ENGAGEMENT, scroll=60),
        an_arrival("/a", 8),
        an_arrival("/a", 9, kind=Kind.ENGAGEMENT, scroll=10),
    )

    assert [0, 0, 50, 60, 0, 10] == [step.scroll for step in steps]
    assert [0, 0, 1, 1, 0, 1] == [step.engaged_pageviews for step in steps]


def test_pages_long_left_gain_no_depth() -> None:
    """Only the last few pages are remembered: a report of an older one adds its time alone."""
    pages = [an_arrival(f"/{number}", number) for number in range(MAX_PAGES + 1)]

    steps = walk(Visits(), *pages, an_arrival("/0", 60, kind=Kind.ENGAGEMENT, scroll=90))

    assert (0, 0, 52) == (steps[-1].scroll, steps[-1].engaged_pageviews, steps[-1].seconds)


def test_a_clock_that_jumps_back_takes_no_seconds_back() -> None:
    """A hit that seems older than the last adds no time, and the next counts from the last."""
    steps = walk(Visits(), an_arrival("/a", 100), an_arrival("/b", 50), an_arrival("/c", 130))

    assert [0, 0, 30] == [step.seconds for step in steps]


def test_now_counts_visits_of_the_last_five_minutes() -> None:
    """Visitors now are the visits with a hit within 300 seconds, of that site alone."""
    visits = Visits()
    walk(
        visits,
        an_arrival("/", 0, pseudonym=b"a"),
        an_arrival("/", 100, pseudonym=b"b"),
        an_arrival("/", 200, pseudonym=b"a"),
        an_arrival("/", 200, pseudonym=b"c", site=2),
    )

    assert 2 == visits.now_visitors(1, START + 400)
    assert 1 == visits.now_visitors(1, START + 401)
    assert 0 == visits.now_visitors(1, START + 501)
    assert 0 == visits.now_visitors(3, START)


def test_undoing_the_first_hit_removes_the_visit() -> None:
    """After it nobody was there, and undoing again changes nothing."""
    visits = Visits()
    step = visits.record(an_arrival("/a"))

    visits.undo(step)
    visits.undo(step)

    assert (0, 0) == (len(visits), visits.now_visitors(1, START))
    assert 1 == visits.record(an_arrival("/a", 1)).visits


def test_undone_hits_do_not_count_as_now() -> None:
    """A visit whose last hit was taken back is only as recent as the one before."""
    visits = Visits()
    walk(visits, an_arrival("/", 0), an_arrival("/", 390, pseudonym=b"other"))
    visits.undo(visits.record(an_arrival("/b", 400)))

    assert 1 == visits.now_visitors(1, START + 400)


ARRIVALS = st.lists(
    st.builds(
        an_arrival,
        st.sampled_from(["/a", "/b", "/c"]),
        st.integers(0, 5000),
        pseudonym=st.sampled_from([b"x", b"y", b"z"]),
        kind=st.sampled_from(list(Kind)),
        interactive=st.booleans(),
        scroll=st.none() | st.integers(0, 100),
    ),
    max_size=30,
).map(lambda found: sorted(found, key=lambda arrival: arrival.now))


@given(ARRIVALS, ARRIVALS, ARRIVALS)
@settings(max_examples=60)
def test_undo_leaves_no_trace(
    before: list[VisitInput], failed: list[VisitInput], after: list[VisitInput]
) -> None:
    """Hits that were taken back, newest first, change nothing of what later hits bring."""
    shift = 5001
    later = [an_arrival(a.path, a.now - START + 2 * shift, **rest(a)) for a in after]
    between = [an_arrival(a.path, a.now - START + shift, **rest(a)) for a in failed]
    undisturbed, disturbed = Visits(), Visits()

    walk(undisturbed, *before)
    walk(disturbed, *before)
    for step in reversed(walk(disturbed, *between)):
        disturbed.undo(step)

    assert summary(walk(undisturbed, *later)) == summary(walk(disturbed, *later))


@given(ARRIVALS)
def test_sums_are_those_of_visits(arrivals: list[VisitInput]) -> None:
    """Bounces never fall below zero or above visits, and each visit has at most one exit page."""
    steps = walk(Visits(), *arrivals)
    visits = sum(step.visits for step in steps)

    assert 0 <= sum(step.bounces for step in steps) <= visits
    assert 0 <= sum(exits(steps).values()) <= visits
    assert all(count > 0 for count in exits(steps).values())
    assert all(step.seconds >= 0 for step in steps)
    assert all(0 <= step.scroll <= 100 for step in steps)


def test_ended_visits_are_forgotten() -> None:
    """Half an hour after the last hit nothing of a visit is left in memory, on any site."""
    visits = Visits()
    walk(visits, an_arrival("/", 0), an_arrival("/", 5, site=2, closes_at=CLOSES_AT - 43_000))

    visits.sweep(START + VISIT_GAP_S - 1)
    kept = len(visits)
    visits.sweep(START + 5 + VISIT_GAP_S)

    assert (2, 0) == (kept, len(visits))


def test_a_days_visits_are_forgotten_after_it() -> None:
    """Without any hit of the new day, the old day's visits go half an hour after midnight."""
    visits = Visits()
    visits.record(an_arrival("/", 12 * 3600 - 1))

    visits.sweep(CLOSES_AT + VISIT_GAP_S)

    assert len(visits) == 0


def rest(arrival: VisitInput) -> dict[str, Any]:
    """Give what an arrival has beside path and time."""
    return {
        "pseudonym": arrival.pseudonym,
        "kind": arrival.kind,
        "interactive": arrival.interactive,
        "scroll": arrival.scroll,
    }


def summary(steps: list[VisitDelta]) -> list[tuple[Any, ...]]:
    """Give what steps change, without the records."""
    return [(*astuple(step)[:1], *astuple(step)[5:]) for step in steps]


def test_a_bounce_is_taken_back_where_it_was_counted() -> None:
    """The hit that ends a bounce says when that bounce was counted; no other hit says anything."""
    steps = walk(Visits(), an_arrival("/a"), an_arrival("/b", 1700), an_arrival("/c", 3400))

    assert [0, START, 0] == [step.bounced_at for step in steps]
