"""Counts by reason, day and site."""

from __future__ import annotations

import threading

from collector.counters import Tally


def test_counts_of_the_same_kind_are_added() -> None:
    """Two things of one reason, day and site are one count of two."""
    tally = Tally()

    tally.count("bot", 20_000, 3)
    tally.count("bot", 20_000, 3)
    tally.count("gpc", 20_000)

    assert {(20_000, "bot", 3): 2, (20_000, "gpc", 0): 1} == tally.drain()


def test_a_count_is_drained_once() -> None:
    """What was taken for the spool is not there a second time."""
    tally = Tally()
    tally.count("dnt", 20_000)

    first, second = tally.drain(), tally.drain()

    assert {(20_000, "dnt", 0): 1} == first
    assert {} == second


def test_counts_that_the_spool_could_not_take_wait_on() -> None:
    """Counts given back are added to those that came meanwhile."""
    tally = Tally()
    tally.count("rate", 20_000, 1)
    taken = tally.drain()
    tally.count("rate", 20_000, 1, times=2)

    tally.give_back(taken)

    assert {(20_000, "rate", 1): 3} == tally.drain()


def test_totals_outlive_the_drain() -> None:
    """Totals by reason count from the start of the process, whatever was drained."""
    tally = Tally()
    tally.count("bot", 20_000, 3)
    tally.drain()

    tally.count("bot", 20_001, 4)

    assert {"bot": 2} == tally.totals()


def test_no_count_is_lost_between_threads() -> None:
    """Counting in one thread and draining in another adds up."""
    tally, drained = Tally(), list[int]()

    def count() -> None:
        for _ in range(20_000):
            tally.count("bot", 1)

    counter = threading.Thread(target=count)
    counter.start()
    while counter.is_alive():
        drained.extend(tally.drain().values())
    drained.extend(tally.drain().values())

    assert 20_000 == sum(drained)
