"""Generate the traffic of one day: the same actions for the same seed and day.

`world.toml` holds the pages, sources, locations and browsers with their weights. Each visitor's
facts pass the rules that real hits pass.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from collector.day import Day, hour_at, minute_at
from collector.hit import Hit, Kind, VisitValues
from collector.ingest.enrich.acquisition import classify_source
from collector.ingest.enrich.device import parse_device, screen_class
from collector.ingest.enrich.page import parse_page
from collector.ingest.visits import VisitDelta, VisitInput, Visits
from collector.registry.sites import Site

VISITORS: Final = 500
COMES_BACK: Final = 0.11
LEAVES: Final = 0.47
SIGNS_UP: Final = 0.11
DOWNLOADS: Final = 0.05


class DemoSource(NamedTuple):
    """Where a visit comes from.

    Attributes:
        landing_pages: how many of the first pages a visit may begin at.
    """

    weight: float
    referrer: str
    query: str
    landing_pages: int


class DemoLocation(NamedTuple):
    """Where a visitor is, with the hours its clock is ahead of UTC."""

    weight: float
    country: str
    region: str
    city: str
    language: str
    offset: int


class DemoBrowser(NamedTuple):
    """What a visitor uses."""

    weight: float
    width: int
    user_agent: str


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of `world.toml`."""

    domain: str
    pages: tuple[str, ...]
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    plans: tuple[str, ...]
    sources: tuple[DemoSource, ...]
    locations: tuple[DemoLocation, ...]
    browsers: tuple[DemoBrowser, ...]


WORLD: Final = msgspec.toml.decode(
    Path(__file__).with_name("world.toml").read_bytes(), type=World, strict=False
)
_PAGE_WEIGHTS: Final = tuple(1 / rank**0.9 for rank in range(1, len(WORLD.pages) + 1))


class Action(NamedTuple):
    """One action of a visitor.

    Attributes:
        at: when, in seconds since 1970.
        visitor: 16 bytes, different for each visitor of a day.
        values: the visit's, should this action begin one.
        event: a custom event's name; empty for other kinds.
        scroll: depth, 0 to 100; None for other kinds than engagement.
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
    """Generate the actions of one day's 300 to 900 visitors, in their order."""
    chance = random.Random(f"{seed}:{day.number}")  # noqa: S311 - not for secrets
    # The site seems to grow: by an eighth within each year.
    growth = 1 + 0.12 * ((day.number % 365) / 365)
    weekday = WORLD.weekdays[day.date.weekday()]
    count = round(VISITORS * weekday * growth * chance.uniform(0.85, 1.15))
    actions = [
        action
        for number in range(count)
        for action in _visitor(chance, day, f"{seed}:{day.number}:{number}")
    ]
    actions.sort(key=lambda action: (action.at, action.visitor))
    return actions


def build_hit(visits: Visits, site: Site, day: Day, action: Action) -> tuple[Hit, VisitDelta]:
    """Build the hit of an action, as `ingest.pipeline` would from a payload."""
    delta = visits.record(
        VisitInput(
            site=site.id,
            closes_at=day.closes_at,
            pseudonym=action.visitor,
            now=action.at,
            kind=action.kind,
            path=action.path,
            values=lambda: action.values,
            scroll=action.scroll,
        )
    )
    hit = Hit(
        site=site.id,
        closes_at=day.closes_at,
        day=day.number,
        hour=hour_at(site.zone, action.at),
        minute=minute_at(action.at),
        pseudonym=action.visitor,
        counts_visitor=action.kind is not Kind.ENGAGEMENT,
        visit=delta.values,
        path=action.path,
        hostname=WORLD.domain,
        event=action.event,
        exit_path=delta.exit_path,
        left_path=delta.left_path,
        properties=(f"plan={action.plan}",) if action.plan else (),
        goals=(action.event,) if action.plan else (),
        pageviews=int(action.kind is Kind.PAGEVIEW),
        events=int(action.kind is Kind.EVENT),
        visits=delta.visits,
        bounces=delta.bounces,
        bounce_hour=hour_at(site.zone, delta.bounced_at) if delta.bounced_at else 0,
        bounce_minute=minute_at(delta.bounced_at),
        visit_seconds=delta.seconds,
        engaged_ms=action.engaged_ms,
        engaged_pageviews=delta.engaged_pageviews,
        scroll_percent=delta.scroll,
    )
    return hit, delta


def _visitor(chance: random.Random, day: Day, name: str) -> Iterator[Action]:
    visitor = blake2b(name.encode(), digest_size=16).digest()
    (location,) = chance.choices(WORLD.locations, [each.weight for each in WORLD.locations])
    (browser,) = chance.choices(WORLD.browsers, [each.weight for each in WORLD.browsers])
    for _ in range(1 + (chance.random() < COMES_BACK)):
        (local_hour,) = chance.choices(range(24), WORLD.hours)
        hour = (local_hour - location.offset) % 24
        at = day.opens_at + hour * 3600 + chance.randrange(3600)
        (source,) = chance.choices(WORLD.sources, [each.weight for each in WORLD.sources])
        path = _page(chance, source.landing_pages)
        values = _visit_values(path, source, location, browser)
        yield from _visit(chance, day, Action(at, visitor, Kind.PAGEVIEW, path, values))


def _visit(chance: random.Random, day: Day, view: Action) -> Iterator[Action]:
    while view.at < day.closes_at:
        yield view
        stays = min(int(chance.lognormvariate(3.3, 0.9)) + 2, 900)
        if view.at + stays >= day.closes_at:
            return
        yield from _events(chance, view._replace(at=view.at + stays // 2, kind=Kind.EVENT))
        left_at = view.at + stays
        yield view._replace(
            at=left_at,
            kind=Kind.ENGAGEMENT,
            engaged_ms=stays * 800,
            scroll=min(100, int(chance.betavariate(2.2, 1.3) * 100) + 5),
        )
        if chance.random() < LEAVES:
            return
        view = view._replace(at=left_at + 1, path=_page(chance, len(WORLD.pages)))


def _events(chance: random.Random, event: Action) -> Iterator[Action]:
    if event.path == "/pricing" and chance.random() < SIGNS_UP:
        (plan,) = chance.choices(WORLD.plans, (4, 2, 1))
        yield event._replace(event="Signup", plan=plan)
    elif event.path.startswith("/docs/") and chance.random() < DOWNLOADS:
        yield event._replace(event="File Download")


def _page(chance: random.Random, first: int) -> str:
    return chance.choices(WORLD.pages[:first], _PAGE_WEIGHTS[:first])[0]


def _visit_values(
    path: str, source: DemoSource, location: DemoLocation, browser: DemoBrowser
) -> VisitValues:
    page = parse_page(f"https://{WORLD.domain}{path}?{source.query}")
    return VisitValues(
        page.path,
        *classify_source(source.referrer, WORLD.domain.__eq__, page.query)[:-1],
        location.country,
        location.region,
        location.city,
        *parse_device(browser.user_agent)[:-1],
        screen_class(browser.width),
        location.language,
    )
