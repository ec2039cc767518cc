"""In every view and pair, open and sealed, listed rows and "(other)" add up to the total."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from collector.cells.client import Store
from collector.cells.views import VIEWS, MeasureGroup, View, measures
from collector.registry.sites import Site
from collector.stats.dimensions import PARTIAL
from collector.stats.query import Filter, Period, Report
from collector.stats.report import Reports
from tests.attack.population import invent, secret
from tests.builders import a_site
from tests.integration.closing import deliver
from tests.integration.queries import ask, reports, seal, take_picture

FRIDAY = Period(date(2026, 11, 20), date(2026, 11, 20))
PEOPLE = 400
LISTS = [view for view in VIEWS if len(view.dimensions) == 1]
PAIRS = [view for view in VIEWS if len(view.dimensions) == 2]


def whole(view: View) -> bool:
    """Tell whether every hit or visit has a value of each dimension, as of pages and sources."""
    return not PARTIAL & {*view.dimensions}


def counts(view: View) -> str:
    """Name the counts that a view can say and that add up."""
    return "visits pageviews" if measures(view) & MeasureGroup.VISITS else "pageviews"


def added(report: Report, metric: str) -> float:
    """Add a count up over all rows."""
    return sum(row.metrics[metric] or 0 for row in report.rows)


def unequal(asked: Reports, site: Site, pageviews: int) -> Iterator[str]:
    """Name the lists and pairs of which the parts are not the total."""
    heaviest: dict[str, tuple[str, float | None]] = {}
    for view in filter(whole, LISTS):
        (name,) = view.dimensions
        report = asked.ask(ask(counts(view), FRIDAY, site=site, dimension=name, limit=0))
        heaviest[name] = report.rows[0].value, report.rows[0].metrics["pageviews"]
        if added(report, "pageviews") != report.totals["pageviews"] or (
            report.totals["pageviews"] != pageviews
        ):
            yield view.name
    for view in filter(whole, PAIRS):
        for dimension, filtered in (view.dimensions, view.dimensions[::-1]):
            value, own = heaviest[filtered]
            only = (Filter(filtered, (value,)),)
            question = ask(
                counts(view), FRIDAY, site=site, dimension=dimension, filters=only, limit=0
            )
            report = asked.ask(question)
            told = {name: added(report, name) for name in question.metrics}
            if told != report.totals or told["pageviews"] != own:
                yield f"{dimension} of {filtered} {value}"


@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_parts_are_the_total_in_every_view_and_pair(store: Store, profile: str) -> None:
    """Of a list they sum to the site's count; of a pair to the count of the filter's value."""
    hits = [one for each in invent(PEOPLE, seed=5) for one in each.hits(secret())]
    site = a_site(profile=profile)
    deliver(store, hits)
    take_picture(store, site)
    asked = reports(store)

    while_open = list(unequal(asked, site, len(hits)))
    seal(store, FRIDAY.first, [site])
    once_sealed = list(unequal(asked, site, len(hits)))

    assert (while_open, once_sealed) == ([], [])


def test_there_are_lists_and_pairs_to_add_up() -> None:
    """What is left out has no value for some hits: events, goals, searches, exit pages."""
    assert len(list(filter(whole, LISTS))) > 20
    assert len(list(filter(whole, PAIRS))) >= 30
    assert all(
        {"event", "goal", "search_query", "exit_path", "currency"} & set(view.dimensions)
        for view in VIEWS
        if not whole(view)
    )
