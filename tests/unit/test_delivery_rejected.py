"""Making a rejected hit harmless without unbalancing its visit."""

from __future__ import annotations

from collector.hit import OTHER, SUMS
from collector.spool.quarantine import WHOLE, next_state, without
from tests.builders import a_hit

HIT = a_hit(
    path="/p",
    event="buy",
    properties=("plan=pro", "colour=red"),
    goals=("Buyers",),
    currency="EUR",
    exit_path="/p",
    left_path="/before",
    revenue=5,
)


def states() -> list[str]:
    """List all states in the order they are tried."""
    found, state = [], next_state(WHOLE)
    while state:
        found.append(state)
        state = next_state(state)
    return found


def test_every_combination_is_tried_once_and_small_ones_first() -> None:
    """Fifteen states, from one part to all four."""
    tried = states()

    assert 15 == len(set(tried)) == len(tried)
    assert sorted(map(len, tried)) == [len(state) for state in tried]
    assert "helv" == tried[-1]


def test_a_whole_hit_is_left_alone() -> None:
    """Nothing is replaced in a batch that was never rejected."""
    assert HIT is without(HIT, WHOLE)


def test_only_the_named_part_is_replaced() -> None:
    """What is not at fault keeps its value, so that later deltas meet it."""
    changed = without(HIT, "h")

    assert (OTHER, OTHER, OTHER) == (changed.path, changed.event, changed.currency)
    assert ((OTHER, OTHER), (OTHER,)) == (changed.properties, changed.goals)
    assert (HIT.exit_path, HIT.left_path) == (changed.exit_path, changed.left_path)
    assert HIT.visit == changed.visit


def test_exit_and_left_pages_are_replaced_apart() -> None:
    """A page that was entered and one that was left need not both be at fault."""
    assert (OTHER, "/before") == (without(HIT, "e").exit_path, without(HIT, "e").left_path)
    assert ("/p", OTHER) == (without(HIT, "l").exit_path, without(HIT, "l").left_path)


def test_what_keeps_no_cell_gains_none() -> None:
    """Empty values stay empty, whatever is replaced."""
    changed = without(HIT, "helv")

    assert "" == changed.search_query == changed.visit.city
    assert OTHER == changed.visit.country


def test_sums_are_never_changed() -> None:
    """The hit is counted in full, whatever its values become."""
    for state in states():
        changed = without(HIT, state)

        assert [getattr(HIT, name) for name in SUMS] == [getattr(changed, name) for name in SUMS]
        assert (HIT.pseudonym, HIT.counts_visitor) == (changed.pseudonym, changed.counts_visitor)
