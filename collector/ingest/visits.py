"""Follow visits in memory, and say what each hit changes about its visit.

Knows the visits of the last 30 minutes: each one's values, last page and
depths of scroll. Refuses to write anything down, and to link two days: a
visit ends at its site's midnight. Called by `ingest.assemble` for each hit; a
hit that could not be kept is taken back with `undo`. `app` hands the visits of
a process that ends well to the next one: `dump`, `load`.

A visit's record is replaced and never changed, but for its place in the line, so
that taking a step back is putting the old record back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from collector.hit import Kind, VisitValues

VISIT_GAP_S: Final = 30 * 60
NOW_S: Final = 5 * 60
MAX_VISITS: Final = 200_000
MAX_PAGES: Final = 8
_SWEEP_EVERY_S: Final = 60
_UNSEEN: Final = -1

Pages = tuple[tuple[str, int], ...]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """What a hit says to its visit.

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


class Visit(msgspec.Struct, gc=False, eq=False):
    """A visit under way.

    Attributes:
        values: the visit-dimension values of its first hit.
        exit_path: the last page viewed; empty before the first.
        began: when its first hit came, in seconds since 1970.
        last: when its last hit came, in seconds since 1970.
        touched: when the record last moved to the end of the line; not undone.
        bounces: whether it still counts as a bounce.
        pages: the last pages viewed, each with the depth reached; -1 before the
            first report of engagement.
    """

    values: VisitValues
    exit_path: str
    began: int
    last: int
    touched: int
    bounces: bool
    pages: Pages


_Dumped = dict[int, dict[bytes, Visit]]


class VisitStep(msgspec.Struct, frozen=True, gc=False):
    """What a hit changes.

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
        before: the visit's record before; None if the hit opened it.
        after: the record it was replaced by; None if the hit belongs to no visit.
    """

    values: VisitValues
    site: int
    pseudonym: bytes
    before: Visit | None
    after: Visit | None
    visits: int = 0
    bounces: int = 0
    bounced_at: int = 0
    seconds: int = 0
    exit_path: str = ""
    left_path: str = ""
    engaged_pageviews: int = 0
    scroll: int = 0


class _SiteVisits:
    """The visits of one site and day, the longest untouched first."""

    __slots__ = ("closes_at", "visits")

    def __init__(self, closes_at: int) -> None:
        self.closes_at = closes_at
        self.visits: dict[bytes, Visit] = {}


