"""F-18: what nobody has seen before, again and again, takes no more memory than there is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.bench.memory import CONNECTIONS, TRUSTING, fill, send_for, weight
from tests.clickhouse_process import Front, new_database
from tests.fault.control_group import HIERARCHY, ControlGroup, a_group
from tests.service import Service

IDLE_MIB, EMBEDDED_MIB, COLLECTOR_MIB = 450, 1024, 256


def a_service(folder: Path, group: ControlGroup, **environ: str) -> Service:
    """Describe a service that lives in a group."""
    service = Service(folder / "data", environ={**TRUSTING, **environ})
    service.command = (*group.launcher, *service.command)
    return service


def test_f_18_the_limit_of_a_group_is_real(tmp_path: Path) -> None:
    """A group too small for the engine ends the service, so the groups of these tests do limit.

    Only where this user may not make groups do they measure and limit nothing.
    """
    with a_group("footfall-small", 64) as group:
        service = a_service(tmp_path, group)
        if group.launcher:
            service.start(wait=False)
            assert service.process is not None
            assert -signal.SIGKILL == service.process.wait(timeout=60)
            assert group.kills() >= 1
        else:
            assert not os.access(HIERARCHY, os.W_OK)


def test_f_18_distinct_paths_and_visitors_stay_within_bounds(tmp_path: Path) -> None:
    """Full load of hits that are all new: within 450 MiB before, and in a group of 1 GiB."""
    with (
        a_group("footfall-embedded", EMBEDDED_MIB) as group,
        a_service(tmp_path, group) as service,
    ):
        idle = weight(service)
        sent, refused = send_for(service.port, 8)
        loaded = weight(service)
        # Requests that were under way when the load ended were taken too.
        whole = range(sent, sent + CONNECTIONS + 1)
        service.wait_for(True, lambda: service.aggregate()["pageviews"] in whole, seconds=60)
        assert 0 == service.stop()
        assert 0 == group.kills()

    assert idle.now < IDLE_MIB
    assert loaded.peak < EMBEDDED_MIB
    assert sent > 1000
    assert 0 == refused


def test_f_18_a_collector_of_a_server_is_small(tmp_path: Path, front: Front) -> None:
    """Without the engine in its process a collector lives in a group of 256 MiB at full load."""
    with (
        a_group("footfall-collector", COLLECTOR_MIB) as group,
        a_service(tmp_path, group, FOOTFALL_CLICKHOUSE_DSN=new_database(front)) as service,
    ):
        sent, _ = send_for(service.port, 6)
        peak = weight(service).peak
        assert 0 == service.stop()
        assert 0 == group.kills()

    assert sent > 1000
    assert peak < COLLECTOR_MIB


def test_f_18_a_server_that_stays_away_fills_the_spool_and_no_memory(tmp_path: Path) -> None:
    """The spool's bound holds for an outage of any length; then hits get 503 and are not kept."""
    away = {
        "FOOTFALL_CLICKHOUSE_DSN": "clickhouse://default:@127.0.0.1:9/default",
        "FOOTFALL_SPOOL__MAX_BYTES": str(1 << 20),
    }
    with (
        a_group("footfall-alone", COLLECTOR_MIB) as group,
        a_service(tmp_path, group, **away) as service,
    ):
        refused = fill(service)
        ready = service.get("/readyz")
        peak = weight(service).peak

    assert refused > 0
    assert 503 == ready.status
    assert peak < COLLECTOR_MIB
    assert (tmp_path / "data" / "spool.sqlite3").stat().st_size < 16 << 20
