"""Answer questions: plan them, ask the store, and put rows, totals and "(other)" together.

Knows how parts make a whole; refuses to know SQL or HTTP. Safe for threads:
the store keeps a client for each. Called by `stats.api` and the dashboards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from collector.cells.client import Store
from collector.cells.thresholds import is_table, open_table
from collector.cells.view_history import views_began
from collector.cells.views import TOTAL, Grain
from collector.clock import Clock
from collector.counters import MADE_ANEW
from collector.hit import OTHER
from collector.registry.sites import Site, Sites
from collector.stats import conversion
from collector.stats.caveats import can_count_visitors, caveats_of, of_lost_secrets
from collector.stats.coverage import completed, first_whole_day, known_part
from collector.stats.metrics import CONVERSION_RATE, METRICS, VISITORS
from collector.stats.open_day_folding import ResultRows
from collector.stats.planner import Plan, sql_for
from collector.stats.query import Query, Report, ReportRow
from collector.stats.reader import ResultReader, shown
from collector.stats.sealed_days import LIMITS, SealedDays
from collector.stats.selection import Known
from collector.stats.sql import FINE
from collector.stats.time_buckets import buckets

Sums = dict[str, int | None]

_BEGAN = (
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
        store: where the cells are.
        sites: gives the present picture of all sites.
        clock: tells what is today.
        visits_now: counts a site's visits with a hit in the last five minutes, by its number.
        known: values that are nobody's secret, such as the named sources; by dimension. The
            same that sealing is told.
        before: is called with the site before its open days are looked at.
    """

    def __init__(
        self,
        store: Store,
        sites: Callable[[], Sites],
        clock: Clock,
        visits_now: Callable[[int], int],
        known: Known | None = None,
        before: Callable[[Site], None] = lambda _: None,
    ) -> None:
        self.sites = sites
        self._store = store
        self._clock = clock
        self._visits_now = visits_now
        self._known = known
        self._before = before
        self._calendar = SealedDays(store, clock)
        self._reader = ResultReader(store, clock, self._calendar)

    def ask(self, query: Query) -> Report:
        """Answer a question; blocks for as long as the store takes, at most 10 seconds.

        Raises:
            QueryError: if the question is malformed; a sentence.
            Unanswerable: if no view can answer it; the sentence says which could.
            Unreachable: if the store does not answer in time.
        """
        self._before(query.site)
        if CONVERSION_RATE in query.metrics:
            return conversion.conversion_report(query, self.ask)
        now = self._clock.now()
        plan = sql_for(query, now, self._known)
        since = first_whole_day(query.site.zone, plan.views, self._views_began())
        if since is None or since <= query.period.first:
            return self._answer(query, plan, now)
        part = known_part(query, since)
        steps = buckets(query, now) if query.grain is not None else []
        return completed(query, plan.view, since, steps, self.ask(part) if part else None)

    def _answer(self, query: Query, plan: Plan, now: float) -> Report:
        parts = self._reader.read(query, plan)
        if query.dimension:
            report = _breakdown(query, plan, parts)
        else:
            report = _series(query, plan, parts, now)
        lost = of_lost_secrets(query, self._lost_secrets().get(query.site.id, ()))
        return replace(report, caveats=report.caveats + lost)

    def visitors_now(self, site: Site) -> int:
        """Count a site's visits with a hit in the last five minutes."""
        return self._visits_now(site.id)

    def forget(self) -> None:
        """Forget what is known of open days and not fresh any more; to be called now and then."""
        self._reader.forget()

    def began(self, site: Site) -> date | None:
        """Find the first local day of which a site has numbers; None if it has none."""
        self._before(site)
        began = _BEGAN.format(open_table(site.profile))
        found, first = self._store.query(began, {"site": site.id}, LIMITS)[0]
        return first if found else None

    def today(self, site: Site) -> date:
        """Tell a site's local date."""
        return self._calendar.today(site)

    def _lost_secrets(self) -> dict[int, list[date]]:
        """Find the days whose secret was made anew, by site."""

        def find() -> dict[int, list[date]]:
            found: dict[int, list[date]] = {}
            for site, day in self._store.query(_LOST_SECRETS, {"reason": MADE_ANEW}, LIMITS):
                found.setdefault(site, []).append(day)
            return found

        return self._calendar.cached(MADE_ANEW, None, find)

    def _views_began(self) -> dict[int, int]:
        return self._calendar.cached(views_began, None, lambda: views_began(self._store))


def _series(query: Query, plan: Plan, found: Mapping[int, ResultRows], now: float) -> Report:
    rows, totals = (
        found.get(part, ResultRows()) for part in (plan.selections[0], plan.selections[-1])
    )
    whole = _sums(plan, totals.whole)
    if query.grain is Grain.MINUTE:
        # A minute's visitors are not those of another: only a longer cell could say them together.
        whole |= {VISITORS: None}
    steps = buckets(query, now) if query.grain is not None else []
    return Report(
        rows=tuple(
            ReportRow(step.label, _metrics(query, _sums(plan, rows.lines.get(step.key, ()))))
            for step in steps
        ),
        totals=_metrics(query, whole),
        caveats=caveats_of(query, folded=False, from_difference=False),
        view=plan.view.name,
    )


def _breakdown(query: Query, plan: Plan, found: Mapping[int, ResultRows]) -> Report:
    lines = found.get(plan.selections[0], ResultRows())
    whole, stored = _sums(plan, lines.whole), _sums(plan, lines.lines.get(OTHER, ()))
    base = found.get(plan.selections[-1], ResultRows())
    totals = _sums(plan, base.whole) if plan.has_base else _own(query, whole)
    other = _other(plan, totals, whole, stored)
    page, more = shown(query, lines, plan.weight)
    rows = [ReportRow(key, _metrics(query, _sums(plan, sums))) for key, sums in page]
    folded = any(other.values())
    if folded and not more:
        rows.append(ReportRow(OTHER, _metrics(query, other)))
    return Report(
        rows=tuple(rows),
        totals=_metrics(query, totals),
        caveats=caveats_of(query, folded=folded, from_difference=other[VISITORS] is None),
        folded_values=lines.folded_count,
        view=plan.view.name,
        more=more,
    )


def _sums(plan: Plan, sums: Sequence[int]) -> Sums:
    return dict(zip(plan.sums, sums or [0] * len(plan.sums), strict=True))


def _other(plan: Plan, totals: Sums, whole: Sums, stored: Sums) -> Sums:
    """Work out "(other)": what was stored as such, and what is missing from all rows to the totals.

    Counts are subtracted, so that parts make the whole. What is fine enough to
    name a visitor never is: a difference would tell what a small cell left out.
    It is known only if nothing is missing.
    """
    if not plan.has_base:
        return stored
    counts = [name for name in plan.sums if name not in (*FINE, VISITORS)]
    missing = {name: (totals[name] or 0) - (whole[name] or 0) for name in counts}
    all_stored = not is_table(plan.view) and not any(missing.values())
    known = stored if all_stored else dict.fromkeys(stored)
    return known | {name: missing[name] + (stored[name] or 0) for name in counts}


def _own(query: Query, whole: Sums) -> Sums:
    """Give the sum of all rows where nothing else says their total; visitors of named values."""
    named = any(one.dimension == query.dimension for one in query.filters)
    return whole if named else whole | {VISITORS: None}


def _metrics(query: Query, sums: Sums) -> dict[str, float | None]:
    told = sums if can_count_visitors(query) else sums | {VISITORS: None}
    return {name: METRICS[name].value(told) for name in query.metrics}