class Visits:
    """All visits under way on this collector."""

    def __init__(self, max_visits: int = MAX_VISITS) -> None:
        """Begin with none.

        Args:
            max_visits: above it the longest untouched visits of the site that
                has most end early.
        """
        self._max = max_visits
        self._sites: dict[int, _SiteVisits] = {}
        self._count = 0
        self._swept_at = 0

    def __len__(self) -> int:
        """Count the visits under way."""
        return self._count

    def advance(self, arrival: Arrival) -> VisitStep:
        """Let a hit take its visit a step further, or open one.

        A gap of 30 minutes or the end of the site's day ends a visit.
        Engagement never opens one: without a visit it brings no visit values
        that it cannot know, and no depth.
        """
        now = arrival.now
        if now - self._swept_at >= _SWEEP_EVERY_S or now < self._swept_at:
            self.sweep(now)
        line = self._line(arrival)
        before = line.pop(arrival.pseudonym, None)
        if before is not None and now - before.last >= VISIT_GAP_S:
            self._count -= 1
            before = None
        if before is None:
            return self._open(arrival, line)
        step = _next(arrival, before)
        assert step.after is not None  # noqa: S101
        line[arrival.pseudonym] = step.after
        return step

    def undo(self, step: VisitStep) -> None:
        """Take a step back, the last one first; harmless when done twice."""
        line = self._sites.get(step.site)
        if step.after is None or line is None or line.visits.get(step.pseudonym) is not step.after:
            return
        if step.before is not None:
            # It stays at the end of the line, where the step put it.
            step.before.touched = step.after.touched
            line.visits[step.pseudonym] = step.before
            return
        del line.visits[step.pseudonym]
        self._count -= 1

    def now_visitors(self, site_id: int, now: float) -> int:
        """Count a site's visits that had a hit in the last five minutes."""
        line = self._sites.get(site_id)
        return sum(1 for _ in _recent(line.visits, now - NOW_S)) if line is not None else 0

    def forget_site(self, site_id: int) -> None:
        """Forget the visits of a site that was removed."""
        line = self._sites.pop(site_id, None)
        if line is not None:
            self._count -= len(line.visits)

    def sweep(self, now: float) -> None:
        """Forget the visits that have ended by now."""
        self._swept_at = int(now)
        for site, line in list(self._sites.items()):
            if line.closes_at + VISIT_GAP_S <= now:
                self._count -= len(line.visits)
                del self._sites[site]
            else:
                for pseudonym in _ended(line.visits, now - VISIT_GAP_S):
                    del line.visits[pseudonym]
                    self._count -= 1

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
        """Take visits that the last process dumped; call it before any hit arrives.

        What cannot be read, as another version wrote it, is left out: those
        visits split, as they do after a crash.
        """
        for closes_at, body in days.items():
            if closes_at <= now:
                continue
            with suppress(msgspec.MsgspecError):
                for site, visits in msgspec.msgpack.decode(body, type=_Dumped).items():
                    line = self._sites[site] = _SiteVisits(closes_at)
                    line.visits = visits
                    self._count += len(visits)
        self.sweep(now)

    def _line(self, arrival: Arrival) -> dict[bytes, Visit]:
        line = self._sites.get(arrival.site)
        if line is None or line.closes_at != arrival.closes_at:
            if line is not None:
                self._count -= len(line.visits)
            line = self._sites[arrival.site] = _SiteVisits(arrival.closes_at)
        return line.visits

    def _open(self, arrival: Arrival, line: dict[bytes, Visit]) -> VisitStep:
        if arrival.kind is Kind.ENGAGEMENT:
            values = _without_origin(arrival.values())
            return VisitStep(values, arrival.site, arrival.pseudonym, None, None)
        if self._count >= self._max:
            self._make_room()
        viewed = arrival.kind is Kind.PAGEVIEW
        values = arrival.values()
        now, path = arrival.now, arrival.path
        pages = ((path, _UNSEEN),) if viewed else ()
        # By position: a visit with keywords costs three times as much (2026-11).
        visit = Visit(values, path if viewed else "", now, now, now, True, pages)
        line[arrival.pseudonym] = visit
        self._count += 1
        return VisitStep(
            values,
            arrival.site,
            arrival.pseudonym,
            None,
            visit,
            visits=1,
            bounces=1,
            exit_path=visit.exit_path,
        )

    def _make_room(self) -> None:
        # A flood on one site pushes out that site's visits, not its neighbours'.
        line = max(self._sites.values(), key=lambda of_site: len(of_site.visits)).visits
        room = max(1, len(line) // 64)
        for pseudonym in [key for _, key in zip(range(room), line, strict=False)]:
            del line[pseudonym]
        self._count -= room


def _ended(line: dict[bytes, Visit], horizon: float) -> list[bytes]:
    ended = []
    for pseudonym, visit in line.items():
        if visit.touched > horizon:
            break
        ended.append(pseudonym)
    return ended


def _recent(line: dict[bytes, Visit], horizon: float) -> Iterator[Visit]:
    for visit in reversed(line.values()):
        if visit.touched < horizon:
            return
        if visit.last >= horizon:
            yield visit


def _next(arrival: Arrival, before: Visit) -> VisitStep:
    viewed = arrival.kind is Kind.PAGEVIEW
    moved = viewed and arrival.path != before.exit_path
    stays = viewed or (arrival.kind is Kind.EVENT and arrival.interactive)
    pages, engaged_pageviews, scroll = before.pages, 0, 0
    if viewed:
        pages = _viewed(pages, arrival.path)
    elif arrival.kind is Kind.ENGAGEMENT:
        pages, engaged_pageviews, scroll = _engaged(pages, arrival)
    last = max(arrival.now, before.last)
    ends_bounce = before.bounces and stays
    return VisitStep(
        before.values,
        arrival.site,
        arrival.pseudonym,
        before,
        Visit(
            before.values,
            arrival.path if moved else before.exit_path,
            before.began,
            last,
            last,
            before.bounces and not stays,
            pages,
        ),
        bounces=-1 if ends_bounce else 0,
        bounced_at=before.began if ends_bounce else 0,
        seconds=last - before.last,
        exit_path=arrival.path if moved else "",
        left_path=before.exit_path if moved else "",
        engaged_pageviews=engaged_pageviews,
        scroll=scroll,
    )


def _viewed(pages: Pages, path: str) -> Pages:
    """Put a page last in the line, its depth yet unseen: each pageview is read anew."""
    others = tuple(page for page in pages if page[0] != path)
    return (*others[-(MAX_PAGES - 1) :], (path, _UNSEEN))


def _engaged(pages: Pages, arrival: Arrival) -> tuple[Pages, int, int]:
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
