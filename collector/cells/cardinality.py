"""Keep the number of values of a dimension bounded, whatever visitors send.

Knows how many values a site's day may hold and which are seen most; refuses to
know the store. Over the cap a new value is counted as "(other)" until it is
seen more often than the rarest one kept. Called by delivery for each batch,
once, before it is closed; state is recalled from the store at start.

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
"""Values of a dimension that a site's day takes as they come; at most twice as many in all."""

DEFAULT_CAP = 250
ALTERED_VISITS = 50_000
"""Visits in flight whose values were capped, and are remembered; the oldest are forgotten."""

# A path is decided once, where it is read; entering by it is no second sight of it.
_DECIDED_AS = {"entry_path": "path"}
_WIDTH = 4_096
_ROWS = 4
_MASK = 2**61 - 1


class CappedView(NamedTuple):
    """Hits of which some value became "(other)", for the count of reason `cap`."""

    site: int
    closes_at: int


class _Altered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a visit was counted whose own values were not."""

    visit: VisitValues
    exit_path: str


class _AlteredVisits:
    """The latest visits that were altered, packed: as objects they took a KiB each (2026-11)."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, int], dict[bytes, bytes]] = {}
        self._count = 0
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._decode = msgspec.msgpack.Decoder(_Altered).decode
        self._buffer = bytearray()

    def __len__(self) -> int:
        return self._count

    def get(self, hit: Hit) -> _Altered | None:
        """Give what is remembered of a hit's visit."""
        record = self._of.get((hit.site, hit.closes_at), {}).get(hit.pseudonym)
        return None if record is None else self._decode(record)

    def put(self, hit: Hit, altered: _Altered) -> None:
        """Remember it as the latest; of the site that has most, the oldest are forgotten."""
        self.drop(hit)
        # `encode` gives bytes that hold on to up to half as much again (msgspec 0.22).
        self._encode_into(altered, self._buffer)
        latest = self._of.setdefault((hit.site, hit.closes_at), {})
        latest[hit.pseudonym] = bytes(self._buffer)
        self._count += 1
        if self._count > ALTERED_VISITS:
            longest = max(self._of.values(), key=len)
            # Several at once: each look for the oldest passes over those that went before.
            for pseudonym in list(islice(longest, max(1, len(longest) // 64))):
                del longest[pseudonym]
                self._count -= 1

    def drop(self, hit: Hit) -> None:
        """Forget a hit's visit, if it is remembered."""
        of_site = self._of.get((hit.site, hit.closes_at), {})
        self._count -= of_site.pop(hit.pseudonym, None) is not None

    def forget(self, which: Callable[[int, int], bool]) -> None:
        """Forget all of some sites' days: those of which this is true of (site, closes_at)."""
        for key in [key for key in self._of if which(*key)]:
            self._count -= len(self._of.pop(key))


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


class TopValues:
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

    def restore(self, value: str, count: int) -> None:
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
        self._days: dict[int, dict[tuple[int, str], TopValues]] = {}
        self._altered = _AlteredVisits()
        self._turned: dict[CappedView, int] = {}

    def restore(self, rows: Iterable[tuple[int, int, str, str, int]]) -> None:
        """Take over the values that open days hold: (site, closes_at, dimension, value, count)."""
        for site, closes_at, dimension, value, count in rows:
            if value != OTHER:
                self._kept(site, closes_at, dimension).restore(value, count)

    def apply(self, hits: Iterable[Hit]) -> list[Hit]:
        """Replace values that are over their cap by "(other)"; each hit is to be given once.

        A visit's later hits repeat what its first was counted as, so that each
        −1 meets its +1.
        """
        return [self._capped(hit) for hit in hits]

    def take_capped(self) -> dict[CappedView, int]:
        """Give, and forget, how many hits had a value turned into "(other)"."""
        turned, self._turned = self._turned, {}
        return turned

    def forget(self, closes_at: int) -> None:
        """Forget a day, and all that closed before it."""
        for day in [day for day in self._days if day <= closes_at]:
            del self._days[day]
        self._altered.forget(lambda _, closed_at: closed_at <= closes_at)

    def forget_site(self, site: int) -> None:
        """Forget all of a site that was removed."""
        for day in self._days.values():
            for key in [key for key in day if key[0] == site]:
                del day[key]
        self._altered.forget(lambda of_site, _: of_site == site)

    def values(self, site: int, closes_at: int, dimension: str) -> int:
        """Count the values kept of a dimension."""
        return len(self._kept(site, closes_at, dimension))

    def _capped(self, hit: Hit) -> Hit:
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
        turned = CappedView(hit.site, hit.closes_at)
        self._turned[turned] = self._turned.get(turned, 0) + 1
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
        if name in _DECIDED_AS:
            return self._kept(hit.site, hit.closes_at, _DECIDED_AS[name]).repeats(value)
        return self._kept(hit.site, hit.closes_at, name).keeps(value)

    def _kept(self, site: int, closes_at: int, dimension: str) -> TopValues:
        day = self._days.setdefault(closes_at, {})
        kept = day.get((site, dimension))
        if kept is None:
            kept = day[site, dimension] = TopValues(self._cap_of(dimension))
        return kept
