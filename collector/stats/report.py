"""Answer questions: plan them, ask the store, and put rows, totals and "(other)" together.

Knows how parts make a whole; refuses to know SQL or HTTP. Safe for threads:
the store keeps a client for each. Called by `stats.api` and the dashboards.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from collector.cells.client import Row, Store
from collector.cells.history import views_began
from collector.cells.thresholds import CONTINUOUS_SUMS, is_table, open_table
from collector.cells.views import TOTAL, Grain
from collector.clock import Clock
from collector.day import zone_of
from collector.hit import OTHER
from collector.registry.sites import Site, Sites
from collector.stats import conversion
from collector.stats.beginnings import completed, first_whole_day, known_part
from collector.stats.buckets import buckets
from collector.stats.exactness import of_lost_secrets, qualifications, tells_visitors
from collector.stats.metrics import CONVERSION_RATE, METRICS, VISITORS
from collector.stats.parts import Known
from collector.stats.plan import BASE, FOLDED, LISTED, Plan, sql_for
from collector.stats.query import Query, Report, ReportRow
from collector.stats.reading import BOTH, KEPT_APART, Kinds
from collector.telemetry import MADE_ANEW

Sums = dict[str, int | None]
Found = TypeVar("Found")

LIMITS = {"max_execution_time": 10, "max_result_rows": 200_000, "result_overflow_mode": "throw"}
"""What one question may cost: seconds, and rows of its answer."""

_BEGAN = (
    "SELECT count(), min(day) FROM (SELECT day FROM sealed_cells WHERE site = {{site:UInt32}} "
    f"AND view = {TOTAL.id} AND grain = 0 AND closes_at IN (SELECT closes_at FROM seals) "
    "UNION ALL SELECT day FROM {} WHERE site = {{site:UInt32}} "
    f"AND view = {TOTAL.id} AND grain = 0)"
)

_LOST_SECRETS = (
    "SELECT DISTINCT site, day FROM suppressed WHERE reason = {reason:String} ORDER BY day"
)
_HAS = (
    "SELECT count() FROM {} WHERE site = {{site:UInt32}} "
    f"AND view = {TOTAL.id} AND grain = 0 AND day BETWEEN {{{{first:Date}}}} AND {{{{last:Date}}}}"
)
_LOOKS_EVERY_S = 5


@dataclass(frozen=True, slots=True)
class _Answer:
    """One part of an answer: how many values were folded, all its sums, and its lines by key."""

    folded: int
    whole: Sums
    lines: dict[str, Sums]


class Reports:
    """The answers about all sites.

    Args:
        store: where the cells are.
        sites: gives the present picture of all sites.
        clock: tells what is today.
        visits_now: counts a site's visits with a hit in the last five minutes, by its number.
        known: values that are nobody's secret, such as the named sources; by dimension. The
            same that sealing is told.
    """

    def __init__(
        self,
        store: Store,
        sites: Callable[[], Sites],
        clock: Clock,
        visits_now: Callable[[int], int],
        known: Known | None = None,
    ) -> None:
        self.sites = sites
        self._store = store
        self._clock = clock
        self._visits_now = visits_now
        self._known = known
        self._looked: dict[Hashable, tuple[Hashable, Any]] = {}

    def ask(self, query: Query) -> Report:
        """Answer a question; blocks for as long as the store takes, at most 10 seconds.

        Raises:
            QueryError: if the question is malformed; a sentence.
            Unanswerable: if no view can answer it; the sentence says which could.
            Unreachable: if the store does not answer in time.
        """
        if CONVERSION_RATE in query.metrics:
            return conversion.answer(query, self.ask)
        now = self._clock.now()
        plan = sql_for(query, now, self._known, self._kinds(query))
        since = first_whole_day(query.site.zone, plan.views, self._views_began())
        if since is None or since <= query.period.first:
            return self._answer(query, plan, now)
        part = known_part(query, since)
        steps = buckets(query, now) if query.grain is not None else []
        return completed(query, plan.view, since, steps, self.ask(part) if part else None)

    def _answer(self, query: Query, plan: Plan, now: float) -> Report:
        found = self._store.query(plan.sql, plan.parameters, LIMITS)
        parts = {row[0]: _answer(plan, row) for row in found}
        report = (
            _breakdown(query, plan, parts) if query.dimension else _series(query, plan, parts, now)
        )
        lost = of_lost_secrets(query, self._lost_secrets().get(query.site.id, ()))
        return replace(report, exactness=report.exactness + lost)

    def visitors_now(self, site: Site) -> int:
        """Count a site's visits with a hit in the last five minutes."""
        return self._visits_now(site.id)

    def began(self, site: Site) -> date | None:
        """Find the first local day of which a site has numbers; None if it has none."""
        began = _BEGAN.format(open_table(site.profile))
        found, first = self._store.query(began, {"site": site.id}, LIMITS)[0]
        return first if found else None

    def today(self, site: Site) -> date:
        """Tell a site's local date."""
        return datetime.fromtimestamp(self._clock.now(), zone_of(site.zone)).date()

    def _kinds(self, query: Query) -> Kinds:
        """Find which kinds of day a period holds: half the statement is half the work.

        A day is read as sealed only if nothing of it is open; so a day that is sealed at this
        very moment is found either way.
        """
        today, period = self.today(query.site), query.period
        if period.first < today <= period.last:
            return BOTH
        if period.last < today:
            return Kinds(sealed=True, open=self._has(open_table(query.site.profile), query))
        return Kinds(sealed=self._sealed_today(query), open=True)

    def _sealed_today(self, query: Query) -> bool:
        """Find whether anything of today is sealed, as after a change of time zone."""
        return self._look(query.site.id, query.period, lambda: self._has("sealed_cells", query))

    def _has(self, table: str, query: Query) -> bool:
        days = {"first": query.period.first, "last": query.period.last}
        found = self._store.query(_HAS.format(table), {"site": query.site.id, **days}, LIMITS)
        return bool(found[0][0])

    def _lost_secrets(self) -> dict[int, list[date]]:
        """Find the days whose secret was made anew, by site."""

        def find() -> dict[int, list[date]]:
            found: dict[int, list[date]] = {}
            for site, day in self._store.query(_LOST_SECRETS, {"reason": MADE_ANEW}, LIMITS):
                found.setdefault(site, []).append(day)
            return found

        return self._look(MADE_ANEW, None, find)

    def _views_began(self) -> dict[int, int]:
        return self._look(views_began, None, lambda: views_began(self._store))

    def _look(self, what: Hashable, more: Hashable, find: Callable[[], Found]) -> Found:
        """Look something up, or know it from a few seconds ago."""
        stretch = (int(self._clock.now()) // _LOOKS_EVERY_S, more)
        looked, found = self._looked.get(what, (None, None))
        if looked != stretch:
            found = find()
            self._looked[what] = (stretch, found)
        known: Found = found
        return known


def _answer(plan: Plan, row: Row) -> _Answer:
    _, folded, *whole, lines = row
    return _Answer(
        folded,
        dict(zip(plan.sums, whole, strict=True)),
        {key: dict(zip(plan.sums, numbers, strict=True)) for key, *numbers in lines},
    )


def _series(query: Query, plan: Plan, parts: Mapping[str, _Answer], now: float) -> Report:
    nothing: Sums = dict.fromkeys(plan.sums, 0)
    found = parts.get(LISTED, _Answer(0, nothing, {}))
    whole = parts.get(BASE, found).whole if plan.has_base else found.whole
    if query.grain is Grain.MINUTE:
        # A minute's visitors are not those of another: only a longer cell could say them together.
        whole = whole | {VISITORS: None}
    steps = buckets(query, now) if query.grain is not None else []
    return Report(
        rows=tuple(
            ReportRow(step.label, _metrics(query, found.lines.get(step.key, nothing)))
            for step in steps
        ),
        totals=_metrics(query, whole),
        exactness=qualifications(query, folded=False, from_difference=False),
        view=plan.view.name,
    )


def _breakdown(query: Query, plan: Plan, parts: Mapping[str, _Answer]) -> Report:
    empty = _Answer(0, dict.fromkeys(plan.sums, 0), {})
    listed, stored = parts.get(LISTED, empty), parts.get(FOLDED, empty)
    totals = (
        parts.get(BASE, empty).whole if plan.has_base else _own(query, listed.whole, stored.whole)
    )
    other = _other(plan, totals, listed.whole, stored.whole)
    more = bool(query.limit) and len(listed.lines) > query.limit
    lines = list(listed.lines.items())[: query.limit or None]
    rows = [ReportRow(key, _metrics(query, sums)) for key, sums in lines]
    folded = any(other.values())
    if folded and not more:
        rows.append(ReportRow(OTHER, _metrics(query, other)))
    return Report(
        rows=tuple(rows),
        totals=_metrics(query, totals),
        exactness=qualifications(query, folded=folded, from_difference=other[VISITORS] is None),
        folded_values=listed.folded + stored.folded,
        view=plan.view.name,
        more=more,
    )


def _other(plan: Plan, totals: Sums, listed: Sums, stored: Sums) -> Sums:
    """Work out "(other)": what is missing from the listed rows to the totals.

    Counts are subtracted, so that parts make the whole. What is fine enough to
    name a visitor never is: a difference would tell what a small cell left out.
    It is known only if all that is missing was stored.
    """
    if not plan.has_base:
        return stored
    fine = (*CONTINUOUS_SUMS, *KEPT_APART, VISITORS)
    missing = {
        name: (totals[name] or 0) - (listed[name] or 0) for name in plan.sums if name not in fine
    }
    all_stored = not is_table(plan.view) and all(missing[name] == stored[name] for name in missing)
    return missing | {
        name: stored[name] if all_stored else None for name in plan.sums if name in fine
    }


def _own(query: Query, listed: Sums, stored: Sums) -> Sums:
    """Add the rows up where nothing else says their total; visitors only of named values."""
    added: Sums = {name: (listed[name] or 0) + (stored[name] or 0) for name in listed}
    named = any(one.dimension == query.dimension for one in query.filters)
    return added if named else added | {VISITORS: None}


def _metrics(query: Query, sums: Sums) -> dict[str, float | None]:
    told = sums if tells_visitors(query) else sums | {VISITORS: None}
    return {name: METRICS[name].value(told) for name in query.metrics}
