"""Keep the number of values of a dimension bounded, whatever visitors send.

Knows how many values a site's day may hold and which are seen most; refuses to
know the store. Over the cap a new value is counted as "(other)" until it is
seen more often than the rarest one kept. Called by delivery for each batch,
once, before it is closed; state is recalled from the store at start.

Source: docs/design/0008-cardinality.md.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from collector.hit import HIT_VALUES, OTHER, VISIT_VALUES, Hit, VisitValues

CAPS: dict[str, int] = {
    "path": 5_000,
    "referrer": 5_000,
    "property": 5_000,
    "city": 5_000,
    "region": 2_500,
    "search_query": 2_500,
    "source": 1_000,
    "utm_source": 1_000,
    "utm_medium": 1_000,
    "utm_campaign": 1_000,
    "utm_term": 1_000,
    "utm_content": 1_000,
    "event": 500,
}
"""Values of a dimension that a site's day takes as they come; at most twice as many in all."""

DEFAULT_CAP = 250
ALTERED_VISITS = 50_000
"""Visits in flight whose values were capped, and are remembered; the oldest are forgotten."""

# A path is decided once, where it is read; entering by it is no second sight of it.
_DECIDED_AS = {"entry_path": "path"}
_WIDTH = 4_096
_ROWS = 4
_MASK = 2**61 - 1


class Turned(NamedTuple):
    """Hits of which some value became "(other)", for the count of reason `cap`."""

    site: int
    closes_at: int


Visitor = tuple[int, int, bytes]


class _Altered(NamedTuple):
    """How a visit was counted whose own values were not."""

    visit: VisitValues
    exit_path: str


class CountMin:
    """Estimate how often values were seen, in constant space; never too low."""

    def __init__(self) -> None:
        self._counts = array("I", bytes(4 * _WIDTH * _ROWS))

    def add(self, value: str) -> int:
        """Count a value once more and estimate how often it was seen."""
        mixed = hash(value) & _MASK
        estimate = 2**32
        for row in range(_ROWS):
            place = row * _WIDTH + (mixed >> (row * 15)) % _WIDTH
            self._counts[place] += 1
            estimate = min(estimate, self._counts[place])
        return estimate


