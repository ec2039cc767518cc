"""Render the service's metrics in Prometheus' text format.

No label carries what a visitor sent: reasons come from closed lists, and there is no site, path
or address.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from collector.day import DAY_SECONDS
from collector.hit import Drop, Refusal
from collector.service.container import Container


def render_metrics(container: Container) -> bytes:
    """Render all metrics in the text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_MetricsCollector(container))
    return generate_latest(registry)


class _MetricsCollector(Collector):
    def __init__(self, container: Container) -> None:
        self.container = container

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics, as they are now."""
        yield from self._hits()
        yield from self._visits()
        yield from self._spool()
        yield from self._delivery()
        yield from self._days()

    def _hits(self) -> Iterator[Metric]:
        hits = CounterMetricFamily(
            "footfall_hits", "Hits by outcome since the start.", labels=["outcome", "reason"]
        )
        hits.add_metric(["acknowledged", ""], self.container.spool.stats().acknowledged)
        for reason, count in sorted(self.container.counters.totals().items()):
            hits.add_metric([_outcome(reason), reason], count)
        yield hits

    def _visits(self) -> Iterator[Metric]:
        visits = self.container.visits
        yield _gauge(
            "footfall_visits_bytes", "Approximate memory of visits under way.", visits.weight
        )
        ended = CounterMetricFamily(
            "footfall_visits_ended_early",
            "Visits ended early because memory was full, since the start.",
        )
        ended.add_metric([], visits.ended_early)
        yield ended

    def _spool(self) -> Iterator[Metric]:
        spool = self.container.spool.stats()
        yield _gauge("footfall_spool_hits", "Hits not delivered yet.", spool.rows)
        yield _gauge("footfall_spool_bytes", "Size of the spooled hits.", spool.bytes)
        limit = self.container.settings.spool.max_bytes
        yield _gauge("footfall_spool_max_bytes", "Size at which hits are refused.", limit)
        failed = self.container.spool.failure is not None
        yield _gauge("footfall_spool_in_trouble", "1 while no hit can be stored.", failed)

    def _delivery(self) -> Iterator[Metric]:
        health = self.container.delivery.health()
        batches = CounterMetricFamily("footfall_batches", "Batches delivered since the start.")
        batches.add_metric([], health.batches)
        yield batches
        lag = health.lag_seconds
        yield _gauge("footfall_delivery_lag_seconds", "Age of the oldest undelivered hit.", lag)
        state = GaugeMetricFamily(
            "footfall_delivery_state", "1 for the present state.", labels=["state"]
        )
        for name in ("idle", "ok", "waiting", "schema"):
            state.add_metric([name], name == health.state)
        yield state

    def _days(self) -> Iterator[Metric]:
        now = self.container.clock.now()
        failed = bool(self.container.sealing_problem)
        yield _gauge("footfall_sealing_in_trouble", "1 while no day can be sealed.", failed)
        sealed = CounterMetricFamily("footfall_seals", "Days sealed since the start.")
        sealed.add_metric([], self.container.sealed_days)
        yield sealed
        secrets = self.container.secrets.open()
        yield _gauge("footfall_day_secrets", "Day secrets that exist.", len(secrets))
        oldest = min((secret.closes_at for secret in secrets), default=None)
        age = 0.0 if oldest is None else max(0.0, now - oldest + DAY_SECONDS)
        yield _gauge(
            "footfall_day_secret_age_seconds", "Approximate age of the oldest day secret.", age
        )


def _outcome(reason: str) -> str:
    if reason in set(Refusal):
        return "refused"
    return "dropped" if reason in set(Drop) else "rejected"


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_text)
    gauge.add_metric([], value)
    return gauge
