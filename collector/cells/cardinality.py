"""Cap the number of values of each dimension, per site and day, regardless of what is sent.

Above the cap a new value is counted as "(other)" until it has been seen more often than the rarest
value kept.

Source: docs/design/0008-cardinality.md.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

import msgspec
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
"""Values of a dimension that are kept as they come, per site and day; the maximum is twice that."""

DEFAULT_CAP = 250
ALTERED_VISITS = 50_000
"""How many visits with capped values are remembered; the oldest are forgotten first."""

# An entry page was counted as a path already and must not be counted twice.
_COUNTED_AS = {"entry_path": "path"}
_WIDTH = 4_096
_ROWS = 4
_MASK = 2**61 - 1


class SeenValue(NamedTuple):
    """A value of a dimension that an open day holds, and how often it was seen."""

    site: int
    closes_at: int
    dimension: str
    value: str
    times: int


class SiteDay(NamedTuple):
    """One site's day."""

    site: int
    closes_at: int


class _Altered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The values that a visit was counted under, where they differ from its own."""

    visit: VisitValues
    exit_path: str


class _AlteredVisits:
    """The latest altered visits, serialised: as objects they took 1 KiB each (2026-11)."""

    def __init__(self) -> None:
        self._of: dict[SiteDay, dict[bytes, bytes]] = {}
        self._count = 0
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._decode = msgspec.msgpack.Decoder(_Altered).decode
        self._buffer = bytearray()

    def __len__(self) -> int:
        return self._count

    def get(self, hit: Hit) -> _Altered | None:
        """Return what is remembered of a hit's visit."""
        record = self._of.get(SiteDay(hit.site, hit.closes_at), {}).get(hit.pseudonym)
        return None if record is None else self._decode(record)

    def put(self, hit: Hit, altered: _Altered) -> None:
        """Remember a visit as the latest; above the limit the largest site loses its oldest."""
        self.drop(hit)
        # `encode` returns bytes with up to 50 % of unused capacity (msgspec 0.22).
        self._encode_into(altered, self._buffer)
        latest = self._of.setdefault(SiteDay(hit.site, hit.closes_at), {})
        latest[hit.pseudonym] = bytes(self._buffer)
        self._count += 1
        if self._count > ALTERED_VISITS:
            longest = max(self._of.values(), key=len)
            # Several at once: finding the oldest key scans past the slots of deleted ones.
            for pseudonym in list(islice(longest, max(1, len(longest) // 64))):
                del longest[pseudonym]
                self._count -= 1

    def drop(self, hit: Hit) -> None:
        """Forget a hit's visit, if it is remembered."""
        of_site = self._of.get(SiteDay(hit.site, hit.closes_at), {})
        self._count -= of_site.pop(hit.pseudonym, None) is not None

    def forget(self, is_over: Callable[[SiteDay], bool]) -> None:
        """Forget all visits of the site days that the predicate selects."""
        for key in [key for key in self._of if is_over(key)]:
            self._count -= len(self._of.pop(key))


class CountMin:
    """A count-min sketch: how often values were seen, in constant space; never too low."""

    def __init__(self) -> None:
        self._counts = array("I", bytes(4 * _WIDTH * _ROWS))

    def add(self, value: str) -> int:
        """Count a value once more and return the estimate."""
        mixed = hash(value) & _MASK
        estimate = 2**32
        for row in range(_ROWS):
            place = row * _WIDTH + (mixed >> (row * 15)) % _WIDTH
            self._counts[place] += 1
            estimate = min(estimate, self._counts[place])
        return estimate


class TopValues:
    """The values of one dimension on one site's day."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._counts: dict[str, int] = {}
        self._rare: CountMin | None = None
        self._smallest = 0
        self._lookups = 0

    def __len__(self) -> int:
        """Count the values kept."""
        return len(self._counts)

    def restore(self, value: str, count: int) -> None:
        """Load a value that the store holds already."""
        self._counts[value] = count

    def keeps(self, value: str) -> bool:
        """Count a value once more and return whether it is kept."""
        seen = self._counts.get(value)
        if seen is not None:
            self._counts[value] = seen + 1
            return True
        if len(self._counts) < self._cap or self._passes(value):
            self._counts[value] = 1
            return True
        return False

    def repeats(self, value: str) -> bool:
        """Return whether a value that was counted before is kept, without counting it again."""
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
        return self._rare.add(value) > self._smallest_count()

    def _smallest_count(self) -> int:
        # The minimum grows slowly; a full scan for each new value would be too expensive.
        if self._lookups % self._cap == 0:
            self._smallest = min(self._counts.values())
        self._lookups += 1
        return self._smallest


class Caps:
    """Decides for each hit which of its values are kept.

    Args:
        cap_of: returns the cap of a dimension.
    """

    def __init__(
        self, cap_of: Callable[[str], int] = lambda name: CAPS.get(name, DEFAULT_CAP)
    ) -> None:
        self._cap_of = cap_of
        self._days: dict[int, dict[tuple[int, str], TopValues]] = {}
        self._altered = _AlteredVisits()
        self._capped_hits: dict[SiteDay, int] = {}

    def restore(self, values: Iterable[SeenValue]) -> None:
        """Load the values that open days hold."""
        for seen in values:
            if seen.value != OTHER:
                top = self._top_values(seen.site, seen.closes_at, seen.dimension)
                top.restore(seen.value, seen.times)

    def apply(self, hits: Iterable[Hit]) -> list[Hit]:
        """Replace values above their cap by "(other)"; pass each hit only once.

        Later hits of a visit use the values that its first hit was counted under, so that each −1
        cancels its +1.
        """
        return [self._cap(hit) for hit in hits]

    def take_capped(self) -> dict[SiteDay, int]:
        """Return how many hits had a value replaced since the last call."""
        capped, self._capped_hits = self._capped_hits, {}
        return capped

    def forget(self, closes_at: int) -> None:
        """Forget a day and all earlier ones."""
        for day in [day for day in self._days if day <= closes_at]:
            del self._days[day]
        self._altered.forget(lambda day: day.closes_at <= closes_at)

    def forget_site(self, site: int) -> None:
        """Forget all days of a removed site."""
        for day in self._days.values():
            for key in [key for key in day if key[0] == site]:
                del day[key]
        self._altered.forget(lambda day: day.site == site)

    def values(self, site: int, closes_at: int, dimension: str) -> int:
        """Count the values kept of a dimension."""
        return len(self._top_values(site, closes_at, dimension))

    def _cap(self, hit: Hit) -> Hit:
        if hit.visits > 0:
            self._altered.drop(hit)
        before = self._altered.get(hit)
        changes = self._hit_changes(hit)
        visit = before.visit if before else self._visit(hit)
        if before and hit.left_path and hit.left_path != before.exit_path:
            changes["left_path"] = before.exit_path
        if visit != hit.visit:
            changes["visit"] = visit
        if before or changes:
            self._remember(hit, before, visit, str(changes.get("exit_path", hit.exit_path)))
        if not changes:
            return hit
        day = SiteDay(hit.site, hit.closes_at)
        self._capped_hits[day] = self._capped_hits.get(day, 0) + 1
        return replace(hit, **changes)

    def _remember(
        self, hit: Hit, before: _Altered | None, visit: VisitValues, exit_path: str
    ) -> None:
        last = exit_path or (before.exit_path if before else "")
        if visit == hit.visit and exit_path == hit.exit_path != "":
            self._altered.drop(hit)
        else:
            self._altered.put(hit, _Altered(visit, last))

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
        if name in _COUNTED_AS:
            return self._top_values(hit.site, hit.closes_at, _COUNTED_AS[name]).repeats(value)
        return self._top_values(hit.site, hit.closes_at, name).keeps(value)

    def _top_values(self, site: int, closes_at: int, dimension: str) -> TopValues:
        day = self._days.setdefault(closes_at, {})
        values = day.get((site, dimension))
        if values is None:
            values = day[site, dimension] = TopValues(self._cap_of(dimension))
        return values
