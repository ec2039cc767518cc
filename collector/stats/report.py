"""Answer questions: plan them, read the store, and put rows, totals and "(other)" together.

Safe for threads: the store keeps a client for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from collector.cells.client import Store
from collector.cells.thresholds import is_table, open_table
from collector.cells.view_history import views_began
from collector.cells.views import TOTAL, Grain
from collector.clock import Clock
from collector.counters import MADE_ANEW
from collector.errors import Unanswerable
from collector.hit import OTHER
from collector.registry.sites import Site, Sites
from collector.stats.caveats import (
    can_count_visitors,
    caveats_of,
    first_whole_day,
    known_part,
    lost_secrets,
    with_unknown_days,
)
from collector.stats.metrics import CONVERSION_RATE, EVERYBODY, METRICS, VISITORS
from collector.stats.open_day_folding import ResultRows
from collector.stats.planner import Plan, plan_query
from collector.stats.query import Query, Report, ReportRow, buckets
from collector.stats.reader import LIMITS, ResultReader, SealedDays, page_of
from collector.stats.sql import CONTINUOUS, Known

if TYPE_CHECKING:
    from collector.cells.snapshots import Snapshots

Sums = dict[str, int | None]

GOAL = "goal"

_FIRST_DAY = (
    "SELECT count(), min(day) FROM (SELECT day FROM sealed_cells WHERE site = {{site:UInt32}} "
    f"AND view = {TOTAL.id} AND grain = 0 AND closes_at IN (SELECT closes_at FROM seals) "
    "UNION ALL SELECT day FROM {} WHERE site = {{site:UInt32}} "
    f"AND view = {TOTAL.id} AND grain = 0)"
)

_LOST_SECRETS = (
    "SELECT DISTINCT site, day FROM suppressed WHERE reason = {reason:String} ORDER BY day"
)


class Reports:
    """The answers about all sites.

    Args:
        sites: returns all sites as they are now.
        known: values that identify no visitor, such as the named sources; by dimension. The
            same that sealing is given.
    """

    def __init__(
        self,
        store: Store,
        sites: Callable[[], Sites],
        clock: Clock,
        snapshots: Snapshots,
        known: Known | None = None,
    ) -> None:
        self.sites = sites
        self._store = store
        self._clock = clock
        self._snapshots = snapshots
        self._known = known
        self._sealed_days = SealedDays(store, clock)
        self._reader = ResultReader(store, clock, self._sealed_days)

    def ask(self, query: Query) -> Report:
        """Answer a question; blocks for as long as the store takes, at most 10 seconds.

        Raises:
            QueryError: if the question is malformed; a sentence.
            Unanswerable: if no view can answer it; the sentence says which could.
            Unreachable: if the store does not answer in time.
        """
        if CONVERSION_RATE in query.metrics:
            of_goal, of_all = _split_conversion(query)
            return _with_rates(query, self.ask(of_goal), self.ask(of_all))
        self._snapshots.ensure(query.site)
        now = self._clock.now()
        plan = plan_query(query, now, self._known)
        since = first_whole_day(query.site.zone, plan.views, self._views_began())
        if since is None or since <= query.period.first:
            return self._answer(query, plan, now)
        part = known_part(query, since)
        times = buckets(query, now) if query.grain is not None else []
        return with_unknown_days(query, plan.view, since, times, self.ask(part) if part else None)

    def _answer(self, query: Query, plan: Plan, now: float) -> Report:
        results = self._reader.read(query, plan)
        if query.dimension:
            report = _breakdown(query, plan, results)
        else:
            report = _series(query, plan, results, now)
        lost = lost_secrets(query, self._lost_secrets().get(query.site.id, ()))
        return replace(report, caveats=report.caveats + lost)

    def visitors_now(self, site: Site) -> int:
        """Count a site's visits with a hit in the last five minutes."""
        return self._snapshots.visits_now(site.id)

    def forget(self) -> None:
        """Drop cached answers that are not fresh any more; to be called now and then."""
        self._reader.forget()

    def first_day(self, site: Site) -> date | None:
        """Find the first local day with numbers of a site; None if it has none."""
        self._snapshots.ensure(site)
        sql = _FIRST_DAY.format(open_table(site.profile))
        count, first = self._store.query(sql, {"site": site.id}, LIMITS)[0]
        return first if count else None

    def today(self, site: Site) -> date:
        """Return a site's local date."""
        return self._sealed_days.today(site)

    def _lost_secrets(self) -> dict[int, list[date]]:
        """Find the days whose secret was made anew, by site."""

        def find() -> dict[int, list[date]]:
            found: dict[int, list[date]] = {}
            for site, day in self._store.query(_LOST_SECRETS, {"reason": MADE_ANEW}, LIMITS):
                found.setdefault(site, []).append(day)
            return found

        return self._sealed_days.cached(MADE_ANEW, None, find)

    def _views_began(self) -> dict[int, int]:
        return self._sealed_days.cached(views_began, None, lambda: views_began(self._store))


