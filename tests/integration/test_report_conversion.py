"""Conversion rates: who reached a goal, of all who could have, in any cut that is kept."""

from __future__ import annotations

from datetime import date

import pytest

from collector.cells.client import Store
from collector.cells.views import Grain
from collector.errors import Unanswerable
from collector.stats.query import Filter
from tests.integration.queries import (
    SATURDAY,
    SUNDAY,
    TODAY,
    ask,
    column,
    first_hits,
    reports,
    seal,
)
from tests.integration.seeding import hit, insert

SIGNED_UP = Filter("goal", ("Signup",))


def seed(store: Store, day: str = SUNDAY) -> None:
    """Count ten visitors from Google, four of whom sign up, and ten from Bing, of whom five do."""
    hits = []
    for source, goals in (("Google", 4), ("Bing", 5)):
        hits += first_hits(10, day, source=source)
        hits += [
            hit(
                f"{source} {n}",
                f"{day} 10:40",
                source=source,
                pageviews=0,
                events=1,
                event="Signup",
                goals=("Signup",),
            )
            for n in range(goals)
        ]
    insert(store, hits)


def test_the_rate_of_a_goal_is_its_visitors_of_all(store: Store) -> None:
    """Nine of twenty visitors signed up, and the goal's row and the totals say so."""
    seed(store)

    by_goal = reports(store).ask(ask("visitors conversion_rate", TODAY, dimension="goal"))
    filtered = reports(store).ask(ask("conversion_rate", TODAY, filters=(SIGNED_UP,)))

    assert column(by_goal, "conversion_rate") == {"Signup": 45.0}
    assert column(by_goal) == {"Signup": 9}
    assert filtered.totals == {"conversion_rate": 45.0}


def test_the_rate_of_a_value_is_of_that_value_s_own_visitors(store: Store) -> None:
    """Each source's rate has the source's visitors below it."""
    seed(store)

    report = reports(store).ask(
        ask("visitors conversion_rate", TODAY, dimension="source", filters=(SIGNED_UP,))
    )

    assert column(report, "conversion_rate") == {"Bing": 50.0, "Google": 40.0}
    assert column(report) == {"Bing": 5, "Google": 4}
    assert report.totals["conversion_rate"] == 45.0


def test_a_second_filter_narrows_both_parts(store: Store) -> None:
    """Of the visitors from one source, the rate is that source's."""
    seed(store)
    google = Filter("source", ("Google",))

    report = reports(store).ask(ask("conversion_rate", TODAY, filters=(SIGNED_UP, google)))

    assert report.totals == {"conversion_rate": 40.0}


def test_the_rate_is_told_day_by_day(store: Store) -> None:
    """A sealed and an open day have a rate each; a day without visitors has none."""
    seed(store, SATURDAY)
    seal(store, date(2026, 11, 21))
    insert(store, first_hits(10))

    report = reports(store).ask(ask("conversion_rate", grain=Grain.DAY, filters=(SIGNED_UP,)))

    assert column(report, "conversion_rate") == {
        "2026-11-20": None,
        "2026-11-21": 45.0,
        "2026-11-22": 0.0,
    }


def test_what_was_folded_has_no_rate(store: Store) -> None:
    """A row of folded values is a difference, of which no visitors are known."""
    seed(store)
    insert(
        store,
        [
            *first_hits(2, source="Lycos"),
            hit(
                "Lycos 0",
                f"{SUNDAY} 11:00",
                source="Lycos",
                pageviews=0,
                events=1,
                event="Signup",
                goals=("Signup",),
            ),
        ],
    )

    report = reports(store).ask(
        ask("visitors conversion_rate", TODAY, dimension="source", filters=(SIGNED_UP,), limit=0)
    )

    assert column(report, "conversion_rate")["(other)"] is None


def test_a_rate_without_a_goal_is_refused(store: Store) -> None:
    """The sentence says what is missing."""
    with pytest.raises(Unanswerable, match="needs a goal"):
        reports(store).ask(ask("conversion_rate", TODAY, dimension="source"))
