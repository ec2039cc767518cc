"""Invent hits that the oracle can tell apart, and a crowd of which sealing folds nothing."""

from __future__ import annotations

import hashlib
import random
from typing import Any

from msgspec.structs import replace

from collector.day import day_at, hour_at, minute_at
from collector.hit import Hit, VisitValues

NOON = 1_795_262_400
ZONES = ("UTC", "Pacific/Chatham", "Pacific/Pago_Pago")


def invented(
    count: int, seed: int = 1, zones: tuple[str, ...] = ZONES, start: int = NOON
) -> list[Hit]:
    """Invent pageviews and events of a few visitors and two hours, each with a path of its own."""
    choose = random.Random(seed)
    return [_one(choose, f"/{seed}-{number}", zones, start) for number in range(count)]


def _one(choose: random.Random, path: str, zones: tuple[str, ...], start: int) -> Hit:
    site = choose.randrange(len(zones))
    zone, visitor = zones[site], choose.randrange(50)
    instant = start + choose.randrange(7200)
    day = day_at(zone, instant)
    first = choose.random() < 0.4
    columns: dict[str, Any] = {
        "pageviews": 1,
        "visits": int(first),
        "bounces": 1 if first else choose.choice((0, -1)),
        "visit_seconds": choose.randrange(100),
        "engaged_ms": choose.randrange(10_000),
        "exit_path": path,
        "left_path": "" if first else choose.choice(("/", "/a")),
    }
    if columns["bounces"] < 0 and choose.random() < 0.5:
        began = instant - 1800
        columns |= {"bounce_hour": hour_at(zone, began), "bounce_minute": minute_at(began)}
    if choose.random() < 0.2:
        columns |= {
            "event": choose.choice(("signup", "buy")),
            "events": 1,
            "properties": ("plan=pro", "colour=red")[: choose.randrange(3)],
            "goals": ("Buyers",)[: choose.randrange(2)],
            "currency": choose.choice(("", "EUR")),
            "revenue": choose.randrange(1000),
        }
    return Hit(
        site=site + 1,
        closes_at=day.closes_at,
        day=day.number,
        hour=hour_at(zone, instant),
        minute=minute_at(instant),
        pseudonym=hashlib.blake2b(f"{site} {visitor}".encode(), digest_size=16).digest(),
        visit=VisitValues(
            entry_path=choose.choice(("/", "/a")),
            source=choose.choice(("Google", "(direct)")),
            channel=choose.choice(("Direct", "Organic Search")),
            country=choose.choice(("DE", "FR", "(none)")),
            browser=choose.choice(("Firefox", "Chrome")),
            os=choose.choice(("Linux", "Windows")),
            device="Desktop",
            utm_campaign=choose.choice(("(none)", "spring")),
            city=choose.choice(("", "DE-Berlin")),
        ),
        path=path,
        hostname="example.org",
        **columns,
    )


CROWD = 8
"""How many visitors do the same: above every threshold of the standard profile."""
_PLACES = (
    {"country": "DE", "region": "DE-BE", "city": "DE-Berlin", "language": "de"},
    {"country": "FR", "region": "FR-IDF", "city": "FR-Paris", "language": "fr"},
)
_MACHINES = (
    {"browser": "Firefox", "browser_version": "Firefox 145", "os": "Linux", "device": "Desktop"},
    {"browser": "Safari", "browser_version": "Safari 26", "os": "iOS", "device": "Mobile"},
)


def a_crowd(zones: tuple[str, ...] = ("UTC", "Pacific/Chatham")) -> list[Hit]:
    """Invent a site's day for each zone: groups of visitors who look at two pages and buy."""
    return [
        hit
        for site, zone in enumerate(zones, 1)
        for group, (place, machine) in enumerate(zip(_PLACES, _MACHINES, strict=True))
        for visitor in range(CROWD)
        for hit in _visit(site, zone, bytes([group, visitor] * 8), {**place, **machine})
    ]


def _visit(site: int, zone: str, pseudonym: bytes, values: dict[str, str]) -> list[Hit]:
    day, hour, minute = day_at(zone, NOON), hour_at(zone, NOON), minute_at(NOON)
    first = Hit(
        site=site,
        closes_at=day.closes_at,
        day=day.number,
        hour=hour,
        minute=minute,
        pseudonym=pseudonym,
        visit=VisitValues(entry_path="/", source="Google", channel="Organic Search", **values),
        path="/",
        hostname="example.org",
        exit_path="/",
        pageviews=1,
        visits=1,
        bounces=1,
    )
    moved = {"path": "/shop", "visits": 0, "visit_seconds": 7}
    bounced = {"bounces": -1, "bounce_hour": hour, "bounce_minute": minute}
    second = replace(first, **moved, **bounced, exit_path="/shop", left_path="/")
    bought = {"event": "buy", "properties": ("plan=pro",), "currency": "EUR", "revenue": 1250}
    nothing = {"pageviews": 0, "bounces": 0, "visit_seconds": 3, "exit_path": "", "left_path": ""}
    third = replace(second, **nothing, **bought, events=1, bounce_hour=0, bounce_minute=0)
    return [first, second, third]
