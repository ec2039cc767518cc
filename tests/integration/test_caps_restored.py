"""Caps are restored from a real store at startup."""

from __future__ import annotations

from collector.cells.batch_filter import open_values
from collector.cells.cardinality import Caps
from collector.cells.client import Store
from collector.hit import OTHER
from tests.integration.closing import CLOSES_AT, deliver
from tests.integration.seeding import hit


def test_every_capped_value_of_an_open_day_is_restored(store: Store) -> None:
    """Values of hits, visits and properties are restored with their frequencies."""
    deliver(store, [hit(f"v{n}", "2026-11-20 10:00", path="/a", country="FR") for n in range(3)])
    deliver(
        store,
        [
            hit(
                "e",
                "2026-11-20 11:00",
                path="/b",
                event="buy",
                properties=("plan=pro",),
                pageviews=0,
                events=1,
                site=2,
            )
        ],
    )

    restored = {seen[:-1]: seen.times for seen in open_values(store)}

    assert restored[1, CLOSES_AT, "path", "/a"] == 3
    assert restored[1, CLOSES_AT, "country", "FR"] == 3
    assert restored[2, CLOSES_AT, "path", "/b"] == 1
    assert restored[2, CLOSES_AT, "event", "buy"] == 1
    assert restored[2, CLOSES_AT, "property", "plan=pro"] == 1
    assert restored[2, CLOSES_AT, "property_name", "plan"] == 1
    assert not [key for key in restored if key[2] in ("entry_path", "exit_path", "total")]


def test_a_restart_changes_no_decision(store: Store) -> None:
    """Above the cap, a restarted process decides as the previous one would have."""
    first = Caps(lambda _: 5)
    hits = [hit(f"v{n}", "2026-11-20 10:00", path=f"/{n}") for n in range(8)]
    deliver(store, first.apply(hits))

    second = Caps(lambda _: 5)
    second.restore(open_values(store))

    again = [one.path for one in second.apply(hits[:2] + hits[5:])]
    assert again == ["/0", "/1", OTHER, OTHER, OTHER]
    assert second.values(1, CLOSES_AT, "path") == 5
