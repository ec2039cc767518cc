"""Counts by reason, day and site."""

from __future__ import annotations

import threading

from collector.counters import Counters


def test_counts_of_the_same_kind_are_added() -> None:
    """Two things of one reason, day and site are one count of two."""
    counters = Counters()

    counters.count("bot", 20_000, 3)
    counters.count("bot", 20_000, 3)
    counters.count("gpc", 20_000)

    assert {(20_000, "bot", 3): 2, (20_000, "gpc", 0): 1} == counters.drain()


def test_a_count_is_drained_once() -> None:
    """What was taken for the spool is not there a second time."""
    counters = Counters()
    counters.count("dnt", 20_000)

    first, second = counters.drain(), counters.drain()

    assert {(20_000, "dnt", 0): 1} == first
    assert {} == second


def test_counts_that_the_spool_could_not_take_wait_on() -> None:
    """Counts given back are added to those that came meanwhile."""
    counters = Counters()
    counters.count("rate", 20_000, 1)
    taken = counters.drain()
    counters.count("rate", 20_000, 1, times=2)

    counters.restore(taken)

    assert {(20_000, "rate", 1): 3} == counters.drain()


def test_totals_outlive_the_drain() -> None:
    """Totals by reason count from the start of the process, whatever was drained."""
    counters = Counters()
    counters.count("bot", 20_000, 3)
    counters.drain()

    counters.count("bot", 20_001, 4)

    assert {"bot": 2} == counters.totals()


def test_no_count_is_lost_between_threads() -> None:
    """Counting in one thread and draining in another adds up."""
    counters, drained = Counters(), list[int]()

    def count() -> None:
        for _ in range(20_000):
            counters.count("bot", 1)

    counter = threading.Thread(target=count)
    counter.start()
    while counter.is_alive():
        drained.extend(counters.drain().values())
    drained.extend(counters.drain().values())

    assert 20_000 == sum(drained)
