"""Invented traffic: plausible, the same for the same day, and in the rules' own words."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from collector.day import Day, day_of_date
from collector.demo.traffic import WORLD, Action, actions_of, build_hit
from collector.hit import NONE, Hit, Kind
from collector.ingest.visits import Visits
from tests.builders import a_site

FRIDAY = day_of_date("UTC", date(2026, 11, 20))


def visitors(actions: list[Action]) -> int:
    """Count the visitors."""
    return len({action.visitor for action in actions})


def test_the_same_seed_and_day_give_the_same_traffic() -> None:
    """A day can be invented again, in another process, and nothing differs."""
    assert actions_of(7, FRIDAY) == actions_of(7, FRIDAY)


def test_another_seed_or_day_gives_other_visitors() -> None:
    """No visitor comes on two days or of two seeds."""
    saturday = day_of_date("UTC", FRIDAY.date + timedelta(days=1))
    days = [actions_of(7, FRIDAY), actions_of(8, FRIDAY), actions_of(7, saturday)]

    assert sum(map(visitors, days)) == visitors([action for actions in days for action in actions])


def test_every_day_of_a_year_has_a_plausible_number_of_visitors() -> None:
    """Days have 250 to 900 visitors, and weekends fewer than working days."""
    days = [day_of_date("UTC", date(2026, 1, 5) + timedelta(days=13 * week)) for week in range(28)]

    counts = {day.date: visitors(actions_of(7, day)) for day in days}
    weekend = [count for day, count in counts.items() if day.weekday() >= 5]
    working = [count for day, count in counts.items() if day.weekday() < 5]

    assert 250 <= min(counts.values()) <= max(counts.values()) <= 900
    assert sum(weekend) / len(weekend) < 0.8 * sum(working) / len(working)


def test_all_actions_lie_within_the_day_in_order() -> None:
    """Nothing happens before a day opens or after it closes, also on short days."""
    short = day_of_date("Europe/Berlin", date(2026, 3, 29))
    for day in (FRIDAY, short):
        times = [action.at for action in actions_of(7, day)]

        assert times == sorted(times)
        assert day.opens_at <= times[0] <= times[-1] < day.closes_at


def test_many_kinds_of_visitors_come() -> None:
    """Channels, countries, browsers, devices and events of many sorts are seen."""
    actions = actions_of(7, FRIDAY)

    seen = {
        name: {getattr(action.values, name) for action in actions}
        for name in ("channel", "country", "browser", "device", "os", "utm_campaign", "screen")
    }

    assert {"Direct", "Organic Search", "Referral", "Email", "AI Assistants"} <= seen["channel"]
    assert {"Chrome", "Safari", "Firefox", "Edge"} <= seen["browser"]
    assert {"Desktop", "Mobile", "Tablet"} == seen["device"]
    assert {NONE, "monthly-letter"} <= seen["utm_campaign"]
    assert len(seen["country"]) > 15
    assert len(seen["screen"]) == 4
    assert {"Signup", "File Download"} <= {action.event for action in actions}


def test_no_value_is_unknown() -> None:
    """The rules know every browser, system and source that is invented."""
    values = {action.values for action in actions_of(7, FRIDAY)}

    for value in values:
        assert "(unknown)" not in (value.browser, value.os, value.device)
        assert value.source
        assert value.channel != "Unassigned"


def test_pages_fall_off_as_zipf_says() -> None:
    """A few pages have most views, and most pages have a few."""
    views = Counter(action.path for action in actions_of(7, FRIDAY) if action.kind is Kind.PAGEVIEW)

    top = [path for path, _ in views.most_common(3)]

    assert "/" in top
    assert set(views) <= set(WORLD.pages)
    assert len(views) > 25
    assert sum(count for _, count in views.most_common(5)) > sum(views.values()) * 0.35


def test_actions_make_hits_whose_sums_agree() -> None:
    """Visits, bounces and pageviews of a day's hits are those that one can count."""
    hits = hits_of(FRIDAY)

    visits = sum(hit.visits for hit in hits)
    bounces = sum(hit.bounces for hit in hits)
    entries = [hit for hit in hits if hit.visits]

    assert visits >= len({hit.pseudonym for hit in hits})
    assert 0.3 < bounces / visits < 0.7
    assert all(hit.pageviews and hit.path == hit.visit.entry_path for hit in entries)
    assert sum(bool(hit.exit_path) - bool(hit.left_path) for hit in hits) == visits
    assert {hit.hostname for hit in hits} == {"demo.example"}


def hits_of(day: Day) -> list[Hit]:
    """Take all steps of a day."""
    seen = Visits()
    return [build_hit(seen, a_site(), day, action)[0] for action in actions_of(7, day)]
