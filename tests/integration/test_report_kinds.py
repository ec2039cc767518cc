"""A question reads the kinds of day that its period holds, and misses nothing of any."""

from __future__ import annotations

from datetime import date

from collector.cells.client import Store
from collector.stats.query import Period
from tests.integration.asking import (
    DAYS,
    FRIDAY,
    SATURDAY,
    SUNDAY,
    TODAY,
    ask,
    column,
    first_hits,
    reports,
    seal,
)
from tests.integration.seeding import closes_at, insert, seal_plainly

FRIDAY_ONLY = Period(date(2026, 11, 20), date(2026, 11, 20))
TWO_PAST = Period(date(2026, 11, 20), date(2026, 11, 21))


def test_past_days_are_told_before_during_and_after_sealing(store: Store) -> None:
    """A period that is over reads the same whether none, some or all of its days are sealed."""
    insert(store, first_hits(4, FRIDAY) + first_hits(3, SATURDAY))
    asked = [ask("visitors pageviews", TWO_PAST), ask("visitors", TWO_PAST, dimension="source")]
    answers = [[reports(store).ask(query) for query in asked]]

    for day in (20, 21):
        seal(store, date(2026, 11, day))
        answers.append([reports(store).ask(query) for query in asked])

    assert answers[0] == answers[1] == answers[2]
    assert {"visitors": 7.0, "pageviews": 7.0} == answers[0][0].totals


def test_a_day_that_opens_late_is_told_at_once(store: Store) -> None:
    """Hits of a past day that a spool brings late count from the moment they are delivered."""
    late = reports(store)
    before = late.ask(ask("visitors", FRIDAY_ONLY)).totals

    insert(store, first_hits(4, FRIDAY))

    assert [{"visitors": 0}, {"visitors": 4}] == [
        before,
        late.ask(ask("visitors", FRIDAY_ONLY)).totals,
    ]


def test_what_is_sealed_of_today_counts_beside_what_is_open(store: Store) -> None:
    """A site that moved westward lives a date twice: one half is sealed while the other is open."""
    insert(store, first_hits(4, SUNDAY, zone="Pacific/Auckland"))
    seal_plainly(store, closes_at(date(2026, 11, 22), "Pacific/Auckland"))
    insert(store, first_hits(3, SUNDAY, source="t.example"))

    totals = reports(store).ask(ask("visitors", TODAY)).totals
    listed = reports(store).ask(ask("visitors", DAYS, dimension="source"))

    assert {"visitors": 7} == totals
    assert {"Google": 4, "t.example": 3} == column(listed)
