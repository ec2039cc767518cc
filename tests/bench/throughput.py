"""Print what a hit costs, side by side in one run: `python -m tests.bench.throughput`.

Each server runs pinned to one core, the load (wrk) on the other; the variants
take turns, and medians are printed, for the machine swings and ratios do not.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.service import Service, free_port

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "6"))
CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("hits.lua")


@dataclass
class Variant:
    """One way to answer the same hits, and what it was measured to cost."""

    name: str
    requests_per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


NOOP = "bare no-op ASGI app"
UNSPOOLED = "full path without the spool"
ACKNOWLEDGED = "acknowledged, before cells"
DELIVERED = "acknowledged, cells included"


def main() -> None:
    """Run every variant in turn and print the table."""
    if shutil.which("wrk") is None:
        sys.exit("this bench needs wrk: apt-get install wrk")
    variants = [Variant(name) for name in (NOOP, UNSPOOLED, ACKNOWLEDGED, DELIVERED)]
    for _ in range(ROUNDS):
        for variant in variants:
            with tempfile.TemporaryDirectory() as folder, _server(variant.name, folder) as server:
                _measure(variant, *server)
    _print(variants)
    _print_memory()


@contextmanager
def _server(name: str, folder: str) -> Iterator[tuple[int, int]]:
    """Start a variant pinned to the last core; yields its process id and port."""
    if name in (NOOP, UNSPOOLED):
        port = free_port()
        module = "tests.bench.noop" if name == NOOP else "tests.bench.unspooled"
        process = subprocess.Popen([sys.executable, "-m", module, str(port), folder])
        _pin(process.pid)
        _wait(port)
        try:
            yield process.pid, port
        finally:
            process.terminate()
            process.wait()
        return
    interval = "3600" if name == ACKNOWLEDGED else "1"
    with _service(folder, interval) as service:
        assert service.process is not None
        _pin(service.process.pid)
        yield service.process.pid, service.port


def _service(folder: str, interval: str) -> Service:
    return Service(
        Path(folder) / "data",
        environ={
            "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32",
            "FOOTFALL_DELIVERY__FLUSH_INTERVAL_S": interval,
        },
    )


def _measure(variant: Variant, process: int, port: int) -> None:
    _load(port, 1)
    before = _cpu_seconds(process)
    requests, seconds = _load(port, SECONDS)
    variant.requests_per_second.append(requests / seconds)
    variant.cpu_us.append((_cpu_seconds(process) - before) / requests * 1e6)


def _load(port: int, seconds: int) -> tuple[int, float]:
    said = subprocess.run(
        [
            *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"-s{SCRIPT}"),
            f"http://127.0.0.1:{port}",
        ],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {0}),
    ).stdout
    found = re.search(r"(\d+) requests in ([\d.]+)s", said)
    assert found, said
    assert "Non-2xx" not in said, said
    return int(found[1]), float(found[2])


def _print(variants: list[Variant]) -> None:
    floor = statistics.median(variants[0].requests_per_second)
    heads = f"{'hits/s':>8} {'of no-op':>9} {'CPU µs':>7}"
    print(f"\n{'one process, one core, 64 connections':40} {heads}")
    for variant in variants:
        rate = statistics.median(variant.requests_per_second)
        cost = statistics.median(variant.cpu_us)
        print(f"{variant.name:40} {rate:8.0f} {rate / floor:9.0%} {cost:7.1f}")


def _print_memory() -> None:
    with tempfile.TemporaryDirectory() as folder, _service(folder, "1") as service:
        assert service.process is not None
        time.sleep(2)
        print(f"\nresident memory idle: {_resident_mib(service.process.pid):.0f} MiB")
        sent = 0
        while sent < 100_000:
            sent += _load(service.port, 2)[0]
        time.sleep(5)
        print(f"resident memory after {sent} hits: {_resident_mib(service.process.pid):.0f} MiB")


def _pin(process: int) -> None:
    last = max(os.sched_getaffinity(0))
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):  # a thread may end meanwhile
            os.sched_setaffinity(int(task.name), {last})


def _wait(port: int) -> None:
    service = Service(Path(), port=port)
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            service.get("/")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(port)


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
