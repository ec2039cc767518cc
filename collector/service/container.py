"""Build everything the service is made of, and hold it: there are no globals."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from collector.cells.batch_filter import BatchFilter, open_values
from collector.cells.cardinality import Caps
from collector.cells.client import Store
from collector.cells.retention import Retention, keeps_of
from collector.cells.sealing import Sealer
from collector.cells.snapshots import Snapshots
from collector.cells.view_history import record_views
from collector.clock import Clock, SystemClock
from collector.counters import MADE_ANEW, Counters
from collector.day import DAY_SECONDS
from collector.ingest.enrich.acquisition import known_values
from collector.ingest.enrich.geo import GeoDatabase
from collector.ingest.pipeline import IngestContext, forget_visitors
from collector.ingest.rate_limit import RateLimiter, rates_of
from collector.ingest.site_rules import rules_of
from collector.ingest.visits import Visits
from collector.privacy.address import Networks
from collector.privacy.day_secrets import DaySecrets, runtime_directory
from collector.registry.sites import Sites
from collector.registry.store import Registry
from collector.settings import Settings, runtime_candidates
from collector.spool.delivery import Delivery
from collector.spool.spool import Spool
from collector.stats.report import Reports

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Container:
    """Everything a running service is made of.

    Attributes:
        settings: the settings in force.
        clock: the only source of time.
        registry: sites, users and tokens.
        counters: counts of what happened, by reason.
        store: ClickHouse, embedded or a server.
        spool: acknowledged hits that are not delivered yet.
        delivery: moves hits from the spool into the store.
        geo: the geo database.
        secrets: the day secrets.
        visits: visits under way; belongs to the event loop.
        sealer: seals days that are due.
        retention: deletes data past its retention.
        snapshots: snapshots of open days, for sites with the strict profile.
        batch_filter: what delivery leaves out of a batch: values over their cap, removed sites.
        reports: answers queries.
        ingest: what building a hit needs; replaced when sites change.
        sealing_lock: held while rows of the store are rewritten.
        stopping: set at shutdown, for work that takes long.
        store_ready: whether the store's tables are prepared, and hits are delivered.
        sealed_days: how many days were sealed since the start.
        sealing_problem: why no day can be sealed at present, a sentence; empty if days can.
        last_expiry: the UTC day, and `sealed_days`, when old data was last deleted.
    """

    settings: Settings
    clock: Clock
    registry: Registry
    counters: Counters
    store: Store
    spool: Spool
    delivery: Delivery
    geo: GeoDatabase
    secrets: DaySecrets
    visits: Visits
    sealer: Sealer
    retention: Retention
    snapshots: Snapshots
    batch_filter: BatchFilter
    reports: Reports
    ingest: IngestContext
    sealing_lock: threading.Lock
    stopping: threading.Event = field(default_factory=threading.Event)
    store_ready: bool = False
    sealed_days: int = 0
    sealing_problem: str = ""
    last_expiry: tuple[int, int] = (0, 0)

    @property
    def sites(self) -> Sites:
        """The sites, as last read from the registry."""
        return self.ingest.sites

    def read_sites(self) -> None:
        """Read the sites, their rules, and which of them were removed."""
        sites = self.registry.sites()
        self.ingest = replace(self.ingest, sites=sites, rules=rules_of(sites))
        self.batch_filter.removed_sites = frozenset(self.registry.erasures())

    def prepare(self) -> None:
        """Prepare the store's tables, and restore what is kept in memory of open days.

        Raises:
            DeliveryError: if a ClickHouse server does not answer or refuses.
            StoreBusy: if another process has the embedded store open.
        """
        self.store.prepare()
        record_views(self.store, self.clock)
        self.sealer.load_last_seal()
        self.batch_filter.restore(open_values(self.store))
        self.snapshots.refresh(self.sites)

    def close(self) -> None:
        """Close all files; delivery must have ended."""
        self.spool.close()
        self.store.close()
        self.registry.close()

    def count_rejected_connection(self, reason: str) -> None:
        """Count a connection that was closed before a request could be read."""
        self.counters.count(reason, int(self.clock.now()) // DAY_SECONDS)


def build_container(settings: Settings, clock: Clock | None = None) -> Container:
    """Open the files below the data directory and build what works on them; starts nothing.

    Raises:
        StoreBusy: if another process has the data directory.
        CollectorError: if a file cannot be read.
    """
    clock = clock or SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = Registry(settings.registry_path, clock)
    counters = Counters()
    spool = _build_spool(settings, clock, counters)
    store = Store(settings.store_path, settings.clickhouse_dsn)
    places = GeoDatabase(settings.geo_path, expected=bool(settings.geo_database))
    secrets = _build_day_secrets(settings, clock, counters, places)
    visits = Visits()
    known, grace = known_values(), settings.seal.grace_s
    lock = threading.Lock()
    snapshots = Snapshots(store, clock, visits.now_visitors, registry.sites, lock)
    sealer = Sealer(store, spool, secrets, registry.sites, clock, grace, known=known)
    batch_filter = BatchFilter(Caps(), counters, clock, sealer)
    context = IngestContext(
        sites=registry.sites(),
        secrets=secrets,
        visits=visits,
        places=places,
        clock=clock,
        limits=RateLimiter(rates_of(settings.limits)),
        sealed=sealer,
        trusted_proxies=Networks(settings.trusted_proxies),
        address_header=settings.client_address_header.lower().encode(),
        excluded=Networks(settings.excluded_networks),
    )
    container = Container(
        settings=settings,
        clock=clock,
        registry=registry,
        counters=counters,
        store=store,
        spool=spool,
        delivery=Delivery(spool, store, clock, settings.delivery, batch_filter),
        geo=places,
        secrets=secrets,
        visits=visits,
        sealer=sealer,
        retention=Retention(store, lambda: keeps_of(registry.sites()), clock),
        snapshots=snapshots,
        batch_filter=batch_filter,
        reports=Reports(store, registry.sites, clock, snapshots, known),
        ingest=context,
        sealing_lock=lock,
    )
    container.read_sites()
    return container


def _build_spool(settings: Settings, clock: Clock, counters: Counters) -> Spool:
    spool = settings.spool
    return Spool(
        settings.spool_path,
        settings.spool_keys_dir,
        clock,
        spool.max_bytes,
        counters,
        spool.commit_wait_ms / 1000,
    )


def _build_day_secrets(
    settings: Settings, clock: Clock, counters: Counters, places: GeoDatabase
) -> DaySecrets:
    chosen, folder = settings.secrets.store, settings.secrets.runtime_dir
    # Several services may share a machine: each has a folder, named by its data directory.
    name = hashlib.sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:16]
    if chosen == "disk":
        directory = settings.data_dir / "day-secrets"
    elif folder:
        directory = Path(folder)
    else:
        memory = runtime_directory(runtime_candidates())
        if memory is None and chosen == "runtime":
            _log.warning("no folder on tmpfs: day secrets are in memory only, and lost at exit")
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
        on_loss=lambda site, day: counters.count(MADE_ANEW, day.number, site),
    )
