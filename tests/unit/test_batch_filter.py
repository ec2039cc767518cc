"""What is done to every batch before it becomes cells: caps, and nothing of removed sites."""

from __future__ import annotations

from collector.cells.batch_filter import BatchFilter
from collector.cells.cardinality import Caps
from collector.counters import Counters
from collector.hit import OTHER, VisitValues
from tests.builders import FakeClock, a_hit

CLOSES_AT = a_hit().closes_at


class Sealed:
    """Tells until when days are sealed."""

    def __init__(self) -> None:
        self.until = 0

    def __call__(self) -> int:
        """Tell."""
        return self.until


def shaping(counters: Counters | None = None, sealed: Sealed | None = None) -> BatchFilter:
    """Make a shaping with caps of two values."""
    return BatchFilter(Caps(lambda _: 2), counters or Counters(), FakeClock(), sealed or Sealed())


def paths(shape: BatchFilter, *values: str, site: int = 1) -> list[str]:
    """Tell under which names pageviews of these paths are counted."""
    plain = VisitValues()
    return [
        hit.path
        for hit in shape(a_hit(path=p, exit_path="", visit=plain, site=site) for p in values)
    ]


def test_what_a_cap_turns_is_counted_by_site() -> None:
    """Each hit of which a value became "(other)" is in the counts under the reason cap."""
    counters = Counters()
    shape = shaping(counters)

    names = paths(shape, "/a", "/b", "/c", "/d", site=7)

    assert names == ["/a", "/b", OTHER, OTHER]
    assert {(reason, site): n for (_, reason, site), n in counters.drain().items()} == {
        ("cap", 7): 2
    }
    assert counters.drain() == {}


def test_caps_go_on_from_what_the_store_holds() -> None:
    """After a restart a value that the day has keeps its name, and a further one has no room."""
    shape = shaping()

    shape.restore([(1, CLOSES_AT, "path", "/a", 9), (1, CLOSES_AT, "path", "/b", 9)])

    assert paths(shape, "/c", "/a") == [OTHER, "/a"]


def test_a_sealed_day_is_forgotten() -> None:
    """What was sealed needs no memory."""
    sealed = Sealed()
    shape = shaping(sealed=sealed)
    paths(shape, "/a", "/b")

    sealed.until = CLOSES_AT

    assert paths(shape, "/c", "/d") == ["/c", "/d"]


def test_hits_of_a_removed_site_are_left_out() -> None:
    """What was spooled before its removal never becomes a cell, nor stays in memory."""
    shape = shaping()
    paths(shape, "/a", "/b", site=7)

    shape.gone = frozenset([7])
    during = paths(shape, "/a", site=7), paths(shape, "/a", site=8)
    shape.gone = frozenset()

    assert during == ([], ["/a"])
    assert paths(shape, "/c", site=7) == ["/c"]
