"""F-18: what nobody has seen before, again and again, takes no more memory than there is."""

from __future__ import annotations

from pathlib import Path

from tests.bench.memory import CONNECTIONS, TRUSTING, fill, send_for, weight
from tests.clickhouse_process import Front
from tests.service import Service

IDLE_MIB, EMBEDDED_MIB, COLLECTOR_MIB = 450, 1024, 256


def test_f_18_distinct_paths_and_visitors_stay_within_bounds(tmp_path: Path) -> None:
    """Full load of hits that are all new: within 450 MiB before, and within 1 GiB at the peak."""
    with Service(tmp_path / "data", environ=TRUSTING) as service:
        idle = weight(service)
        sent, refused = send_for(service.port, 8)
        loaded = weight(service)
        # Requests that were under way when the load ended were taken too.
        whole = range(sent, sent + CONNECTIONS + 1)
        service.wait_for(True, lambda: service.aggregate()["pageviews"] in whole, seconds=60)

    assert idle.now < IDLE_MIB
    assert loaded.peak < EMBEDDED_MIB
    assert sent > 1000
    assert 0 == refused


def test_f_18_a_collector_of_a_server_is_small(tmp_path: Path, front: Front) -> None:
    """Without the engine in its process a collector stays within 256 MiB under full load."""
    environ = {**TRUSTING, "FOOTFALL_CLICKHOUSE_DSN": front.dsn()}
    with Service(tmp_path / "data", environ=environ) as service:
        sent, _ = send_for(service.port, 6)
        peak = weight(service).peak

    assert sent > 1000
    assert peak < COLLECTOR_MIB


def test_f_18_a_server_that_stays_away_fills_the_spool_and_no_memory(tmp_path: Path) -> None:
    """The spool's bound holds for an outage of any length; then hits get 503 and are not kept."""
    environ = {
        **TRUSTING,
        "FOOTFALL_CLICKHOUSE_DSN": "clickhouse://default:@127.0.0.1:9/default",
        "FOOTFALL_SPOOL__MAX_BYTES": str(1 << 20),
    }
    with Service(tmp_path / "data", environ=environ) as service:
        refused = fill(service)
        ready = service.get("/readyz")
        peak = weight(service).peak

    assert refused > 0
    assert 503 == ready.status
    assert peak < COLLECTOR_MIB
    assert (tmp_path / "data" / "spool.sqlite3").stat().st_size < 16 << 20
