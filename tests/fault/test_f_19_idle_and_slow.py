"""F-19: idle connections, slow clients and too few file descriptors hold up nobody for long."""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path

from tests.bench.memory import idle_connections, slow_clients, weight
from tests.service import Service

GROWTH_MIB = 200
MOST_SECONDS = 5.0
FEW = 200


def seconds_of_a_hit(service: Service) -> float:
    """Send a hit that must be acknowledged; return how long that took."""
    began = time.monotonic()
    assert 202 == service.hit().status
    return time.monotonic() - began


def test_f_19_idle_connections_and_slow_clients_hold_up_nobody(tmp_path: Path) -> None:
    """Beside 5 000 connections that say nothing, and slow ones, hits are taken and memory stays."""
    with Service(tmp_path / "data") as service:
        before = weight(service).now
        with idle_connections(service.port, 5000) as idle:
            beside_idle = seconds_of_a_hit(service)
            grown = weight(service).now - before
            shown_the_door = sum(_is_closed(connection) for connection in idle)
        with slow_clients(service.port, 50):
            beside_slow = seconds_of_a_hit(service)

    assert beside_idle < MOST_SECONDS
    assert beside_slow < MOST_SECONDS
    assert grown < GROWTH_MIB
    assert 5000 == shown_the_door


def _status_of_a_hit(service: Service) -> int | None:
    """Give the answer's status; None if the connection is closed, for the idle ones still are."""
    try:
        return service.hit().status
    except OSError:
        return None


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(60)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_f_19_a_service_without_descriptors_recovers(tmp_path: Path) -> None:
    """More connections than descriptors: once the idle ones are closed, hits are taken again."""
    with Service(tmp_path / "data") as service:
        assert service.process is not None
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (FEW, FEW))
        with idle_connections(service.port, FEW + 100):
            time.sleep(1)
        service.wait_for(202, lambda: _status_of_a_hit(service))
        service.wait_for(1, lambda: service.aggregate()["pageviews"])
        assert service.process.poll() is None
