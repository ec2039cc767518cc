"""Generate the visitors of one day, some with rare habits, and their hits."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collector.hit import NONE, Hit, VisitValues
from collector.privacy.pseudonym import pseudonym
from tests.integration.closing import CLOSES_AT, DAY
from tests.integration.seeding import hit

BROWSERS = ("Chrome", "Safari", "Firefox", "Edge", "Opera", "Samsung Internet", "Konqueror", "Lynx")
SYSTEMS = ("Windows", "Android", "iOS", "macOS", "Linux", "FreeBSD", "Haiku")


@dataclass(frozen=True, slots=True)
class Visitor:
    """One visitor: what an attacker may know of them, and their habits.

    Attributes:
        network: the bytes of their address.
        user_agent: as their browser sends it.
        values: of their only visit.
        paths: the pages they read, in order.
        engaged_ms: how long they looked at each.
    """

    network: bytes
    user_agent: bytes
    values: VisitValues
    paths: tuple[str, ...]
    engaged_ms: tuple[int, ...]

    @property
    def hour(self) -> int:
        """The hour of their visit, which the attacker may know as well."""
        return self.network[-1] % 24

    def hits(self, secret: bytes, **changes: Any) -> Iterator[Hit]:
        """Generate the visitor's hits of the day, under the pseudonym of a secret."""
        who = pseudonym(secret, self.network, self.user_agent)
        for place, (path, engaged) in enumerate(zip(self.paths, self.engaged_ms, strict=True)):
            facts: dict[str, Any] = {
                "pseudonym": who,
                "visit": self.values,
                "path": path,
                "exit_path": path,
                "left_path": self.paths[place - 1] if place else "",
                "visits": int(place == 0),
                "bounces": (1, -1, 0)[min(place, 2)],
                "visit_seconds": engaged // 1000 if place else 0,
                "engaged_ms": engaged,
                "engaged_pageviews": 1,
            }
            yield hit("", f"{DAY} {self.hour:02}:{place % 60:02}", **(facts | changes))


def invent(count: int, seed: int = 1) -> list[Visitor]:
    """Generate so many visitors, deterministic by seed."""
    choose = random.Random(seed)
    return [_visitor(choose, number) for number in range(count)]


def secret(seed: int = 1) -> bytes:
    """Generate a day secret."""
    return hashlib.blake2b(b"%d %d" % (seed, CLOSES_AT), digest_size=32).digest()


def _visitor(choose: random.Random, number: int) -> Visitor:
    country = _zipf(choose, 240)
    browser, system = BROWSERS[_zipf(choose, 8, 1.0)], SYSTEMS[_zipf(choose, 7, 1.0)]
    version = 150 - _zipf(choose, 40)
    pages = 1 + min(60, int(choose.expovariate(0.35)))
    paths = tuple(
        "/" if choose.random() < 0.2 else f"/p/{_zipf(choose, 400)}" for _ in range(pages)
    )
    return Visitor(
        network=b"\x0a" + number.to_bytes(3, "big"),
        user_agent=f"{browser}/{version} ({system}; {number % 97})".encode(),
        values=VisitValues(
            entry_path=paths[0],
            source=choose.choice((NONE, "Google", f"Source {_zipf(choose, 80)}")),
            channel=choose.choice(("Direct", "Organic Search", "Social")),
            referrer=f"host{_zipf(choose, 900)}.example/",
            country=f"C{country}",
            region=f"C{country}-R{_zipf(choose, 9)}",
            city=f"C{country}-T{_zipf(choose, 30)}",
            browser=browser,
            browser_version=f"{browser} {version}",
            os=system,
            os_version=f"{system} {_zipf(choose, 9)}",
            device=choose.choice(("Desktop", "Mobile", "Mobile", "Tablet")),
            screen=choose.choice(("XS", "S", "M", "L", "XL")),
            language=f"l{country if choose.random() < 0.8 else _zipf(choose, 90)}",
            utm_campaign=NONE if choose.random() < 0.9 else f"mail {_zipf(choose, 50)}",
        ),
        paths=paths,
        engaged_ms=tuple(choose.randint(400, 90_000) for _ in range(pages)),
    )


def _zipf(choose: random.Random, values: int, power: float = 1.3) -> int:
    while True:
        value = int(choose.paretovariate(power - 0.3)) - 1
        if value < values:
            return value
