"""Invent hits that the oracle can tell apart."""

from __future__ import annotations

import hashlib
import random
from typing import Any

from collector.day import day_at, hour_at, minute_at
from collector.hit import Hit, VisitValues

NOON = 1_795_262_400
ZONES = ("UTC", "Pacific/Chatham", "Pacific/Pago_Pago")


def invented(
    count: int, seed: int = 1, prefix: str = "", zones: tuple[str, ...] = ZONES
) -> list[Hit]:
    """Invent pageviews and events of a few visitors, each with a path of its own."""
    choose = random.Random(seed)
    return [_one(choose, f"/{prefix}{seed}-{number}", zones) for number in range(count)]


def _one(choose: random.Random, path: str, zones: tuple[str, ...]) -> Hit:
    site = choose.randrange(len(zones))
    zone, visitor = zones[site], choose.randrange(50)
    instant = NOON + choose.randrange(7200)
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
