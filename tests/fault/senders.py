"""Send hits to a real service, of which the oracle knows every cell, and remember the answers.

Every visitor has an address of its own and makes one visit of a few pageviews and
events, each on a path of its own; what a browser sends and what must be kept of
it stand side by side. A visit never spans the end of a minute, so its hour and
minute are known. How many seconds it took is the one thing only the service can
tell: the cell of its entry page says so, within what the sender measured, and
all other views must agree.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Set as AbstractSet
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from msgspec.structs import replace

from collector.cells.client import Store
from collector.hit import Hit, VisitValues
from tests.fault import oracle
from tests.service import CHROME, Service

ACCEPTED = 202
SENDERS = "abcd"
TRUSTING = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"}
PACE_S = 0.01
"""A sender's rest between hits, so that a site's paths stay below the cap of 5 000 a day."""
MINUTE, HOUR, DAY = 60, 3600, 86_400
MINUTE_ENDS_S = 5
"""Before the end of a minute senders keep silent so long, for an answer may take its time."""
ENTRY_VIEW = 15

_NOTHING = {"region": "(unknown)", "city": "(unknown)"}
PLACES = (
    ("198.18", {"country": "(unknown)", **_NOTHING}),
    ("133.1", {"country": "JP", **_NOTHING}),
)
BROWSERS: tuple[tuple[str, dict[str, Any], dict[str, str]], ...] = (
    (
        CHROME,
        {},
        {"browser": "Chrome", "browser_version": "Chrome 142", "os": "Linux"}
        | {"os_version": "(none)", "device": "Desktop", "screen": "(none)", "language": "(none)"},
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        {"w": 1200, "l": "de-DE"},
        {"browser": "Firefox", "browser_version": "Firefox 145", "os": "Windows"}
        | {"os_version": "(none)", "device": "Desktop", "screen": "Laptop 992-1439"}
        | {"language": "de"},
    ),
)
_UNTAGGED = {f"utm_{tag}": "(none)" for tag in ("source", "medium", "campaign", "term", "content")}
ORIGINS: tuple[tuple[str, dict[str, Any], dict[str, str]], ...] = (
    ("", {}, {"referrer": "(none)", "source": "(direct)", "channel": "Direct", **_UNTAGGED}),
    (
        "",
        {"r": "https://www.google.com/"},
        {"referrer": "google.com", "source": "Google", "channel": "Organic Search", **_UNTAGGED},
    ),
    (
        "?utm_source=news&utm_medium=email&utm_campaign=spring",
        {},
        {"referrer": "(none)", "source": "news", "channel": "Email", **_UNTAGGED}
        | {"utm_source": "news", "utm_medium": "email", "utm_campaign": "spring"},
    ),
)


class Site(NamedTuple):
    """A site as the registry numbers it."""

    number: int
    domain: str


class Visit:
    """What one visitor does: each step is what its browser sends, and the hit it must become."""

    def __init__(self, site: Site, visitor: int, entry_path: str, chance: random.Random) -> None:
        """Choose who the visitor is."""
        network, place = PLACES[visitor % 2]
        agent, self._sent, browser = chance.choice(BROWSERS)
        self._query, self._origin, origin = chance.choice(ORIGINS)
        address = f"{network}.{visitor >> 8 & 255}.{visitor & 255}"
        self.headers = {"User-Agent": agent, "X-Forwarded-For": address}
        self.entry_path, self.began = entry_path, time.time()
        self._site, self._chance = site, chance
        self._pseudonym = visitor.to_bytes(16, "big")
        self._values = VisitValues(entry_path=entry_path, **place, **browser, **origin)
        self._steps, self._exit = 0, ""

    def step(self, path: str) -> tuple[bytes, Hit]:
        """Go on to a path, to look at it or to do something there."""
        self._steps += 1
        now, first = int(self.began), self._steps == 1
        hour, minute = now // HOUR * HOUR, now // MINUTE * MINUTE
        sent = {"u": f"http://{self._site.domain}{path}", "d": self._site.domain, **self._sent}
        hit = Hit(
            site=self._site.number,
            closes_at=(now // DAY + 1) * DAY,
            day=now // DAY,
            hour=hour,
            minute=minute,
            pseudonym=self._pseudonym,
            visit=self._values,
            path=path,
            hostname=self._site.domain,
            visits=int(first),
            bounces={1: 1, 2: -1}.get(self._steps, 0),
            bounce_hour=hour if self._steps == 2 else 0,
            bounce_minute=minute if self._steps == 2 else 0,
        )
        if not first and self._chance.random() < 0.2:
            plan = {"amount": "12.50", "currency": "EUR"}
            sent |= {"n": "buy", "p": {"plan": "pro"}, "$": plan}
            bought = {"event": "buy", "properties": ("plan=pro",), "currency": "EUR"}
            hit = replace(hit, events=1, revenue=1250, **bought)
        else:
            sent |= {"n": "pageview", **(self._origin if first else {})}
            sent["u"] += self._query if first else ""
            hit = replace(hit, pageviews=1, exit_path=path, left_path=self._exit)
            self._exit = path
        return json.dumps(sent).encode(), hit


class Stream:
    """Senders that work side by side, each at one site at a time, and what they heard.

    Attributes:
        sent: every hit, by its path.
        acknowledged: the paths of those that were answered with 202.
        answers: how often each status came, with what it said of trying again.
    """

    def __init__(self, service: Service, pace_s: float = PACE_S) -> None:
        """Know a service and its sites; nothing is sent yet."""
        self._port, self._pace_s = service.port, pace_s
        self._sites = [Site(number, name) for number, name in enumerate(service.public_sites, 1)]
        self.sent: dict[str, Hit] = {}
        self.acknowledged: set[str] = set()
        self.answers: Counter[tuple[int, str | None]] = Counter()
        self._answered: dict[str, tuple[float, float]] = {}
        self._visitors, self._rounds = itertools.count(), itertools.count()
        self._ends = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to send: a new round, of new visitors on new paths."""
        self._ends.clear()
        number = next(self._rounds)
        self._threads = [
            threading.Thread(target=self._send, args=(f"{number}{sender}", place))
            for place, sender in enumerate(SENDERS, number * len(SENDERS))
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        """Wait until so many more hits were acknowledged; a minute at most."""
        enough, ends = len(self.acknowledged) + more, time.monotonic() + MINUTE
        while len(self.acknowledged) < enough and time.monotonic() < ends:
            time.sleep(0.02)

    def stop(self) -> None:
        """Wait for every sender to end."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _send(self, prefix: str, place: int) -> None:
        site, chance = self._sites[place % len(self._sites)], random.Random(prefix)
        visit, number = None, 0
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            while not self._ends.wait(self._pace_s):
                if time.time() % MINUTE > MINUTE - MINUTE_ENDS_S:
                    visit = None
                    continue
                number += 1
                path = f"/{prefix}-{number}"
                visit = visit or Visit(site, next(self._visitors), path, chance)
                status = self._report(connection, visit, path)
                if status is None:
                    return
                if status != ACCEPTED or chance.random() < 0.3:
                    visit = None

    def _report(self, connection: HTTPConnection, visit: Visit, path: str) -> int | None:
        """Report one hit; None if no answer came."""
        body, self.sent[path] = visit.step(path)
        try:
            connection.request("POST", "/api/event", body, visit.headers)
            with closing(connection.getresponse()) as answer:
                answer.read()
        except (OSError, HTTPException):
            return None
        finally:
            self._answered[visit.entry_path] = (visit.began, time.time())
        self.answers[answer.status, answer.headers["Retry-After"]] += 1
        if answer.status == ACCEPTED:
            self.acknowledged.add(path)
        return answer.status

    def verdict(self, store: Store, acknowledged: AbstractSet[str] | None = None) -> list[str]:
        """Say everything that is wrong with a store; an empty list if nothing is.

        Args:
            acknowledged: the paths that must be there; those known by now unless told otherwise.
        """
        must = self.acknowledged if acknowledged is None else acknowledged
        seconds = _seconds_by_entry(store)
        wrong = [
            f"the visit of {entry} lasted {seconds.get(entry, 0)} s, or past its minute"
            for entry, (began, ended) in self._answered.items()
            if not 0 <= seconds.get(entry, 0) <= ended - began + 1 or began // 60 != ended // 60
        ]
        hits = {
            path: replace(hit, visit_seconds=seconds.get(path, 0)) if hit.visits else hit
            for path, hit in self.sent.items()
        }
        others = [hit for path, hit in hits.items() if path not in must]
        return wrong + oracle.verdict(store, [hits[path] for path in must], others)

    def verdict_on(
        self, service: Service, acknowledged: AbstractSet[str] | None = None
    ) -> list[str]:
        """Judge the store of a service that has ended, as `verdict`."""
        dsn = service.environ.get("FOOTFALL_CLICKHOUSE_DSN", "")
        store = Store(service.data_dir / "clickhouse", dsn)
        try:
            return self.verdict(store, acknowledged)
        finally:
            store.close()


def _seconds_by_entry(store: Store) -> dict[str, int]:
    rows = store.query(
        f"SELECT value, sum(visit_seconds) FROM open_cells WHERE view = {ENTRY_VIEW} "
        "AND grain = 0 GROUP BY value"
    )
    return {entry: int(seconds) for entry, seconds in rows}
