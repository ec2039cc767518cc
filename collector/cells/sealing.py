"""Seal closed days: sketches become integers, small cells are folded, secrets are destroyed.

Every step can be repeated, so an interrupted sealing is finished later. A day is not sealed while
the spool holds hits of it, or while the clock cannot be trusted.

Source: docs/design/0007-folding.md; the rules are in `folding`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.cells import fan_out, folding, partitions
from collector.cells.client import Row, Store
from collector.cells.folding_sql import CLOSES_AT, OWN_PATH_VIEWS, id_of
from collector.cells.thresholds import foldable_views, is_table
from collector.cells.views import TOTAL, Grain
from collector.clock import Clock
from collector.errors import SealError
from collector.hit import SUMS
from collector.registry.sites import NO_PATH, Site, Sites

if TYPE_CHECKING:
    from collector.privacy.day_secrets import DaySecrets
    from collector.spool.spool import Spool

CHUNK_CELLS = 1_000_000
"""How many open cells are folded at once, unless one site has more; limits memory."""

CLOCK_JUMP_S = 3600
EARLIEST_S = 1_767_225_600
"""2026-01-01T00:00Z: a clock that shows an earlier time was never set."""

QUERIES_END_S = 2.0
_VALUES_PER_INSERT = 500
_log = logging.getLogger(__name__)


class ChunkCounts(NamedTuple):
    """How much was folded; all 0 if an earlier sealing had only to be finished.

    Attributes:
        sites: how many sites' days were sealed.
        open_cells: day and hour cells before folding.
        sealed_cells: rows written.
        folded_cells: cells that are not listed.
    """

    sites: int = 0
    open_cells: int = 0
    sealed_cells: int = 0
    folded_cells: int = 0

    def plus(self, chunk: ChunkCounts) -> ChunkCounts:
        """Add the counts of another chunk of sites."""
        return ChunkCounts(*(one + other for one, other in zip(self, chunk, strict=True)))


@dataclass(frozen=True, slots=True)
class SealResult:
    """What one sealing did; the counts are those of `ChunkCounts`.

    Attributes:
        closes_at: the closing instant, in seconds since 1970.
        seconds: how long it took.
    """

    closes_at: int
    sites: int
    open_cells: int
    sealed_cells: int
    folded_cells: int
    seconds: float


class Sealer:
    """Seals the days that are due, one closing instant after the other.

    Args:
        known: public values such as the named sources, which are never folded; by dimension.
        grace_s: how long after the end of a day its last hits may still arrive.
        queries_end_s: how long queries that saw the day open may still run.

    Attributes:
        sealed_until: the last closing instant that was sealed. A sealed day never reopens: a hit
            that a clock set back would date before this instant counts in the first open day.
    """

    def __init__(  # noqa: PLR0913 - the parts that it coordinates
        self,
        store: Store,
        spool: Spool,
        secrets: DaySecrets,
        sites: Callable[[], Sites],
        clock: Clock,
        grace_s: float = 300,
        *,
        known: Mapping[str, Sequence[str]] | None = None,
        queries_end_s: float = QUERIES_END_S,
    ) -> None:
        self._store = store
        self._spool = spool
        self._secrets = secrets
        self._sites = sites
        self._clock = clock
        self._grace_s = grace_s
        self._known = dict(known or {})
        self._queries_end_s = queries_end_s
        self._offset = clock.now() - clock.monotonic()
        self.sealed_until = 0

    def load_last_seal(self) -> None:
        """Read from the store which days an earlier process sealed."""
        ((last,),) = self._store.query("SELECT toUnixTimestamp(max(closes_at)) FROM seals")
        self.sealed_until = max(self.sealed_until, last)

    def due_days(self, now: float) -> list[int]:
        """List the closing instants that can be sealed now, oldest first."""
        return [
            closes_at
            for closes_at in open_days(self._store)
            if closes_at + self._grace_s <= now and not self._spool.holds(closes_at)
        ]

    def run_once(self, now: float | None = None) -> list[SealResult]:
        """Destroy the day secrets that are due, then seal every day that is due.

        Raises:
            SealError: if the clock jumped, or a day's sums do not agree; nothing is deleted then.
        """
        self.check_clock()
        moment = self._clock.now() if now is None else now
        self._secrets.destroy(moment)
        results = []
        for closes_at in self.due_days(moment):
            results.append(self.seal(closes_at))
            _log.info("sealed: %s", results[-1])
        return results

    def accept_clock(self) -> None:
        """Trust the clock again after a jump; called when an operator confirms it."""
        self._offset = self._clock.now() - self._clock.monotonic()

    def seal(self, closes_at: int) -> SealResult:
        """Seal one closing instant, or finish a sealing that was cut off.

        Raises:
            SealError: if the spool still holds hits of it, or sums do not agree.
        """
        # Set before the spool is checked, so no hit of the day can arrive in between.
        self.sealed_until = max(self.sealed_until, closes_at)
        if self._spool.holds(closes_at):
            raise SealError(f"the spool still holds hits of the day that closed at {closes_at}")
        began = self._clock.monotonic()
        written = ChunkCounts()
        if not is_sealed(self._store, closes_at):
            written = self._write(closes_at)
        self._clock.sleep(self._queries_end_s)
        # open_cells last: `due_days` lists the days that have a partition in it, so a sealing that
        # is interrupted before this point is finished by the next run.
        for table in ("snapshot_cells", "open_cells"):
            if str(closes_at) in partitions.partitions(self._store, table):
                partitions.drop(self._store, table, str(closes_at), self._clock)
        self._spool.destroy_key(closes_at)
        return SealResult(closes_at, *written, seconds=self._clock.monotonic() - began)

    def dry_run(self, closes_at: int) -> SealResult:
        """Return what sealing a closing instant would do, and write nothing."""
        began = self._clock.monotonic()
        sites = self._sites()
        counts = ChunkCounts()
        unsealed = not is_sealed(self._store, closes_at)
        for chunk in self._chunks(closes_at) if unsealed else ():
            fold_chunk(self._store, closes_at, chunk, sites, self._known)
            counts = counts.plus(_outcome(self._store))
            _clear(self._store)
        return SealResult(closes_at, *counts, seconds=self._clock.monotonic() - began)

    def _write(self, closes_at: int) -> ChunkCounts:
        self._erase_unfinished(closes_at)
        sites = self._sites()
        written = ChunkCounts()
        for chunk in self._chunks(closes_at):
            written = written.plus(write_chunk(self._store, closes_at, chunk, sites, self._known))
        verify(self._store, closes_at)
        self._store.command(
            "INSERT INTO seals VALUES ({closes_at:UInt32}, {rules:String}, {now:UInt32})",
            {"async_insert": 0},
            {
                **_at(closes_at),
                "rules": f"rules {folding.RULES}, views {fan_out.fingerprint()}",
                "now": int(self._clock.now()),
            },
        )
        return written

    def _erase_unfinished(self, closes_at: int) -> None:
        if self._store.query(f"SELECT 1 FROM sealed_cells WHERE {_OF_DAY} LIMIT 1", _at(closes_at)):
            self._store.command(
                f"DELETE FROM sealed_cells WHERE {_OF_DAY}",
                {"lightweight_deletes_sync": 2},
                _at(closes_at),
            )

    def _chunks(self, closes_at: int) -> Iterable[list[int]]:
        chunk: list[int] = []
        cells = 0
        for site, count in self._store.query(
            f"SELECT site, count() FROM open_cells WHERE {_OF_DAY} AND view != 0 "
            "GROUP BY site ORDER BY site",
            _at(closes_at),
        ):
            if chunk and cells + count > CHUNK_CELLS:
                yield chunk
                chunk, cells = [], 0
            chunk.append(site)
            cells += count
        if chunk:
            yield chunk

    def check_clock(self) -> None:
        """Check that the clock can be right.

        Raises:
            SealError: if it jumped by more than an hour since the start, or was never set.
        """
        if self._clock.now() < EARLIEST_S:
            raise SealError("the clock was never set; sealing waits until it is")
        jump = self._clock.now() - self._clock.monotonic() - self._offset
        if abs(jump) > CLOCK_JUMP_S:
            raise SealError(
                f"the clock jumped by {jump:.0f} s; sealing waits until it is right again "
                "or `footfall seal` says that it is"
            )


_OF_DAY = f"closes_at = {CLOSES_AT}"


def open_days(store: Store) -> list[int]:
    """List the closing instants that have an open partition, oldest first."""
    return sorted(int(partition) for partition in partitions.partitions(store, "open_cells"))


def is_sealed(store: Store, closes_at: int) -> bool:
    """Return whether the sealing of a closing instant was committed."""
    return bool(store.query(f"SELECT 1 FROM seals WHERE {_OF_DAY} LIMIT 1", _at(closes_at)))


def write_chunk(
    store: Store,
    closes_at: int,
    chunk: Sequence[int],
    sites: Sites,
    known: Mapping[str, Sequence[str]],
) -> ChunkCounts:
    """Fold the cells of some sites and write them as sealed rows, not yet committed."""
    parameters = fold_chunk(store, closes_at, chunk, sites, known)
    outcome = _outcome(store)
    statements = (
        folding.write_listed(),
        folding.write_averaged(),
        folding.write_others(),
        folding.write_folded_counts(),
        folding.learn_own_paths(),
    )
    for statement in statements:
        _run(store, statement, parameters)
    _clear(store)
    return outcome


def fold_chunk(
    store: Store,
    closes_at: int,
    chunk: Sequence[int],
    sites: Sites,
    known: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Fold the cells of some sites in the work tables, and write nothing yet.

    Returns:
        The parameters of the statements that write.
    """
    _clear(store)
    found = [site for number in chunk if (site := sites.numbered(number))]
    standard = [site.id for site in found if site.profile == "standard"]
    parameters = _at(closes_at) | {"sites": list(chunk), "standard": standard}
    _declare_known(store, found, known)
    _declare_matching(store, found, closes_at)
    for statement in (folding.gather(), *folding.fold_lists(), folding.fold_tables()):
        _run(store, statement, parameters)
    _repeat(store, folding.complement_tables(), "closing_folded", parameters)
    for statement in (folding.suppress_small(), folding.suppress_lists()):
        _run(store, statement, parameters)
    _repeat(store, folding.suppress_tables(), "closing_suppressed", parameters)
    for statement in folding.pick_averaged():
        _run(store, statement, parameters)
    return parameters


