"""Picture the open days every few minutes, for sites whose profile asks for it.

Two answers a moment apart would show what one visit added. So all questions about
such a site read one picture, until the next is taken. It is made of links to files
that are there, and copies nothing. Called by `rounds` and at the start; sealing and
the removal of a site take from the picture what they take from open days.
Source: docs/design/0014-snapshots.md.
"""

from __future__ import annotations

from collections.abc import Callable

from collector.cells import partitions
from collector.cells.client import Store
from collector.cells.thresholds import PROFILES, profile_of
from collector.clock import Clock
from collector.registry.sites import Site, Sites

SECONDS = max(profile.snapshot_seconds for profile in PROFILES.values())
"""How long a picture stands at least, from the instant it was taken."""


class Snapshots:
    """The present picture; there is none while no site asks for it.

    Args:
        live: counts a site's visits with a hit in the last five minutes, by its number.
    """

    def __init__(self, store: Store, clock: Clock, live: Callable[[int], int]) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._taken_at = float("-inf")
        self._visits: dict[int, int] = {}
        self._cleared = False

    def refresh(self, sites: Sites) -> bool:
        """Take the next picture if it is time, or drop the last one if no site asks any more.

        Not to be called while a day is being sealed or a site erased.

        Returns:
            Whether one was taken.

        Raises:
            SealError: if files of an older picture are still there.
        """
        asking = {site.id for site in sites if profile_of(site.profile).snapshot_seconds}
        if not asking:
            self._clear()
            return False
        now = self._clock.monotonic()
        if now < self._taken_at + SECONDS:
            # A site that asks only since then has its visits held from now on.
            self._visits |= {site: self._live(site) for site in asking - self._visits.keys()}
            return False
        self._take()
        self._visits = {site: self._live(site) for site in asking}
        self._taken_at, self._cleared = now, False
        return True

    def is_missing(self, site: Site) -> bool:
        """Tell whether a site asks for a picture while there is none: its day looks empty."""
        asks = profile_of(site.profile).snapshot_seconds > 0
        return asks and self._taken_at == float("-inf")

    def visits_now(self, site: int) -> int:
        """Count a site's present visits: as pictured, or live for those that do not ask for it."""
        pictured = self._visits.get(site)
        return self._live(site) if pictured is None else pictured

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
