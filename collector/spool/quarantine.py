"""Make a hit that the store rejects harmless, without unbalancing its visit.

Pure. A later hit of the same visit may take back what this one added (a
bounce, an exit page), under the same values; so what is replaced by "(other)"
must be what is at fault and no more. Nobody says which value that is:
delivery tries the states in turn, the smallest changes first. Called by
delivery; the journal keeps the state with the batch.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from msgspec.structs import replace

from collector.hit import HIT_VALUES, OTHER, VISIT_VALUES, Hit, VisitValues

WHOLE = "closed"

_PARTS = "helv"
_STATES = (
    WHOLE,
    *("".join(taken) for size in range(1, 5) for taken in combinations(_PARTS, size)),
)


def next_state(state: str) -> str:
    """Tell what to try after a state was rejected; empty if nothing is left to try."""
    return dict(zip(_STATES, (*_STATES[1:], ""), strict=True))[state]


def without(hit: Hit, state: str) -> Hit:
    """Replace by "(other)" what a state names: the (h)it's, (e)xit, (l)eft and (v)isit values.

    Values that are empty keep no cell and stay so; sums are never changed.
    """
    if state == WHOLE:
        return hit
    changes: dict[str, Any] = {}
    if "h" in state:
        changes |= {name: _other(getattr(hit, name)) for name in (*HIT_VALUES, "currency")}
        changes |= {name: (OTHER,) * len(getattr(hit, name)) for name in ("properties", "goals")}
    if "e" in state:
        changes["exit_path"] = _other(hit.exit_path)
    if "l" in state:
        changes["left_path"] = _other(hit.left_path)
    if "v" in state:
        kept = {name: _other(getattr(hit.visit, name)) for name in VISIT_VALUES}
        changes["visit"] = VisitValues(**kept)
    return replace(hit, **changes)


def _other(value: str) -> str:
    return OTHER if value else ""
