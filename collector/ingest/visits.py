"""Track visits in memory, and compute what each hit changes about its visit.

Only the last 30 minutes are held: each visit's values, last page and scroll depths. Nothing
is written to disk, and no two days are linked: a visit ends at its site's midnight. A hit
that could not be kept is reverted with `undo`; a process that stops cleanly passes its
visits to the next one with `dump` and `load`.

A visit is kept packed, as the bytes of one MessagePack array: a third of the memory that
objects take, and a size that can be counted, so that memory is bounded whatever is sent.
A record is replaced and never changed, so undoing means putting the old record back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final

import msgspec

from collector.hit import ENGAGEMENT, EVENT, PAGEVIEW, Kind, VisitValues

VISIT_GAP_S: Final = 30 * 60
NOW_S: Final = 5 * 60
MAX_BYTES: Final = 24 << 20
MAX_PAGES: Final = 8
_SWEEP_EVERY_S: Final = 60
_UNSEEN: Final = -1
# The record's and the pseudonym's object headers, and the dict's share (2026-11).
_AROUND: Final = 160

Pages = tuple[tuple[str, int], ...]


class VisitInput(msgspec.Struct, frozen=True, gc=False):
    """What a visit needs of a hit.

    Attributes:
        site: the site's number.
        closes_at: when the hit's site-local day ends, in seconds since 1970.
        pseudonym: the visitor's, 16 bytes; differs each day.
        now: when it was received, in seconds since 1970.
        values: tells what the visit's values are; asked only of a hit that opens one.
        interactive: whether an event ends a bounce.
        scroll: the depth of the page reached, 0 to 100; None if not said.
    """

    site: int
    closes_at: int
    pseudonym: bytes
    now: int
    kind: Kind
    path: str
    values: Callable[[], VisitValues]
    interactive: bool = True
    scroll: int | None = None


class Visit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A visit under way, unpacked.

    Attributes:
        last: when its last hit came, in seconds since 1970.
        began: when its first hit came, in seconds since 1970.
        bounces: whether it still counts as a bounce.
        pages: the last pages viewed, each with the depth reached; -1 before the
            first report of engagement. The last of them is the visit's exit page.
        values: the visit-dimension values of its first hit.
    """

    last: int
    began: int
    bounces: bool
    pages: Pages
    values: VisitValues


