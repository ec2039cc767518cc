"""How many of our files one question passes, from the request to the page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.app import Footfall, create_app
from collector.clock import SystemClock
from collector.registry.sites import Goal
from collector.stats.reader import CACHED_S
from tests.asgi import Answer, found, get, some_settings
from tests.integration.seeding import FIRST_HIT, closes_at, hit, insert, seal_plainly
from tests.integration.trace import modules_passed

PAGE = "/demo.example?period=30d"
SERIES = "/api/v1/stats/timeseries?site_id=demo.example&period=30d&metrics=visitors"
MOST_FOR_A_PAGE, MOST_FOR_THE_API = 30, 22


class Ahead(SystemClock):
    """The machine's clock, some seconds ahead."""

    ahead = 0.0

    def now(self) -> float:
        """Return the instant."""
        return super().now() + self.ahead

    def monotonic(self) -> float:
        """Return a time that only grows."""
        return super().monotonic() + self.ahead


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Footfall]:
    """Make a service with a sealed and an open day; nothing runs beside what is asked of it."""
    settings = some_settings(Path(tmp_path_factory.mktemp("walk")) / "data")
    found(settings, "demo.example")
    made = create_app(settings, Ahead())
    container = made.container
    goal = Goal(name="Read", path="/")
    container.registry.set_site("demo.example", goals=(goal,))
    container.prepare()
    container.store_ready = True
    today = datetime.now(UTC).date()
    days = (today - timedelta(days=1), today)
    for day in days:
        insert(
            container.store,
            [hit(f"{n}", f"{day} 00:00", goals=("Read",), **FIRST_HIT) for n in range(9)],
        )
    seal_plainly(container.store, closes_at(days[0]))
    yield made
    container.close()


def passed(app: Footfall, url: str) -> list[str]:
    """List what is passed by a request, with templates compiled and short caches expired."""
    assert asyncio.run(get(app, url)).status == 200
    assert isinstance(app.container.clock, Ahead)
    app.container.clock.ahead += CACHED_S
    answers: list[Answer] = []
    modules = modules_passed(lambda: answers.append(asyncio.run(get(app, url))))
    assert answers[0].status == 200
    return modules


def test_a_page_of_a_site_passes_at_most_thirty_files(app: Footfall) -> None:
    """From the request to the page, templates included, a reader opens no more than these."""
    modules = passed(app, PAGE)

    assert {"collector/stats/report.py", "dashboards/templates/site.html"} <= {*modules}
    assert len(modules) <= MOST_FOR_A_PAGE, "\n".join(modules)


def test_a_question_of_the_reading_api_passes_at_most_twenty_two_files(app: Footfall) -> None:
    """From the request to the JSON, a reader opens no more than these."""
    modules = passed(app, SERIES)

    assert {"collector/api/v1.py", "collector/stats/report.py"} <= {*modules}
    assert len(modules) <= MOST_FOR_THE_API, "\n".join(modules)