def _series(query: Query, plan: Plan, results: Mapping[int, ResultRows], now: float) -> Report:
    rows, totals = (
        results.get(number, ResultRows()) for number in (plan.selections[0], plan.selections[-1])
    )
    whole = _sums(plan, totals.whole)
    if query.grain is Grain.MINUTE:
        # Visitors of one minute may be those of another: only a longer cell could count them.
        whole |= {VISITORS: None}
    times = buckets(query, now) if query.grain is not None else []
    return Report(
        rows=tuple(
            ReportRow(time.label, _metrics(query, _sums(plan, rows.rows.get(time.key, ()))))
            for time in times
        ),
        totals=_metrics(query, whole),
        caveats=caveats_of(query, folded=False, from_difference=False),
        view=plan.view.name,
    )


def _breakdown(query: Query, plan: Plan, results: Mapping[int, ResultRows]) -> Report:
    result = results.get(plan.selections[0], ResultRows())
    whole, stored = _sums(plan, result.whole), _sums(plan, result.rows.get(OTHER, ()))
    base = results.get(plan.selections[-1], ResultRows())
    totals = _sums(plan, base.whole) if plan.has_base else _sum_of_rows(query, whole)
    other = _other(plan, totals, whole, stored)
    page, more = page_of(query, result, plan.weight)
    rows = [ReportRow(key, _metrics(query, _sums(plan, sums))) for key, sums in page]
    folded = any(other.values())
    if folded and not more:
        rows.append(ReportRow(OTHER, _metrics(query, other)))
    return Report(
        rows=tuple(rows),
        totals=_metrics(query, totals),
        caveats=caveats_of(query, folded=folded, from_difference=other[VISITORS] is None),
        folded_values=result.folded_count,
        view=plan.view.name,
        more=more,
    )


def _sums(plan: Plan, sums: Sequence[int]) -> Sums:
    return dict(zip(plan.sums, sums or [0] * len(plan.sums), strict=True))


def _other(plan: Plan, totals: Sums, whole: Sums, stored: Sums) -> Sums:
    """Compute "(other)": what was stored as such, and the totals minus all rows.

    Counts are subtracted, so that rows sum to the totals. Visitors and continuous sums are not:
    a difference would reveal what a small cell left out. They are known only if no count differs.
    """
    if not plan.has_base:
        return stored
    counts = [name for name in plan.sums if name not in (*CONTINUOUS, VISITORS)]
    missing = {name: (totals[name] or 0) - (whole[name] or 0) for name in counts}
    all_stored = not is_table(plan.view) and not any(missing.values())
    known = stored if all_stored else dict.fromkeys(stored)
    return known | {name: missing[name] + (stored[name] or 0) for name in counts}


def _sum_of_rows(query: Query, whole: Sums) -> Sums:
    """Return the sums of all rows as totals; visitors only if the filter names the values."""
    named = any(one.dimension == query.dimension for one in query.filters)
    return whole if named else whole | {VISITORS: None}


def _metrics(query: Query, sums: Sums) -> dict[str, float | None]:
    known = sums if can_count_visitors(query) else sums | {VISITORS: None}
    return {name: METRICS[name].value(known) for name in query.metrics}


def _split_conversion(query: Query) -> tuple[Query, Query]:
    """Split a question for conversion rates: visitors who reached a goal, of all who could have.

    Both are about the same days and values, so that the numerator never exceeds the denominator.
    Rows are ordered by the first of the other metrics, else by converted visitors.
    """
    if query.dimension != GOAL and all(one.dimension != GOAL for one in query.filters):
        raise Unanswerable("A conversion rate needs a goal: ask by goal, or filter by one.")
    others = (name for name in query.metrics if name != CONVERSION_RATE)
    of_goal = replace(query, metrics=tuple(dict.fromkeys((*others, VISITORS))))
    of_all = replace(
        query,
        metrics=(VISITORS,),
        dimension="" if query.dimension == GOAL else query.dimension,
        filters=tuple(one for one in query.filters if one.dimension != GOAL),
        limit=0,
        page=1,
        search="",
    )
    return of_goal, of_all


def _with_rates(query: Query, converted: Report, everybody: Report) -> Report:
    """Put the answers to both questions together."""
    total = everybody.totals[VISITORS]
    by_value = {row.value: row.metrics[VISITORS] for row in everybody.rows if row.value != OTHER}
    rows = (
        (row, total if query.dimension == GOAL else by_value.get(row.value))
        for row in converted.rows
    )
    return replace(
        converted,
        rows=tuple(replace(row, metrics=_with_rate(query, row.metrics, of)) for row, of in rows),
        totals=_with_rate(query, converted.totals, total),
        caveats=tuple(dict.fromkeys((*converted.caveats, *everybody.caveats))),
    )


def _with_rate(
    query: Query, metrics: Mapping[str, float | None], everybody: float | None
) -> dict[str, float | None]:
    rate = METRICS[CONVERSION_RATE].value({VISITORS: metrics[VISITORS], EVERYBODY: everybody})
    return {name: rate if name == CONVERSION_RATE else metrics[name] for name in query.metrics}