class _LastHit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The head of a `Visit`: what sweeping reads of it."""

    last: int


_Dumped = dict[int, dict[bytes, bytes]]
_unpacked = msgspec.msgpack.Decoder(Visit).decode
_head = msgspec.msgpack.Decoder(_LastHit).decode


class VisitDelta(msgspec.Struct, frozen=True, gc=False):
    """The change that a hit makes to its visit's cells.

    Attributes:
        values: the values that all cells of the hit are kept under.
        visits: 1 for the first hit of a visit.
        bounces: 1 for the first hit, -1 for the one that ends the bounce.
        bounced_at: where `bounces` is -1, when the bounce was counted; else 0.
        seconds: since the visit's last hit.
        exit_path: the page that is now the visit's last; empty if that did not change.
        left_path: the page that was; empty if none or unchanged.
        engaged_pageviews: 1 for the first report of engagement of a page viewed.
        scroll: by how many percent the depth reached on the page grew.
        before: the visit's packed record before; None if the hit opened it.
        after: the record it was replaced by; None if the hit belongs to no visit.
    """

    values: VisitValues
    site: int
    pseudonym: bytes
    before: bytes | None
    after: bytes | None
    visits: int = 0
    bounces: int = 0
    bounced_at: int = 0
    seconds: int = 0
    exit_path: str = ""
    left_path: str = ""
    engaged_pageviews: int = 0
    scroll: int = 0


class _SiteVisits:
    """The visits of one site and day, the longest untouched first.

    Attributes:
        visits: packed records by pseudonym.
        touched: when a record moved to the end of the line, in seconds since 1970;
            kept of those alone whose last hit was taken back, so that it is not when they say.
        weight: bytes of memory, about.
    """

    __slots__ = ("closes_at", "touched", "visits", "weight")

    def __init__(self, closes_at: int, visits: dict[bytes, bytes]) -> None:
        self.closes_at = closes_at
        self.visits = visits
        self.touched: dict[bytes, int] = {}
        self.weight = sum(map(len, visits.values())) + _AROUND * len(visits)

    def last_touched(self, pseudonym: bytes, record: bytes) -> int:
        """Return when a record was moved to the end of the queue."""
        return self.touched.get(pseudonym) or _head(record).last


class Visits:
    """All visits under way on this collector.

    Attributes:
        weight: bytes of memory that the visits take, about.
        ended_early: how many visits ended early, for want of room, since the start.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Begin with none.

        Args:
            max_bytes: bound of `weight`; above it the longest untouched visits of
                the site whose visits take most end early.
        """
        self.weight = 0
        self.ended_early = 0
        self._max = max_bytes
        self._sites: dict[int, _SiteVisits] = {}
        self._swept_at = 0
        self._packed = _packer()

    def __len__(self) -> int:
        """Count the visits under way."""
        return sum(len(line.visits) for line in self._sites.values())

    def record(self, arrival: VisitInput) -> VisitDelta:
        """Record a hit in its visit, or open a visit; return the change.

        A gap of 30 minutes or the end of the site's day ends a visit.
        Engagement never opens one: without a visit it brings no visit values
        that it cannot know, and no depth.
        """
        now = arrival.now
        if now - self._swept_at >= _SWEEP_EVERY_S or now < self._swept_at:
            self.sweep(now)
        line, pseudonym = self._sites.get(arrival.site), arrival.pseudonym
        if line is None or line.closes_at != arrival.closes_at:
            line = self._begun(arrival)
        record = line.visits.get(pseudonym)
        if record is None:
            return self._open(arrival, line)
        visit = _unpacked(record)
        if now - visit.last >= VISIT_GAP_S:
            self._forget(line, pseudonym)
            return self._open(arrival, line)
        step = _next(arrival, record, visit, self._packed)
        assert step.after is not None  # noqa: S101
        del line.visits[pseudonym]
        if line.touched:
            line.touched.pop(pseudonym, None)
        self._put_last(line, pseudonym, step.after, len(step.after) - len(record))
        return step

    def undo(self, step: VisitDelta) -> None:
        """Undo a change, newest first; doing it twice is harmless."""
        line = self._sites.get(step.site)
        if step.after is None or line is None or line.visits.get(step.pseudonym) is not step.after:
            return
        if step.before is None:
            self._forget(line, step.pseudonym)
            return
        # It stays at the end of the line, where the step put it.
        line.touched.setdefault(step.pseudonym, _head(step.after).last)
        self._put_last(line, step.pseudonym, step.before, len(step.before) - len(step.after))

    def now_visitors(self, site_id: int, now: float) -> int:
        """Count a site's visits that had a hit in the last five minutes."""
        line = self._sites.get(site_id)
        return _recent(line, now - NOW_S) if line is not None else 0

    def forget_site(self, site_id: int) -> None:
        """Forget the visits of a site that was removed."""
        line = self._sites.pop(site_id, None)
        if line is not None:
            self.weight -= line.weight

    def sweep(self, now: float) -> None:
        """Forget the visits that have ended by now."""
        self._swept_at = int(now)
        for site, line in list(self._sites.items()):
            if line.closes_at + VISIT_GAP_S <= now:
                self.forget_site(site)
            else:
                for pseudonym in _ended(line, now - VISIT_GAP_S):
                    self._forget(line, pseudonym)

    def dump(self, now: float) -> dict[int, bytes]:
        """Write down the visits that may still go on, for the next process.

        Returns:
            By `closes_at`; holds pseudonyms, so it is kept encrypted only.
        """
        self.sweep(now)
        days: dict[int, _Dumped] = {}
        for site, line in self._sites.items():
            if line.visits and line.closes_at > now:
                days.setdefault(line.closes_at, {})[site] = line.visits
        return {closes_at: msgspec.msgpack.encode(sites) for closes_at, sites in days.items()}

    def load(self, days: Mapping[int, bytes], now: float) -> None:
        """Load the visits that the last process dumped; call it before any hit arrives.

        What cannot be read, as another version wrote it, is left out: those
        visits split, as they do after a crash.
        """
        for closes_at, body in days.items():
            if closes_at <= now:
                continue
            with suppress(msgspec.MsgspecError):
                for site, visits in msgspec.msgpack.decode(body, type=_Dumped).items():
                    in_line = sorted(visits.items(), key=lambda item: _unpacked(item[1]).last)
                    line = self._sites[site] = _SiteVisits(closes_at, dict(in_line))
                    self.weight += line.weight
        self.sweep(now)

    def _begun(self, arrival: VisitInput) -> _SiteVisits:
        self.forget_site(arrival.site)
        line = self._sites[arrival.site] = _SiteVisits(arrival.closes_at, {})
        return line

    def _open(self, arrival: VisitInput, line: _SiteVisits) -> VisitDelta:
        values, pseudonym = arrival.values(), arrival.pseudonym
        if arrival.kind is ENGAGEMENT:
            return VisitDelta(_without_origin(values), arrival.site, pseudonym, None, None)
        viewed = arrival.kind is PAGEVIEW
        now, path = arrival.now, arrival.path
        # By position: a record with keywords costs three times as much (2026-11).
        visit = Visit(now, now, True, ((path, _UNSEEN),) if viewed else (), values)
        record = self._packed(visit)
        self._put_last(line, pseudonym, record, len(record) + _AROUND)
        exit_path = path if viewed else ""
        return VisitDelta(values, arrival.site, pseudonym, None, record, 1, 1, 0, 0, exit_path)

    def _put_last(self, line: _SiteVisits, pseudonym: bytes, record: bytes, grown: int) -> None:
        line.visits[pseudonym] = record
        line.weight += grown
        self.weight += grown
        if self.weight > self._max:
            self._make_room()

    def _forget(self, line: _SiteVisits, pseudonym: bytes) -> None:
        weight = len(line.visits.pop(pseudonym)) + _AROUND
        line.touched.pop(pseudonym, None)
        line.weight -= weight
        self.weight -= weight

    def _make_room(self) -> None:
        # A flood on one site pushes out that site's visits, not its neighbours'.
        line = max(self._sites.values(), key=lambda of_site: of_site.weight)
        room = max(1, len(line.visits) // 64)
        for pseudonym in list(islice(line.visits, room)):
            self._forget(line, pseudonym)
        self.ended_early += room


def _packer() -> Callable[[Visit], bytes]:
    """Make a function that packs visits in a buffer of its own; for one thread at a time."""
    # `encode` gives bytes that hold on to up to half as much again (msgspec 0.22).
    encode_into, buffer = msgspec.msgpack.Encoder().encode_into, bytearray()

    def packed(visit: Visit) -> bytes:
        encode_into(visit, buffer)
        return bytes(buffer)

    return packed


def _ended(line: _SiteVisits, horizon: float) -> list[bytes]:
    ended = []
    for pseudonym, record in line.visits.items():
        if line.last_touched(pseudonym, record) > horizon:
            break
        ended.append(pseudonym)
    return ended


def _recent(line: _SiteVisits, horizon: float) -> int:
    recent = 0
    for pseudonym, record in reversed(line.visits.items()):
        if line.last_touched(pseudonym, record) < horizon:
            break
        recent += _head(record).last >= horizon
    return recent


def _next(
    arrival: VisitInput, record: bytes, before: Visit, packed: Callable[[Visit], bytes]
) -> VisitDelta:
    viewed = arrival.kind is PAGEVIEW
    pages, engaged_pageviews, scroll = before.pages, 0, 0
    exit_path = left_path = ""
    if viewed:
        left_path = pages[-1][0] if pages else ""
        exit_path = arrival.path
        if exit_path == left_path:
            exit_path = left_path = ""
        pages = _viewed(pages, arrival.path)
    elif arrival.kind is ENGAGEMENT:
        pages, engaged_pageviews, scroll = _engaged(pages, arrival)
    last = max(arrival.now, before.last)
    stays = viewed or (arrival.kind is EVENT and arrival.interactive)
    ends_bounce = before.bounces and stays
    return VisitDelta(
        before.values,
        arrival.site,
        arrival.pseudonym,
        record,
        packed(Visit(last, before.began, before.bounces and not stays, pages, before.values)),
        0,
        -1 if ends_bounce else 0,
        before.began if ends_bounce else 0,
        last - before.last,
        exit_path,
        left_path,
        engaged_pageviews,
        scroll,
    )


def _viewed(pages: Pages, path: str) -> Pages:
    """Put a page last in the line, its depth yet unseen: each pageview is read anew."""
    others = [page for page in pages if page[0] != path]
    return (*others[-(MAX_PAGES - 1) :], (path, _UNSEEN))


def _engaged(pages: Pages, arrival: VisitInput) -> tuple[Pages, int, int]:
    """Note a page's depth; a page long left or never viewed gains none."""
    for place, (path, depth) in enumerate(pages):
        if path == arrival.path:
            reached = max(depth, arrival.scroll or 0)
            grown = reached - max(depth, 0)
            changed = (*pages[:place], (path, reached), *pages[place + 1 :])
            return changed, int(depth == _UNSEEN), grown
    return pages, 0, 0


def _without_origin(values: VisitValues) -> VisitValues:
    """Blank what only a visit's first hit can know: where it entered and came from."""
    return msgspec.structs.replace(
        values,
        entry_path="",
        referrer="",
        source="",
        channel="",
        utm_source="",
        utm_medium="",
        utm_campaign="",
        utm_term="",
        utm_content="",
    )
