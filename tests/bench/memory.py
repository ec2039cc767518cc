"""Print what the service weighs: idle, loaded, besieged, cut off: `python -m tests.bench.memory`.

Words after it choose among `embedded`, `collector` and `cut-off`. BENCH_HITS is how many
pageviews, each of a new page and a new visitor, are sent (1 000 000 unless told). Figures
are of the whole process: resident now, and its peak.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
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

from tests.clickhouse_process import a_front
from tests.service import Service

HITS = int(os.environ.get("BENCH_HITS", "1000000"))
CONNECTIONS = 64
IDLE_CONNECTIONS, SLOW_CLIENTS = 5_000, 200
SCRIPT = Path(__file__).with_name("distinct.lua")
TRUSTING = {
    "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32",
    # One load generator is more than a site may send.
    "FOOTFALL_LIMITS__SITE_PER_SECOND": "100000",
    "FOOTFALL_LIMITS__INSTANCE_PER_SECOND": "100000",
}
SMALL_SPOOL = 64 << 20


class Weight(NamedTuple):
    """Resident memory of a process, in MiB."""

    now: float
    peak: float


def main() -> None:
    """Weigh the service in each state and print a line for it."""
    if shutil.which("wrk") is None:
        sys.exit("this bench needs wrk: apt-get install wrk")
    benches = {"embedded": _embedded, "collector": _of_a_server, "cut-off": _without_a_server}
    for chosen in sys.argv[1:] or benches:
        bench = benches[chosen]
        with tempfile.TemporaryDirectory() as folder:
            bench(Path(folder))


def _embedded(folder: Path) -> None:
    days_pass = (sys.executable, "-m", "tests.bench.days_pass")
    with Service(folder / "data", environ=TRUSTING, command=days_pass) as service:
        time.sleep(3)
        _print("embedded, idle", service)
        with idle_connections(service.port, IDLE_CONNECTIONS):
            _print(f"{IDLE_CONNECTIONS} idle connections", service)
        with slow_clients(service.port, SLOW_CLIENTS):
            sent = send_for(service.port, 10)[0]
            _print(f"{SLOW_CLIENTS} slow clients, under load", service)
        for day in ("first", "second"):
            sent += send(service.port, HITS, after=sent + CONNECTIONS)
            _print(f"{day} day: {sent} distinct paths and visitors", service)
            _drain(service)
            _print("  the same, delivered", service)
            counted = service.aggregate()
            print(f"  counted: {counted['pageviews']} pageviews, {counted['visitors']} visitors")
            _let_a_day_pass(service)
            _print("  the same, sealed", service)
            sent = 0


def _of_a_server(folder: Path) -> None:
    with a_front(folder / "server") as front:
        environ = {**TRUSTING, "FOOTFALL_CLICKHOUSE_DSN": front.dsn()}
        with Service(folder / "data", environ=environ) as service:
            _print("collector of a server, idle", service)
            sent = 0
            for _ in range(10):
                sent += send(service.port, HITS // 10, after=sent)
                _print(f"collector of a server, {sent} distinct hits", service)
            service.kill()


def _without_a_server(folder: Path) -> None:
    with _cut_off(folder / "data") as service:
        refused = fill(service)
        _print(f"no server, spool full, {refused} hits refused", service)


def _let_a_day_pass(service: Service) -> None:
    """Let a day pass, and wait until the one before is sealed."""
    assert service.process is not None
    service.process.send_signal(signal.SIGUSR1)
    service.wait_for(True, lambda: "sealed: SealResult" in service.log.read_text(), seconds=120)
    service.log.write_text("")
    time.sleep(5)


def _print(state: str, service: Service) -> None:
    """Print what it weighs, and the peak since it was last printed."""
    assert service.process is not None
    found = weight(service)
    print(f"{state:48} {found.now:6.0f} MiB resident {found.peak:6.0f} MiB peak", flush=True)
    Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")


def weight(service: Service) -> Weight:
    """Read what the kernel counts."""
    assert service.process is not None
    told = Path(f"/proc/{service.process.pid}/status").read_text()
    found = [re.search(rf"{name}:\s+(\d+) kB", told) for name in ("VmRSS", "VmHWM")]
    return Weight(*(int(one[1]) / 1024 for one in found if one))


def send_for(port: int, seconds: int, after: int = 0) -> tuple[int, int]:
    """Send hits at full speed; return how many were answered, and how many not with 202.

    Args:
        after: how many are passed over, because they were sent before.
    """
    said = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            f"-s{SCRIPT}",
            f"http://127.0.0.1:{port}",
            *("--", str(after)),
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


def send(port: int, hits: int, after: int = 0) -> int:
    """Send at least so many hits; return how many."""
    sent = 0
    while sent < hits:
        # What was under way when the load ended was not reported as answered.
        sent += send_for(port, 20, after + sent)[0] + CONNECTIONS
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
    """Keep clients that send a request byte by byte, and reconnect when they are cut off."""
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
    """Wait until nothing more arrives in the store."""
    before = -1
    while (counted := service.aggregate()["pageviews"]) != before:
        before = counted
        time.sleep(5)


if __name__ == "__main__":
    main()
