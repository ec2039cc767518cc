"""Batches are filtered before they are sent: values are capped, removed sites are dropped."""

from __future__ import annotations

from typing import Any

from collector.cells.batch_filter import BatchFilter
from collector.cells.cardinality import Caps, SeenValue
from collector.cells.sealing import Sealer
from collector.counters import Counters
from collector.hit import OTHER, VisitValues
from collector.registry.sites import Sites
from tests.builders import FakeClock, a_hit

CLOSES_AT = a_hit().closes_at


def a_sealer() -> Sealer:
    """Build a sealer without a store, spool or secrets, which these tests do not use."""
    nothing: Any = None
    return Sealer(nothing, nothing, nothing, lambda: Sites([]), FakeClock())


def a_filter(counters: Counters | None = None, sealer: Sealer | None = None) -> BatchFilter:
    """Build a filter with caps of two values."""
    return BatchFilter(Caps(lambda _: 2), counters or Counters(), FakeClock(), sealer or a_sealer())


def counted_as(batch_filter: BatchFilter, *paths: str, site: int = 1) -> list[str]:
    """Return the paths that pageviews of these paths are counted under."""
    plain = VisitValues()
    hits = (a_hit(path=path, exit_path="", visit=plain, site=site) for path in paths)
    return [hit.path for hit in batch_filter(hits)]


def test_capped_hits_are_counted_by_site() -> None:
    """Each hit that had a value replaced by "(other)" is counted under the reason cap."""
    counters = Counters()
    batch_filter = a_filter(counters)

    names = counted_as(batch_filter, "/a", "/b", "/c", "/d", site=7)

    assert names == ["/a", "/b", OTHER, OTHER]
    assert {(reason, site): n for (_, reason, site), n in counters.drain().items()} == {
        ("cap", 7): 2
    }
    assert counters.drain() == {}


def test_caps_continue_from_the_values_of_the_store() -> None:
    """After a restart the values of the open day are kept, and a further one has no room."""
    batch_filter = a_filter()

    batch_filter.restore(SeenValue(1, CLOSES_AT, "path", path, 9) for path in ("/a", "/b"))

    assert counted_as(batch_filter, "/c", "/a") == [OTHER, "/a"]


def test_a_sealed_day_is_forgotten() -> None:
    """The values of a sealed day are dropped from memory."""
    sealer = a_sealer()
    batch_filter = a_filter(sealer=sealer)
    counted_as(batch_filter, "/a", "/b")

    sealer.sealed_until = CLOSES_AT

    assert counted_as(batch_filter, "/c", "/d") == ["/c", "/d"]


def test_hits_of_a_removed_site_are_dropped() -> None:
    """Spooled hits of a removed site become no cells, and their values are not kept in memory."""
    batch_filter = a_filter()
    counted_as(batch_filter, "/a", "/b", site=7)

    batch_filter.removed_sites = frozenset([7])
    during = counted_as(batch_filter, "/a", site=7), counted_as(batch_filter, "/a", site=8)
    batch_filter.removed_sites = frozenset()

    assert during == ([], ["/a"])
    assert counted_as(batch_filter, "/c", site=7) == ["/c"]
