"""Let invented visitors come: what they do on one day, the same for the same seed.

Pure; knows chance, refuses to know the clock or a store. The facts of each
visitor go through the rules that real hits go through. Called by
`demo.filling`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from itertools import accumulate
from typing import Final, TypeVar

import msgspec

from collector.day import Day, hour_at, minute_at
from collector.demo import world
from collector.hit import Hit, Kind, VisitValues
from collector.ingest.enrich.acquisition import classify_source
from collector.ingest.enrich.device import parse_device, screen_class
from collector.ingest.enrich.page import parse_page
from collector.ingest.visits import VisitDelta, VisitInput, Visits
from collector.registry.sites import Site

Thing = TypeVar("Thing")

VISITORS: Final = 500
COMES_BACK: Final = 0.11
LEAVES: Final = 0.47
SIGNS_UP: Final = 0.11
DOWNLOADS: Final = 0.05

_PAGE_WEIGHTS = tuple(accumulate(1 / rank**0.9 for rank in range(1, len(world.PAGES) + 1)))
_ORIGIN_WEIGHTS = tuple(accumulate(origin.weight for origin in world.ORIGINS))
_HOME_WEIGHTS = tuple(accumulate(home.weight for home in world.HOMES))
_BROWSER_WEIGHTS = tuple(accumulate(browser.weight for browser in world.BROWSERS))


class Action(msgspec.Struct, frozen=True, gc=False):
    """One thing an invented visitor does.

    Attributes:
        at: when, in seconds since 1970.
        visitor: 16 bytes that tell invented visitors of a day apart.
        values: the visit's, should this open one.
        event: a custom event's name; empty for other kinds.
        engaged_ms: how long a page was looked at.
        scroll: how deep, 0 to 100; None for other kinds.
    """

    at: int
    visitor: bytes
    kind: Kind
    path: str
    values: VisitValues
    event: str = ""
    plan: str = ""
    engaged_ms: int = 0
    scroll: int | None = None


def actions_of(seed: int, day: Day) -> list[Action]:
    """Invent one day: 300 to 900 visitors, in the order of what they do.

    The same seed and day give the same deeds.
    """
    chance = random.Random(f"{seed}:{day.number}")  # noqa: S311 - invented on purpose
    weekday = world.WEEKDAYS[day.date.weekday()]
    # A site that slowly grows: by a quarter in a year, around any day one looks.
    season = 1 + 0.12 * ((day.number % 365) / 365)
    count = round(VISITORS * weekday * season * chance.uniform(0.85, 1.15))
    deeds = [deed for number in range(count) for deed in _visitor(chance, seed, day, number)]
    deeds.sort(key=lambda deed: (deed.at, deed.visitor))
    return deeds


def take_step(visits: Visits, site: Site, day: Day, deed: Action) -> tuple[Hit, VisitDelta]:
    """Make a deed a hit, as `ingest.assemble` would of a payload."""
    step = visits.record(
        VisitInput(
            site=site.id,
            closes_at=day.closes_at,
            pseudonym=deed.visitor,
            now=deed.at,
            kind=deed.kind,
            path=deed.path,
            values=lambda: deed.values,
            scroll=deed.scroll,
        )
    )
    hit = Hit(
        site=site.id,
        closes_at=day.closes_at,
        day=day.number,
        hour=hour_at(site.zone, deed.at),
        minute=minute_at(deed.at),
        pseudonym=deed.visitor,
        counts_visitor=deed.kind is not Kind.ENGAGEMENT,
        visit=step.values,
        path=deed.path,
        hostname=world.DOMAIN,
        event=deed.event,
        exit_path=step.exit_path,
        left_path=step.left_path,
        properties=(f"plan={deed.plan}",) if deed.plan else (),
        goals=(deed.event,) if deed.plan else (),
        pageviews=int(deed.kind is Kind.PAGEVIEW),
        events=int(deed.kind is Kind.EVENT),
        visits=step.visits,
        bounces=step.bounces,
        bounce_hour=hour_at(site.zone, step.bounced_at) if step.bounced_at else 0,
        bounce_minute=minute_at(step.bounced_at),
        visit_seconds=step.seconds,
        engaged_ms=deed.engaged_ms,
        engaged_pageviews=step.engaged_pageviews,
        scroll_percent=step.scroll,
    )
    return hit, step


def _visitor(chance: random.Random, seed: int, day: Day, number: int) -> Iterator[Action]:
    name = blake2b(f"{seed}:{day.number}:{number}".encode(), digest_size=16).digest()
    home = _one_of(chance, world.HOMES, _HOME_WEIGHTS)
    browser = _one_of(chance, world.BROWSERS, _BROWSER_WEIGHTS)
    for _ in range(1 + (chance.random() < COMES_BACK)):
        local = chance.choices(range(24), weights=world.HOURS)[0]
        hour = (local - home.offset) % 24
        at = day.opens_at + hour * 3600 + chance.randrange(3600)
        yield from _visit(chance, day, at, (name, home, browser))


def _visit(
    chance: random.Random,
    day: Day,
    at: int,
    who: tuple[bytes, world.DemoLocation, world.DemoBrowser],
) -> Iterator[Action]:
    name, home, browser = who
    origin = _one_of(chance, world.ORIGINS, _ORIGIN_WEIGHTS)
    path = _page(chance, origin.lands)
    values = _values(path, origin, home, browser)
    while at < day.closes_at:
        yield Action(at, name, Kind.PAGEVIEW, path, values)
        stays = min(int(chance.lognormvariate(3.3, 0.9)) + 2, 900)
        if at + stays >= day.closes_at:
            return
        yield from _events(chance, at + stays // 2, path, (name, values))
        at += stays
        depth = min(100, int(chance.betavariate(2.2, 1.3) * 100) + 5)
        yield Action(at, name, Kind.ENGAGEMENT, path, values, engaged_ms=stays * 800, scroll=depth)
        if chance.random() < LEAVES:
            return
        path = _page(chance, len(world.PAGES))
        at += 1


def _events(
    chance: random.Random, at: int, path: str, who: tuple[bytes, VisitValues]
) -> Iterator[Action]:
    name, values = who
    if path == "/pricing" and chance.random() < SIGNS_UP:
        plan = chance.choices(world.PLANS, weights=(4, 2, 1))[0]
        yield Action(at, name, Kind.EVENT, path, values, event="Signup", plan=plan)
    elif path.startswith("/docs/") and chance.random() < DOWNLOADS:
        yield Action(at, name, Kind.EVENT, path, values, event="File Download")


def _page(chance: random.Random, first: int) -> str:
    weights = _PAGE_WEIGHTS[:first]
    return chance.choices(world.PAGES[:first], cum_weights=weights)[0]


def _values(
    path: str, origin: world.DemoSource, home: world.DemoLocation, browser: world.DemoBrowser
) -> VisitValues:
    page = parse_page(f"https://{world.DOMAIN}{path}?{origin.tags}")
    came = classify_source(origin.referrer, world.DOMAIN.__eq__, page.query)
    device = parse_device(browser.user_agent)
    return VisitValues(
        entry_path=page.path,
        referrer=came.referrer,
        source=came.source,
        channel=came.channel,
        utm_source=came.utm_source,
        utm_medium=came.utm_medium,
        utm_campaign=came.utm_campaign,
        utm_term=came.utm_term,
        utm_content=came.utm_content,
        country=home.country,
        region=home.region,
        city=home.city,
        browser=device.browser,
        browser_version=device.browser_version,
        os=device.os,
        os_version=device.os_version,
        device=device.device,
        screen=screen_class(browser.width),
        language=home.language,
    )


def _one_of(chance: random.Random, things: tuple[Thing, ...], weights: tuple[float, ...]) -> Thing:
    return chance.choices(things, cum_weights=weights)[0]
