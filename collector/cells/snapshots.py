"""Snapshot open days every five minutes for sites with the strict profile.

The difference of two answers a moment apart would show one visit, so all queries about such a site
read the same snapshot until the next one is taken. A snapshot hard-links the parts of `open_cells`
and copies no data. Sealing and the removal of a site delete from it what they delete from open
days.

Source: docs/design/0014-snapshots.md.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from collector.cells import partitions
from collector.cells.client import Store
from collector.cells.thresholds import PROFILES, profile_of
from collector.clock import Clock
from collector.registry.sites import Site, Sites

SECONDS = max(profile.snapshot_seconds for profile in PROFILES.values())
"""The minimum age of a snapshot before the next one is taken."""


class Snapshots:
    """The current snapshot; there is none while no site needs one.

    Args:
        live: counts a site's visits with a hit in the last five minutes, by site number and time.
        sites: returns all sites as they are now.
        lock: held while a day is being sealed or a site erased.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        live: Callable[[int, float], int],
        sites: Callable[[], Sites],
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._sites = sites
        self._lock = lock or nullcontext()
        self._taken_at = float("-inf")
        self._visits: dict[int, int] = {}
        self._cleared = False

    def ensure(self, site: Site) -> None:
        """Take the first snapshot if a site needs one and none exists yet.

        Waits while a day is being sealed or a site erased.
        """
        is_strict = profile_of(site.profile).snapshot_seconds > 0
        if is_strict and self._taken_at == float("-inf"):
            with self._lock:
                self.refresh(self._sites())

    def refresh(self, sites: Sites) -> bool:
        """Take the next snapshot if it is due, or drop the last one if no site needs one any more.

        Must not be called while a day is being sealed or a site erased.

        Returns:
            Whether one was taken.

        Raises:
            SealError: if files of an older snapshot still exist.
        """
        strict = {site.id for site in sites if profile_of(site.profile).snapshot_seconds}
        if not strict:
            self._clear()
            return False
        now = self._clock.monotonic()
        if now < self._taken_at + SECONDS:
            # A site that became strict after the snapshot: freeze its visits from now on.
            self._visits |= {site: self._live_visits(site) for site in strict - self._visits.keys()}
            return False
        self._take()
        self._visits = {site: self._live_visits(site) for site in strict}
        self._taken_at, self._cleared = now, False
        return True

    def visits_now(self, site: int) -> int:
        """Count a site's current visits: as of the snapshot, or live for other sites."""
        frozen = self._visits.get(site)
        return self._live_visits(site) if frozen is None else frozen

    def _live_visits(self, site: int) -> int:
        return self._live(site, self._clock.now())

    def _take(self) -> None:
        open_days = partitions.partitions(self._store, "open_cells")
        self._drop_all_but(open_days)
        for partition in open_days:
            self._store.command(
                f"ALTER TABLE snapshot_cells REPLACE PARTITION ID '{partition}' FROM open_cells"
            )

    def _clear(self) -> None:
        if not self._cleared:
            self._drop_all_but([])
            self._visits, self._taken_at, self._cleared = {}, float("-inf"), True

    def _drop_all_but(self, kept: list[str]) -> None:
        for partition in partitions.partitions(self._store, "snapshot_cells"):
            if partition not in kept:
                partitions.drop(self._store, "snapshot_cells", partition, self._clock)
