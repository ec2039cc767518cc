"""Print what the service weighs: idle, loaded, besieged, cut off: `python -m tests.bench.memory`.

BENCH_HITS is how many pageviews, each of a new page and a new visitor, are sent
(1 000 000 unless told). Figures are of the whole process: resident now, and its peak.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.service import Service

HITS = int(os.environ.get("BENCH_HITS", "1000000"))
CONNECTIONS = 64
IDLE_CONNECTIONS, SLOW_CLIENTS = 5_000, 200
SCRIPT = Path(__file__).with_name("distinct.lua")
TRUSTING = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"}
SMALL_SPOOL = 64 << 20


class Weight(NamedTuple):
    """Resident memory of a process, in MiB."""

    now: float
    peak: float


def main() -> None:
    """Weigh the service in each state and print a line for it."""
    if shutil.which("wrk") is None:
        sys.exit("this bench needs wrk: apt-get install wrk")
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder) / "data", environ=TRUSTING) as service,
    ):
        time.sleep(3)
        _print("embedded, idle", weight(service))
        with idle_connections(service.port, IDLE_CONNECTIONS):
            _print(f"{IDLE_CONNECTIONS} idle connections", weight(service))
        with slow_clients(service.port, SLOW_CLIENTS):
            send_for(service.port, 10)
            _print(f"{SLOW_CLIENTS} slow clients, under load", weight(service))
        sent = send(service.port, HITS)
        _print(f"{sent} distinct paths and visitors", weight(service))
        _drain(service)
        _print("the same, delivered", weight(service))
    with tempfile.TemporaryDirectory() as folder, _cut_off(Path(folder) / "data") as service:
        refused = fill(service)
        _print(f"no server, spool full, {refused} hits refused", weight(service))


def _print(state: str, found: Weight) -> None:
    print(f"{state:48} {found.now:6.0f} MiB resident {found.peak:6.0f} MiB peak", flush=True)


def weight(service: Service) -> Weight:
    """Read what the kernel counts."""
    assert service.process is not None
    told = Path(f"/proc/{service.process.pid}/status").read_text()
    found = [re.search(rf"{name}:\s+(\d+) kB", told) for name in ("VmRSS", "VmHWM")]
    return Weight(*(int(one[1]) / 1024 for one in found if one))


def send_for(port: int, seconds: int) -> tuple[int, int]:
    """Send hits at full speed; return how many were answered, and how many not with 202."""
    said = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            f"-s{SCRIPT}",
            f"http://127.0.0.1:{port}",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    answered, refused = (
        re.search(pattern, said) for pattern in (r"(\d+) requests in", r"Non-2xx.*: (\d+)")
    )
    assert answered, said
    return int(answered[1]), int(refused[1]) if refused else 0


def send(port: int, hits: int) -> int:
    """Send at least so many hits; return how many."""
    sent = 0
    while sent < hits:
        sent += send_for(port, 20)[0]
    return sent


def fill(service: Service) -> int:
    """Send until the spool is full; return how many hits were refused."""
    refused = 0
    while not refused:
        refused = send_for(service.port, 10)[1]
    return refused


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Hold connections open on which nothing is sent."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as held:
        yield [
            held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)
        ]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """Keep clients that send a request byte by byte, and begin anew when shown the door."""
    ends = threading.Event()
    threads = [threading.Thread(target=_dawdle, args=(port, ends)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def _dawdle(port: int, ends: threading.Event) -> None:
    request = (
        b"POST /api/event HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + b"x" * 99
    )
    while not ends.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port)) as slow:
                for byte in request:
                    slow.send(bytes((byte,)))
                    if ends.wait(0.1):
                        return
        except OSError:
            ends.wait(0.1)


@contextmanager
def _cut_off(data_dir: Path) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    environ = {
        **TRUSTING,
        "FOOTFALL_CLICKHOUSE_DSN": f"clickhouse://default:@127.0.0.1:{port}/default",
        "FOOTFALL_SPOOL__MAX_BYTES": str(SMALL_SPOOL),
    }
    with Service(data_dir, environ=environ) as service:
        yield service


def _drain(service: Service) -> None:
    while service.get("/readyz").json()["reasons"]:
        time.sleep(0.5)
    time.sleep(5)


if __name__ == "__main__":
    main()
