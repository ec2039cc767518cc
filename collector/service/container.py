"""Make everything a service is made of, top to bottom; nothing runs yet.

Knows what belongs to what; refuses to decide anything else. No globals:
`Parts` holds what there is, and is handed to `app`, `rounds` and `health`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from collector.cells.batch_filter import Shaping
from collector.cells.cardinality import Caps
from collector.cells.client import Store
from collector.cells.recall import open_values
from collector.cells.retention import Retention, keeps_of
from collector.cells.sealing import Sealer
from collector.cells.snapshots import Snapshots
from collector.cells.view_history import note_views
from collector.clock import Clock, SystemClock
from collector.counters import MADE_ANEW, Tally
from collector.day import DAY_SECONDS
from collector.ingest.enrich.acquisition import known_values
from collector.ingest.enrich.geo import Places
from collector.ingest.pipeline import Intake, forget_visitors
from collector.ingest.rate_limit import Limits, rates_of
from collector.ingest.site_rules import rules_of
from collector.ingest.visits import Visits
from collector.privacy.address import Networks
from collector.privacy.day_secrets import DaySecrets, runtime_directory
from collector.registry.sites import Site, Sites
from collector.registry.store import Registry
from collector.settings import Settings, runtime_candidates
from collector.spool.delivery import Delivery
from collector.spool.spool import Journal
from collector.stats.report import Reports

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything a running service is made of.

    Attributes:
        intake: what assembling needs; replaced when sites change.
        sealing: held while rows of the store are rewritten, whoever asks for it.
        stopping: set when the service is to end, for work that takes long.
        opened: whether the store's tables are made, and hits are delivered.
        seals: how many days were sealed since the start.
        trouble: why days cannot be sealed at present, a sentence; empty if they can.
    """

    settings: Settings
    clock: Clock
    registry: Registry
    tally: Tally
    store: Store
    journal: Journal
    delivery: Delivery
    places: Places
    secrets: DaySecrets
    visits: Visits
    sealer: Sealer
    retention: Retention
    snapshots: Snapshots
    shaping: Shaping
    reports: Reports
    intake: Intake
    sealing: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)
    opened: bool = False
    seals: int = 0
    trouble: str = ""

    @property
    def sites(self) -> Sites:
        """The sites, as last read from the registry."""
        return self.intake.sites

    def read_sites(self) -> None:
        """Read anew which sites there are, what their owners decided, and which were removed."""
        sites = self.registry.sites()
        self.intake = replace(self.intake, sites=sites, rules=rules_of(sites))
        self.shaping.gone = frozenset(self.registry.erasures())

    def make_ready(self) -> None:
        """Make the store's tables what they should be, and recall what it knows of open days.

        Raises:
            DeliveryError: if a server does not answer or refuses.
            StoreBusy: if another process has the embedded store.
        """
        self.store.prepare()
        note_views(self.store, self.clock)
        self.sealer.remember()
        self.shaping.recall(open_values(self.store))
        self.snapshots.take_due(self.sites)

    def picture_first(self, site: Site) -> None:
        """Take the first picture if a site is told from it and there is none yet.

        Waits while a day is being sealed or a site erased.
        """
        if self.opened and self.snapshots.lack(site):
            with self.sealing:
                self.snapshots.take_due(self.registry.sites())

    def close(self) -> None:
        """Let go of everything that is kept; what delivers or commits must have ended."""
        self.journal.close()
        self.store.close()
        self.registry.close()

    def turned_away(self, reason: str) -> None:
        """Count a connection that was closed before a request could be read."""
        self.tally.count(reason, int(self.clock.now()) // DAY_SECONDS)


def make_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Open what the service keeps, and make what works on it; nothing runs yet.

    Raises:
        StoreBusy: if another process has the data directory.
        CollectorError: if something kept cannot be read.
    """
    clock = clock or SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = Registry(settings.registry_path, clock)
    tally = Tally()
    journal = _journal(settings, clock, tally)
    store = Store(settings.store_path, settings.clickhouse_dsn)
    places = Places(settings.geo_path, expected=bool(settings.geo_database))
    secrets = _day_secrets(settings, clock, tally, places)
    visits = Visits()
    known, grace = known_values(), settings.seal.grace_s
    snapshots = Snapshots(store, clock, lambda site: visits.now_visitors(site, int(clock.now())))
    sealer = Sealer(store, journal, secrets, registry.sites, clock, grace, known=known)
    shaping = Shaping(Caps(), tally, clock, sealer.sealed_until)
    intake = Intake(
        sites=registry.sites(),
        secrets=secrets,
        visits=visits,
        places=places,
        clock=clock,
        limits=Limits(rates_of(settings.limits)),
        sealed_until=sealer.sealed_until,
        trusted_proxies=Networks(settings.trusted_proxies),
        address_header=settings.client_address_header.lower().encode(),
        excluded=Networks(settings.excluded_networks),
    )
    parts = Parts(
        settings=settings,
        clock=clock,
        registry=registry,
        tally=tally,
        store=store,
        journal=journal,
        delivery=Delivery(journal, store, clock, settings.delivery, shaping),
        places=places,
        secrets=secrets,
        visits=visits,
        sealer=sealer,
        retention=Retention(store, lambda: keeps_of(registry.sites()), clock),
        snapshots=snapshots,
        shaping=shaping,
        reports=Reports(
            store,
            registry.sites,
            clock,
            snapshots.visits_now,
            known,
            before=lambda site: parts.picture_first(site),  # noqa: PLW0108 - made below
        ),
        intake=intake,
    )
    parts.read_sites()
    return parts


def _journal(settings: Settings, clock: Clock, tally: Tally) -> Journal:
    spool = settings.spool
    return Journal(
        settings.spool_path,
        settings.spool_keys_dir,
        clock,
        spool.max_bytes,
        tally,
        spool.commit_wait_ms / 1000,
    )


def _day_secrets(settings: Settings, clock: Clock, tally: Tally, places: Places) -> DaySecrets:
    chosen, folder = settings.secrets.store, settings.secrets.runtime_dir
    # One machine may run several services: each has a folder of its own, found again by its data.
    name = hashlib.sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:16]
    if chosen == "disk":
        directory = settings.data_dir / "day-secrets"
    elif folder:
        directory = Path(folder)
    else:
        memory = runtime_directory(runtime_candidates())
        if memory is None and chosen == "runtime":
            _log.warning("no folder on tmpfs: day secrets live in memory only, until the stop")
            chosen = "memory"
        directory = (memory or Path()) / f"footfall-{os.getuid()}-{name}"

    def forget() -> None:
        forget_visitors()
        places.forget()

    return DaySecrets(
        directory,
        clock,
        chosen,
        forget=forget,
        marks=settings.day_marks_dir,
        made_anew=lambda site, day: tally.count(MADE_ANEW, day.number, site),
    )