class Kept:
    """The values of one dimension on one site's day."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._counts: dict[str, int] = {}
        self._rare: CountMin | None = None
        self._least = 0
        self._looked_at = 0

    def __len__(self) -> int:
        """Count the values kept."""
        return len(self._counts)

    def recall(self, value: str, count: int) -> None:
        """Take over a value that the store holds already."""
        self._counts[value] = count

    def keeps(self, value: str) -> bool:
        """Count a value once more and tell whether it is kept under its name."""
        seen = self._counts.get(value)
        if seen is not None:
            self._counts[value] = seen + 1
            return True
        if len(self._counts) < self._cap or self._passes(value):
            self._counts[value] = 1
            return True
        return False

    def repeats(self, value: str) -> bool:
        """Tell, without counting, whether a value that was decided before is kept."""
        if value in self._counts:
            return True
        if len(self._counts) < self._cap:
            self._counts[value] = 1
            return True
        return False

    def _passes(self, value: str) -> bool:
        if len(self._counts) >= 2 * self._cap:
            return False
        self._rare = self._rare or CountMin()
        return self._rare.add(value) > self._smallest()

    def _smallest(self) -> int:
        # The minimum only grows slowly; looking at all values for each new one would be dear.
        if self._looked_at % self._cap == 0:
            self._least = min(self._counts.values())
        self._looked_at += 1
        return self._least


class Caps:
    """Decides for each hit which of its values keep their names.

    Args:
        cap_of: the cap of a dimension.
    """

    def __init__(
        self, cap_of: Callable[[str], int] = lambda name: CAPS.get(name, DEFAULT_CAP)
    ) -> None:
        self._cap_of = cap_of
        self._days: dict[int, dict[tuple[int, str], Kept]] = {}
        self._altered: OrderedDict[Visitor, _Altered] = OrderedDict()
        self._turned: dict[Turned, int] = {}

    def recall(self, rows: Iterable[tuple[int, int, str, str, int]]) -> None:
        """Take over the values that open days hold: (site, closes_at, dimension, value, count)."""
        for site, closes_at, dimension, value, count in rows:
            if value != OTHER:
                self._kept(site, closes_at, dimension).recall(value, count)

    def apply(self, hits: Iterable[Hit]) -> list[Hit]:
        """Replace values that are over their cap by "(other)"; each hit is to be given once.

        A visit's later hits repeat what its first was counted as, so that each
        −1 meets its +1.
        """
        return [self._capped(hit) for hit in hits]

    def take_turned(self) -> dict[Turned, int]:
        """Give, and forget, how many hits had a value turned into "(other)"."""
        turned, self._turned = self._turned, {}
        return turned

    def forget(self, closes_at: int) -> None:
        """Forget a day, and all that closed before it."""
        for day in [day for day in self._days if day <= closes_at]:
            del self._days[day]
        for visit in [visit for visit in self._altered if visit[1] <= closes_at]:
            del self._altered[visit]

    def forget_site(self, site: int) -> None:
        """Forget all of a site that was removed."""
        for day in self._days.values():
            for key in [key for key in day if key[0] == site]:
                del day[key]
        for visit in [visit for visit in self._altered if visit[0] == site]:
            del self._altered[visit]

    def values(self, site: int, closes_at: int, dimension: str) -> int:
        """Count the values kept of a dimension."""
        return len(self._kept(site, closes_at, dimension))

    def _capped(self, hit: Hit) -> Hit:
        visitor = (hit.site, hit.closes_at, hit.pseudonym)
        if hit.visits > 0:
            self._altered.pop(visitor, None)
        before = self._altered.get(visitor)
        changes = self._hit_changes(hit)
        visit = before.visit if before else self._visit(hit)
        if before and hit.left_path and hit.left_path != before.exit_path:
            changes["left_path"] = before.exit_path
        if visit != hit.visit:
            changes["visit"] = visit
        if before or changes:
            self._remember(visitor, hit, visit, str(changes.get("exit_path", hit.exit_path)))
        if not changes:
            return hit
        turned = Turned(hit.site, hit.closes_at)
        self._turned[turned] = self._turned.get(turned, 0) + 1
        return replace(hit, **changes)

    def _remember(self, visitor: Visitor, hit: Hit, visit: VisitValues, exit_path: str) -> None:
        before = self._altered.pop(visitor, None)
        last = exit_path or (before.exit_path if before else "")
        if visit == hit.visit and exit_path == hit.exit_path != "":
            return
        self._altered[visitor] = _Altered(visit, last)
        if len(self._altered) > ALTERED_VISITS:
            self._altered.popitem(last=False)

    def _hit_changes(self, hit: Hit) -> dict[str, object]:
        changes: dict[str, object] = {}
        for name in HIT_VALUES:
            value = getattr(hit, name)
            if value and not self._keeps(hit, name, value):
                changes[name] = OTHER
        if "path" in changes and hit.exit_path == hit.path:
            changes["exit_path"] = OTHER
        if hit.properties:
            properties = tuple(self._property(hit, one) for one in hit.properties)
            if properties != hit.properties:
                changes["properties"] = properties
        return changes

    def _property(self, hit: Hit, text: str) -> str:
        name = text.partition("=")[0]
        if self._keeps(hit, "property", text):
            return text
        known = self._keeps(hit, "property_name", name)
        return f"{name}={OTHER}" if known else OTHER

    def _visit(self, hit: Hit) -> VisitValues:
        changes: dict[str, str] = {}
        for name in VISIT_VALUES:
            value = getattr(hit.visit, name)
            if value and not self._keeps(hit, name, value):
                changes[name] = OTHER
        return replace(hit.visit, **changes) if changes else hit.visit

    def _keeps(self, hit: Hit, name: str, value: str) -> bool:
        if value == OTHER:
            return True
        if name in _DECIDED_AS:
            return self._kept(hit.site, hit.closes_at, _DECIDED_AS[name]).repeats(value)
        return self._kept(hit.site, hit.closes_at, name).keeps(value)

    def _kept(self, site: int, closes_at: int, dimension: str) -> Kept:
        day = self._days.setdefault(closes_at, {})
        kept = day.get((site, dimension))
        if kept is None:
            kept = day[site, dimension] = Kept(self._cap_of(dimension))
        return kept
