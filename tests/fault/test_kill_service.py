"""kill -9 of the whole service in the middle of a stream of hits."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from collector.cells.client import Store
from tests.service import CHROME, Service

KILLS = 10
ACCEPTED = 202
HEADERS = {"User-Agent": CHROME}
SITES = ("a.example", "b.example", "c.example", "d.example")
PACE_S = 0.004
"""A sender's rest between hits, so that a site's paths stay below the cap of 5 000 a day."""


class Stream:
    """Send hits with ever new paths, a thread for each site; remember which were acknowledged."""

    def __init__(self, port: int, sites: Sequence[str] = ("localhost",) * 4) -> None:
        self.port = port
        self.sites = sites
        self.acknowledged: set[str] = set()
        self.uncertain: set[str] = set()
        self._ends = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, prefix: str) -> None:
        """Begin to send; paths begin with the prefix."""
        self._ends.clear()
        self._threads = [
            threading.Thread(target=self._send, args=(site, f"{prefix}{name}"))
            for name, site in zip("abcd", self.sites, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for every sender to end."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _send(self, site: str, prefix: str) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            number = 0
            while not self._ends.wait(PACE_S):
                number += 1
                path = f"/{prefix}-{number}"
                status = _reported(connection, site, path)
                (self.acknowledged if status == ACCEPTED else self.uncertain).add(path)
                if status is None:
                    return


def _reported(connection: HTTPConnection, site: str, path: str) -> int | None:
    """Report one hit; None if no answer came."""
    try:
        connection.request("POST", "/api/event", _payload(site, path), HEADERS)
        with closing(connection.getresponse()) as answer:
            answer.read()
            return answer.status
    except (OSError, HTTPException):
        return None


def _payload(site: str, path: str) -> bytes:
    return json.dumps({"n": "pageview", "u": f"http://{site}{path}", "d": site}).encode()


def test_nothing_acknowledged_is_lost_or_doubled_by_ten_kills(tmp_path: Path) -> None:
    """After ten kills every acknowledged hit is counted once, and no other more than once."""
    service = Service(tmp_path / "data", SITES)
    stream = Stream(service.port, SITES)
    chance = random.Random(20261123)

    for round_number in range(KILLS):
        service.start()
        stream.start(f"{round_number}")
        threading.Event().wait(chance.uniform(0.3, 2.5))
        service.kill()
        stream.stop()
    service.start()
    assert 0 == service.stop()

    counted = _pageviews_by_path(tmp_path / "data" / "clickhouse")
    assert len(stream.acknowledged) > 500
    assert [] == sorted(path for path in stream.acknowledged if counted.get(path) != 1)
    assert [] == sorted(path for path, count in counted.items() if count != 1)
    assert counted.keys() <= stream.acknowledged | stream.uncertain


def _pageviews_by_path(folder: Path) -> dict[str, int]:
    store = Store(folder)
    try:
        rows = store.query(
            "SELECT value, sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0 "
            "AND value LIKE '%-%' GROUP BY value"
        )
    finally:
        store.close()
    return {path: int(count) for path, count in rows}
