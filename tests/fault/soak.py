"""Hold a steady load while service and server are killed, then count: `make soak MINUTES=10`.

Half of the time the engine is in the service's process, half of the time a server
of its own, which is killed too. Each sender gives all hits of one round a path of
their own and ends with the first answer that is missing: so the store must have
what was acknowledged of a path, or one hit more. SEED repeats a run's chances.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.cells.client import Store
from collector.cells.views import DIMENSIONS, VIEWS, Scope
from tests.clickhouse_process import Front, a_front, new_database
from tests.service import CHROME, Service

MINUTES = float(os.environ.get("MINUTES", "10"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
SENDERS, CHECK_SECONDS = 4, 120


class Load:
    """Senders at full speed, and what they heard.

    Attributes:
        acknowledged: how often each path was answered with 202.
        uncertain: how often each path's answer was missing or another.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.acknowledged: Counter[str] = Counter()
        self.uncertain: Counter[str] = Counter()
        self._ends = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, number: int) -> None:
        """Begin to send, each sender to a path of its own."""
        self._ends.clear()
        paths = [f"/round-{number}-{sender}" for sender in "abcdefgh"[:SENDERS]]
        self._threads = [threading.Thread(target=self._send, args=(path,)) for path in paths]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for every sender to end."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _send(self, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = json.dumps({"n": "pageview", "u": f"http://localhost{path}", "d": "localhost"})
        number = 0
        while not self._ends.is_set():
            number += 1
            headers = {"User-Agent": CHROME, "X-Forwarded-For": _address(path, number)}
            try:
                connection.request("POST", "/api/event", body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.uncertain[path] += 1
                return
            if answer.status != http.client.ACCEPTED:
                self.uncertain[path] += 1
                return
            self.acknowledged[path] += 1


def _address(path: str, number: int) -> str:
    return f"{20 + hash(path) % 150}.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250}"


def main() -> int:
    """Soak both kinds of store; return 0 if nothing was lost or doubled."""
    print(f"seed {SEED}, {MINUTES:g} minutes", flush=True)
    chance = random.Random(SEED)
    wrong = []
    for name, kind in (("embedded", _embedded), ("server", _server)):
        with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as (service, front):
            wrong += [f"{name}: {one}" for one in _soak(name, service, front, chance)]
    print("\n".join(wrong) or "verdict: every acknowledged hit counted once, every view adds up")
    return 1 if wrong else 0


@contextmanager
def _embedded(folder: Path) -> Iterator[tuple[Service, None]]:
    yield Service(folder / "data", environ={"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"}), None


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Service, Front]]:
    with a_front(folder / "server") as front:
        environ = {
            "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32",
            "FOOTFALL_CLICKHOUSE_DSN": new_database(front),
        }
        yield Service(folder / "data", environ=environ), front


def _soak(name: str, service: Service, front: Front | None, chance: random.Random) -> list[str]:
    load, rounds, ends = Load(service.port), 0, time.monotonic() + MINUTES * 30
    deaths: Counter[str] = Counter()
    while time.monotonic() < ends:
        rounds += 1
        if service.process is None:
            service.start()
        load.start(rounds)
        time.sleep(chance.uniform(0.5, 5))
        victim = chance.choice(("service", "server", "both")) if front else "service"
        deaths[victim] += 1
        if front is not None and victim != "service":
            front.kill()
        if victim != "server":
            service.kill()
        load.stop()
        if front is not None and victim != "service":
            front.start()
    if service.process is None:
        service.start()
    sent = sum(load.acknowledged.values())
    print(f"{name}: {rounds} rounds, killed {dict(deaths)}, {sent} acknowledged", flush=True)
    service.wait_for(True, lambda: service.aggregate()["pageviews"] >= sent, CHECK_SECONDS)
    code = service.stop()
    store = Store(
        service.data_dir / "clickhouse", service.environ.get("FOOTFALL_CLICKHOUSE_DSN", "")
    )
    try:
        return [*([f"exit code {code}"] if code else []), *verdict(store, load)]
    finally:
        store.close()


def verdict(store: Store, load: Load) -> list[str]:
    """Say everything that is wrong with what a store has of a load."""
    rows = store.query(
        "SELECT value, sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0 GROUP BY value"
    )
    counted = {path: int(count) for path, count in rows}
    wrong = [
        f"{path}: {load.acknowledged[path]} acknowledged, {counted.get(path, 0)} counted"
        for path in sorted(load.acknowledged | load.uncertain)
        if not 0 <= counted.get(path, 0) - load.acknowledged[path] <= load.uncertain[path]
    ]
    wrong += [
        f"from nowhere: {path}"
        for path in counted.keys() - load.acknowledged.keys() - load.uncertain.keys()
    ]
    return wrong + _that_do_not_add_up(store, sum(counted.values()))


def _that_do_not_add_up(store: Store, hits: int) -> list[str]:
    """Compare each view that every pageview has a cell in with the number of pageviews."""
    rows = store.query(
        "SELECT view, grain, sum(pageviews), sum(visits), min(least(visits, bounces)) FROM "
        "(SELECT view, grain, value, other, at, sum(pageviews) AS pageviews, "
        "sum(visits) AS visits, sum(bounces) AS bounces FROM open_cells WHERE view != 0 "
        "GROUP BY view, grain, value, other, at) GROUP BY view, grain"
    )
    everywhere = {view.id for view in VIEWS if set(view.dimensions) <= _ALWAYS}
    wrong = [
        f"view {view}, grain {grain}: {pageviews} of {hits} pageviews"
        for view, grain, pageviews, *_ in rows
        if view in everywhere and int(pageviews) != hits
    ]
    return wrong + [
        f"view {view}, grain {grain}: below nought"
        for view, grain, _, _, least in rows
        if int(least) < 0
    ]


_ALWAYS = {
    name
    for name in (
        "path",
        "hostname",
        "source",
        "channel",
        "country",
        "device",
        "browser",
        "os",
        "entry_path",
        "utm_campaign",
    )
    if DIMENSIONS[name].scope is not Scope.EXIT
}


if __name__ == "__main__":
    sys.exit(main())
