"""Open days are answered in few steps: what that spares changes no answer, or only for seconds."""

from __future__ import annotations

from datetime import date

import pytest

from collector.cells.client import Store
from collector.hit import Hit
from collector.stats import reader
from collector.stats.report import Reports
from tests.builders import FakeClock
from tests.integration.queries import (
    DAYS,
    SATURDAY,
    SITE,
    SUNDAY,
    ask,
    at,
    column,
    first_hits,
    reports,
    reports_of,
    seal,
)
from tests.integration.seeding import insert

SOURCES = ask("visitors", DAYS, dimension="source")


def reading(store: Store) -> tuple[Reports, FakeClock]:
    """Ask by a clock that the test moves."""
    clock = at("2026-11-22 12:30")
    return reports_of(store, [SITE], clock), clock


@pytest.fixture
def merging(store: Store, monkeypatch: pytest.MonkeyPatch) -> tuple[Reports, FakeClock]:
    """Take four visitors for much merging, and ask by a clock that the test moves."""
    monkeypatch.setattr(reader, "HEAVY", 4)
    return reading(store)


def of_each(sizes: dict[str, int], day: str) -> list[Hit]:
    """Invent first hits of so many visitors from each source."""
    return [one for name, size in sizes.items() for one in first_hits(size, day, source=name)]


def test_pages_are_those_of_the_whole_list_however_few_lines_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is among the heaviest of neither sealed nor open days is found where both make it so."""
    monkeypatch.setattr(reader, "SPARE", 1)
    sizes = {f"{name}.example": (14, 5) for name in "abcdef"}
    sizes |= {f"{name}.example": (5, 9) for name in "klm"} | {"x.example": (13, 8)}
    insert(store, of_each({name: size for name, (size, _) in sizes.items()}, SATURDAY))
    seal(store, date(2026, 11, 21))
    insert(store, of_each({name: size for name, (_, size) in sizes.items()}, SUNDAY))
    heaviest = sorted((-sum(both), name) for name, both in sizes.items())

    pages = [
        column(reports(store).ask(ask("visitors", DAYS, dimension="source", limit=2, page=page)))
        for page in range(1, 6)
    ]

    assert heaviest[0] == (-21, "x.example")
    assert [(name, -size) for size, name in heaviest] == [
        line for page in pages for line in page.items()
    ]


def test_an_answer_of_much_merging_stands_for_five_seconds(
    store: Store, merging: tuple[Reports, FakeClock]
) -> None:
    """Within them it is told again; other questions, and later ones, are asked anew."""
    asked, clock = merging
    insert(store, first_hits(4, SUNDAY, source="a.example"))
    told = [column(asked.ask(SOURCES))]
    insert(store, first_hits(3, SUNDAY, source="b.example"))

    for seconds in (0, 4.9, 0.1):
        clock.pass_by(seconds)
        told.append(column(asked.ask(SOURCES)))
    pages = asked.ask(ask("visitors", DAYS, dimension="path")).totals

    assert told[0] == told[1] == told[2] == {"a.example": 4}
    assert told[3] == {"a.example": 4, "b.example": 3}
    assert pages == {"visitors": 7}


def test_a_full_minute_ends_no_answer_that_minutes_are_not_asked_of(
    store: Store, merging: tuple[Reports, FakeClock]
) -> None:
    """Only a series by minute begins elsewhere with each minute."""
    asked, clock = merging
    insert(store, first_hits(4, SUNDAY, source="a.example"))
    clock.pass_by(58)
    told = column(asked.ask(SOURCES))
    insert(store, first_hits(3, SUNDAY, source="b.example"))

    clock.pass_by(4)

    assert column(asked.ask(SOURCES)) == told == {"a.example": 4}


def test_what_took_little_is_told_as_it_is_now(store: Store) -> None:
    """A site of few visitors waits for nothing."""
    asked, _ = reading(store)
    insert(store, first_hits(4, SUNDAY, source="a.example"))
    asked.ask(SOURCES)

    insert(store, first_hits(3, SUNDAY, source="b.example"))

    assert column(asked.ask(SOURCES)) == {"a.example": 4, "b.example": 3}


def test_a_sealing_ends_what_was_kept(store: Store, merging: tuple[Reports, FakeClock]) -> None:
    """A day counts once, however short a while ago it was read as an open one."""
    asked, _ = merging
    insert(
        store,
        first_hits(4, SATURDAY, source="a.example") + first_hits(5, SUNDAY, source="a.example"),
    )
    before = column(asked.ask(SOURCES))

    seal(store, date(2026, 11, 21))

    assert before == column(asked.ask(SOURCES)) == {"a.example": 9}


def test_no_more_is_kept_than_there_is_room_for(
    store: Store, merging: tuple[Reports, FakeClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest goes first, and is asked anew; what is kept is told with its sealed days."""
    asked, clock = merging
    insert(store, first_hits(3, SATURDAY, source="a.example"))
    seal(store, date(2026, 11, 21))
    insert(store, first_hits(4, SUNDAY, source="a.example"))
    paths = ask("visitors", DAYS, dimension="path")
    monkeypatch.setattr(reader, "MOST_ROWS", 3)
    for question in (SOURCES, paths):
        asked.ask(question)
        clock.pass_by(1)
    insert(store, first_hits(6, SUNDAY, source="a.example"))

    assert column(asked.ask(paths)) == {"/": 7}
    assert column(asked.ask(SOURCES)) == {"a.example": 9}


def test_what_is_old_is_forgotten_though_nobody_asks(
    store: Store, merging: tuple[Reports, FakeClock]
) -> None:
    """A turn of the rounds leaves nothing of it in memory, as a clock turned back shows."""
    asked, clock = merging
    insert(store, first_hits(4, SUNDAY, source="a.example"))
    asked.ask(SOURCES)
    insert(store, first_hits(6, SUNDAY, source="a.example"))

    clock.pass_by(reader.FRESH_S)
    asked.forget()
    clock.pass_by(-reader.FRESH_S)

    assert column(asked.ask(SOURCES)) == {"a.example": 6}
