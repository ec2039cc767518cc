"""Ask the dashboard's questions of cells and of raw rows, side by side.

Called by `store`, which makes the days. The whole question is timed, as the dashboard asks it:
planning, every statement, and putting the answer together.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from collector.cells.client import Store
from collector.cells.snapshots import Snapshots
from collector.cells.views import Grain
from collector.day import EPOCH
from collector.registry.sites import Site, Sites
from collector.stats.query import Filter, Period, Query
from collector.stats.reader import FRESH_S
from collector.stats.report import Reports
from tests.bench import raw_events
from tests.builders import FakeClock

OF_VISITS = ("visitors", "visits", "pageviews", "bounce_rate", "visit_duration")
OF_PATHS = ("visitors", "pageviews")
YEAR = 365


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a dashboard, for cells and for rows.

    Attributes:
        filtered: dimension and value of its one filter; empty for none.
        days: of its period; 0 for as many as the bench has whole.
    """

    name: str
    dimension: str = ""
    filtered: tuple[str, str] | None = None
    days: int = 0


QUESTIONS = (
    Question("series by day"),
    *(Question(f"top 10 by {n}", n) for n in ("path", "source", "country", "browser", "city")),
    Question("country 000: pages", "path", ("country", "000")),
    Question("/: sources", "source", ("path", "/")),
    Question("Browser0: pages", "path", ("browser", "Browser0")),
    Question("series of 12 months", days=YEAR),
)


@dataclass(frozen=True, slots=True)
class Took:
    """What a question took, in milliseconds: by the clock, and of all processors together.

    Attributes:
        again: of all processors, asked again within the time for which open days are known.
        raw: by the clock, asked of raw rows; None where there are none of so many days.
    """

    name: str
    wall: float
    cpu: float
    again: float
    raw: float | None = None


def ask_all(
    store: Store, last_day: int, today: int, days: int, *, raw: bool = False
) -> Iterator[Took]:
    """Ask every question about site 1.

    Args:
        last_day: of the period, in days since 1970; likewise `today`, which may be open.
        days: how many there are whole.
        raw: whether to ask the raw rows too.
    """
    site = Site(id=1, domain="site1.example")
    clock = FakeClock(today * 86_400 + 43_200.0)
    sites = Sites([site])
    snapshots = Snapshots(store, clock, lambda _, __: 0, lambda: sites)
    reports = Reports(store, lambda: sites, clock, snapshots)
    last = EPOCH + timedelta(days=last_day)
    for question in QUESTIONS:
        period = Period(last - timedelta(days=(question.days or days) - 1), last)
        ask = partial(reports.ask, _query(site, question, period))
        first = period if last_day < today else Period(last, last)
        wall, cpu = median_ms(ask, before=partial(_let_time_pass, reports, clock, site, first))
        again = median_ms(ask)[1]
        rows = _raw_ms(store, question, days) if raw and not question.days else None
        yield Took(question.name, wall, cpu, again, rows)


def _let_time_pass(reports: Reports, clock: FakeClock, site: Site, period: Period) -> None:
    """Let what is known be forgotten, then look up what a page's first question looks up."""
    clock.pass_by(FRESH_S)
    reports.ask(Query(site, ("visits",), period))


def _raw_ms(store: Store, question: Question, days: int) -> float:
    condition = "{} = '{}'".format(*question.filtered) if question.filtered else "1"
    sql = raw_events.question(question.dimension, condition, days)
    return median_ms(partial(store.query, sql), times=3)[0]


def _query(site: Site, question: Question, period: Period) -> Query:
    """Word a question; with a path in it, for what pages can say."""
    filtered = question.filtered
    of_paths = "path" in (question.dimension, filtered[0] if filtered else "")
    return Query(
        site=site,
        metrics=OF_PATHS if of_paths else OF_VISITS,
        period=period,
        dimension=question.dimension,
        grain=None if question.dimension else Grain.DAY,
        filters=(Filter(filtered[0], (filtered[1],)),) if filtered else (),
    )


def median_ms(
    ask: Callable[[], object], times: int = 9, before: Callable[[], object] = lambda: None
) -> tuple[float, float]:
    """Time a question: by the clock and in CPU, medians of some askings after one to warm up.

    Args:
        before: what is done before each asking, without being timed.
    """
    ask()
    taken, used = [], []
    for _ in range(times):
        before()
        began, spent = time.perf_counter(), cpu_s()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
        used.append((cpu_s() - spent) * 1000)
    return statistics.median(taken), statistics.median(used)


def cpu_s() -> float:
    """Tell how much processor time this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
