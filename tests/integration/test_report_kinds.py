"""A question reads the kinds of day that its period holds, and misses nothing of any."""

from __future__ import annotations

from datetime import date
from typing import Any

from collector.cells.client import Row, Store
from collector.stats.query import Period
from collector.stats.reader import CACHED_S
from tests.integration.queries import (
    DAYS,
    FRIDAY,
    SATURDAY,
    SITE,
    SUNDAY,
    TODAY,
    ask,
    at,
    column,
    first_hits,
    reports,
    reports_of,
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


def test_a_period_that_is_wholly_sealed_is_known_for_seconds(store: Store) -> None:
    """A page's panels look the days up once: nothing can open again what is sealed."""
    insert(store, first_hits(4, FRIDAY) + first_hits(3, SATURDAY))
    for day in (20, 21):
        seal(store, date(2026, 11, day))
    clock = at("2026-11-22 12:30")
    page = reports_of(store, [SITE], clock)
    asked = ask("visitors", TWO_PAST)
    told = [page.ask(asked).totals["visitors"]]

    store.command("TRUNCATE TABLE seals")
    told.append(page.ask(asked).totals["visitors"])
    clock.pass_by(CACHED_S)
    told.append(page.ask(asked).totals["visitors"])

    assert [7, 7, 0] == told


def test_what_is_sealed_of_today_counts_beside_what_is_open(store: Store) -> None:
    """A site that moved westward lives a date twice: one half is sealed while the other is open."""
    insert(store, first_hits(4, SUNDAY, zone="Pacific/Auckland"))
    seal_plainly(store, closes_at(date(2026, 11, 22), "Pacific/Auckland"))
    insert(store, first_hits(3, SUNDAY, source="t.example"))

    totals = reports(store).ask(ask("visitors", TODAY)).totals
    listed = reports(store).ask(ask("visitors", DAYS, dimension="source"))

    assert {"visitors": 7} == totals
    assert {"Google": 4, "t.example": 3} == column(listed)


def test_the_heaviest_lines_of_sealed_and_open_days_together_come_first(store: Store) -> None:
    """A line that is light in the sealed days is found if the open day makes it heavy."""
    sizes = {f"s{n}.example": 20 - n for n in range(12)}
    for source, size in sizes.items():
        insert(store, first_hits(size, SATURDAY, source=source))
    seal(store, date(2026, 11, 21))
    insert(
        store, first_hits(30, SUNDAY, source="s11.example") + first_hits(4, source="new.example")
    )
    asked = [ask("visitors", DAYS, dimension="source", limit=2, page=page) for page in (1, 2)]

    first, second = (reports(store).ask(query) for query in asked)

    assert list(column(first).items()) == [("s11.example", 39), ("s0.example", 20)]
    assert list(column(second).items()) == [("s1.example", 19), ("s2.example", 18)]
    assert first.totals == second.totals == {"visitors": sum(sizes.values()) + 34}


def test_a_day_that_is_sealed_and_dropped_while_it_is_read_counts_once(store: Store) -> None:
    """Reading that took long looks at the seals again, and reads again if a day was sealed."""
    insert(store, first_hits(4, FRIDAY) + first_hits(3, SATURDAY))
    clock = at("2026-11-22 12:30")

    class SealedMeanwhile(Store):
        """Seals Saturday just before open days are first read, which takes its time."""

        def query(self, sql: str, *more: Any) -> list[Row]:
            if "FROM open_cells AS cells" in sql and not sealed:
                sealed.append(sql)
                clock.pass_by(3)
                seal(store, date(2026, 11, 21))
            return store.query(sql, *more)

    sealed: list[str] = []
    slow = reports_of(SealedMeanwhile(store.path), [SITE], clock)

    totals = slow.ask(ask("visitors pageviews", TWO_PAST)).totals

    assert sealed
    assert totals == {"visitors": 7, "pageviews": 7}