def verify(store: Store, closes_at: int) -> None:
    """Check that the totals, and the sums of each list, are the same as in the open cells.

    Raises:
        SealError: names the view that differs.
    """
    if _totals(store, "open_cells", closes_at) != _totals(store, "sealed_cells", closes_at):
        raise SealError(f"the totals of the day that closed at {closes_at} do not agree")
    before = _list_counts(store, "open_cells", closes_at)
    after = _list_counts(store, "sealed_cells", closes_at)
    for view in before.keys() | after.keys():
        if before.get(view) != after.get(view):
            raise SealError(f"view {view} of the day that closed at {closes_at} does not add up")


def _totals(store: Store, table: str, closes_at: int) -> list[Row]:
    return store.query(
        f"SELECT site, grain, {', '.join(f'sum({name})' for name in SUMS)} FROM {table} "
        f"WHERE {_OF_DAY} AND view = {TOTAL.id} AND grain != {int(Grain.MINUTE)} "
        "GROUP BY site, grain ORDER BY site, grain",
        _at(closes_at),
    )


def _list_counts(store: Store, table: str, closes_at: int) -> dict[int, list[int]]:
    lists = ", ".join(str(view.id) for view in foldable_views() if not is_table(view))
    rows = store.query(
        f"SELECT view, {', '.join(f'sum({name})' for name in folding.COUNTS)} FROM {table} "
        f"WHERE {_OF_DAY} AND grain = {int(Grain.DAY)} AND view IN ({lists}) GROUP BY view",
        _at(closes_at),
    )
    return {view: counts for view, *counts in rows if any(counts)}


