"""Word questions about one site, seal its days and read the answers, for tests of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from collector.cells.client import Store
from collector.cells.sealing import Sealer
from collector.cells.snapshots import Snapshots
from collector.clock import Clock
from collector.hit import Hit
from collector.registry.sites import Site, Sites
from collector.stats.query import Period, Query, Report
from collector.stats.report import Reports
from tests.builders import FakeClock, a_site
from tests.integration.seeding import FIRST_HIT, closes_at, hit

SITE = a_site()
DAYS = Period(date(2026, 11, 20), date(2026, 11, 22))
TODAY = Period(date(2026, 11, 22), date(2026, 11, 22))
FRIDAY, SATURDAY, SUNDAY = "2026-11-20", "2026-11-21", "2026-11-22"


def at(when: str) -> FakeClock:
    """Stop a clock at an instant in UTC."""
    return FakeClock(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp())


def reports(store: Store, when: str = "2026-11-22 12:30", **more: Any) -> Reports:
    """Ask a store on a Sunday at half past twelve, UTC."""
    return reports_of(store, [SITE], at(when), lambda site, _: 7 * site, **more)


def reports_of(
    store: Store,
    sites: Iterable[Site],
    clock: Clock,
    live: Callable[[int, float], int] = lambda _, __: 0,
    **more: Any,
) -> Reports:
    """Answer questions about some sites; `live` counts the present visits of each."""
    known, strict = Sites(sites), Sites([a_site(profile="strict")])
    # Questions may be about a strict site that is not among them: it gets its snapshot too.
    snapshots = Snapshots(store, clock, live, lambda: strict)
    return Reports(store, lambda: known, clock, snapshots, **more)


def ask(metrics: str, period: Period = DAYS, **more: Any) -> Query:
    """Word a question about the site."""
    return Query(more.pop("site", SITE), tuple(metrics.split()), period, **more)


def first_hits(count: int, day: str = SUNDAY, **columns: Any) -> list[Hit]:
    """Invent first hits of so many visitors; the same ones for the same source and day."""
    name = columns.get("source", "")
    return [hit(f"{name} {n}", f"{day} 10:30", **(FIRST_HIT | columns)) for n in range(count)]


def rows(report: Report) -> dict[str, dict[str, float | None]]:
    """Give a report's rows by value."""
    return {row.value: row.metrics for row in report.rows}


def column(report: Report, metric: str = "visitors") -> dict[str, float | None]:
    """Give one metric of a report's rows by value."""
    return {row.value: row.metrics[metric] for row in report.rows}


class Undisturbed:
    """A spool and day secrets that hold nothing, for sealing."""

    def holds(self, closes_at: int) -> bool:
        """Hold nothing."""
        return closes_at < 0

    def destroy_key(self, closes_at: int) -> None:
        """Have no key."""

    def destroy(self, now: float) -> None:
        """Have no secret."""


def take_picture(store: Store, *sites: Site) -> None:
    """Take the snapshot that questions about strict sites are answered from."""
    strict = Sites(sites)
    Snapshots(store, at("2026-11-22 12:30"), lambda _, __: 0, lambda: strict).refresh(strict)


def seal(store: Store, day: date, sites: Iterable[Site] = (SITE,)) -> None:
    """Seal a day as the service does."""
    nothing: Any = Undisturbed()
    sealer = Sealer(store, nothing, nothing, lambda: Sites(sites), at("2026-11-23 00:10"))
    sealer.seal(closes_at(day))