def _declare_known(store: Store, sites: Iterable[Site], known: Mapping[str, Sequence[str]]) -> None:
    declared = [(0, id_of(dimension), list(values)) for dimension, values in known.items()]
    for site in sites:
        hosts = [site.domain, f"www.{site.domain}", *site.hostnames]
        declared.append((site.id, id_of("hostname"), hosts))
        declared += [(site.id, id_of(view), list(site.exact_own_paths)) for view in OWN_PATH_VIEWS]
    for number, view, values in declared:
        for start in range(0, len(values), _VALUES_PER_INSERT):
            some = values[start : start + _VALUES_PER_INSERT]
            _run(store, folding.declare_known(), {"site": number, "view": view, "values": some})


def _declare_matching(store: Store, sites: Iterable[Site], closes_at: int) -> None:
    for site in sites:
        if site.own_path_pattern != NO_PATH:
            parameters = {"site": site.id, "pattern": site.own_path_pattern}
            _run(store, folding.declare_matching(), parameters | _at(closes_at))


def _outcome(store: Store) -> ChunkCounts:
    (counts,) = store.query(folding.count_outcome())
    return ChunkCounts(*counts)


def _clear(store: Store) -> None:
    for statement in folding.clear():
        store.command(statement)


def _repeat(store: Store, statement: str, target: str, parameters: Mapping[str, Any]) -> None:
    """Run an INSERT until its table no longer grows."""
    before = None
    while (now := store.query(f"SELECT count() FROM {target}")) != before:
        before = now
        _run(store, statement, parameters)


def _run(store: Store, statement: str, parameters: Mapping[str, Any]) -> None:
    store.command(statement, parameters=parameters)


def _at(closes_at: int) -> dict[str, Any]:
    return {"closes_at": closes_at}
