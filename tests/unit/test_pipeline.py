"""A payload becomes one hit, or is dropped for a reason from the closed list."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.day import day_at
from collector.hit import NONE, OTHER, Drop, Hit, Kind
from collector.ingest.enrich.geo import GeoDatabase, Place
from collector.ingest.enrich.page import PageRules
from collector.ingest.payload import Payload
from collector.ingest.pipeline import (
    BuiltHit,
    IngestContext,
    SenderOverrides,
    build_hit,
    forget_visitors,
    sites_named,
)
from collector.ingest.site_rules import SiteRules
from collector.privacy.address import Networks
from collector.privacy.pseudonym import _keyed
from collector.registry.sites import Goal
from tests.builders import (
    CHROME,
    IPHONE,
    NOON,
    FakeClock,
    a_context,
    a_payload,
    a_site,
    an_admitted,
    some_sites,
)

UA = (b"user-agent", CHROME)


def made(
    payload: Payload | None = None,
    *headers: tuple[bytes, bytes],
    context: IngestContext | None = None,
    **request: Any,
) -> Hit:
    """Assemble a hit that must be accepted."""
    found = build_hit(
        payload or a_payload(),
        an_admitted(*(headers or (UA,)), **request),
        context or a_context(),
        "example.org",
    )
    assert isinstance(found, BuiltHit)
    return found.hit


def test_a_pageview_fills_every_column_it_can() -> None:
    """Page, origin, browser, time and visit of a first pageview are all in the hit."""
    payload = a_payload(
        url="https://www.example.org/blog/hello?utm_source=news&utm_campaign=autumn&secret=1",
        referrer="https://www.google.com/search?q=x",
        screen_width=1440,
        language="de-AT",
    )

    hit = made(payload, peer="81.2.69.142")
    day = day_at("UTC", NOON)

    assert (1, day.closes_at, day.number) == (hit.site, hit.closes_at, hit.day)
    assert (int(NOON), int(NOON)) == (hit.hour, hit.minute)
    assert ("/blog/hello", "www.example.org") == (hit.path, hit.hostname)
    assert (1, 0, 1, 1) == (hit.pageviews, hit.events, hit.visits, hit.bounces)
    assert ("/blog/hello", "", "") == (hit.exit_path, hit.left_path, hit.event)
    visit = hit.visit
    assert ("/blog/hello", "news", "autumn") == (
        visit.entry_path,
        visit.utm_source,
        visit.utm_campaign,
    )
    assert ("Chrome", "Chrome 142", "Windows") == (
        visit.browser,
        visit.browser_version,
        visit.os,
    )
    assert ("GB", "de", "Desktop") == (visit.country, visit.language, visit.device)
    assert NONE != visit.screen
    assert 16 == len(hit.pseudonym)


def test_the_hit_belongs_to_the_sites_local_day() -> None:
    """At noon UTC it is tomorrow in Kiritimati."""
    context = a_context(sites=some_sites(a_site(zone="Pacific/Kiritimati")))

    hit = made(context=context)

    assert day_at("UTC", NOON).number + 1 == hit.day
    assert day_at("Pacific/Kiritimati", NOON).closes_at == hit.closes_at


def test_the_language_is_the_payloads_or_the_headers() -> None:
    """Without a language in the payload, Accept-Language tells; the payload wins."""
    accepts = (b"accept-language", b"fr-CH, fr;q=0.9")

    assert "fr" == made(None, UA, accepts).visit.language
    assert "de" == made(a_payload(language="de-AT"), UA, accepts).visit.language


def test_an_event_counts_once_with_its_properties_and_revenue() -> None:
    """Name, properties and money of a custom event are kept, scrubbed."""
    payload = a_payload(
        kind=Kind.EVENT,
        name="Order",
        props=(("plan", "pro"), ("mail", "jane.doe@example.com"), ("jane@example.com", "x")),
        revenue=(1999, "EUR"),
    )

    hit = made(payload)

    assert ("Order", 0, 1) == (hit.event, hit.pageviews, hit.events)
    assert ("plan=pro",) == hit.properties
    assert (1999, "EUR") == (hit.revenue, hit.currency)
    assert ("", 1) == (hit.exit_path, hit.visits)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://shop.example/item/12345?q=Jane+Doe#top", "https://shop.example/item/:num"),
        ("HTTP://shop.example/users/jane", "http://shop.example/users/:user"),
        ("//deadbeef01234567.cdn.example.net/a.pdf", "//:hash.example.net/a.pdf"),
        ("http://192.0.2.7/a", "http://:ip/a"),
        ("/reset/abc12?mail=jane", "/reset/:token"),
        ("/orders/7", "/orders/:id"),
        ("https://[broken", None),
        ("mailto:jane@example.com", None),
    ],
)
def test_an_address_in_a_property_is_scrubbed_as_pages_are(value: str, kept: str | None) -> None:
    """Of links, downloads and pages not found no query is kept, and no name in a path."""
    page = PageRules(templates=("/orders/:id",))
    context = a_context(rules={1: SiteRules(page=page)})
    payload = a_payload(kind=Kind.EVENT, name="Outbound Link: Click", props=(("url", value),))

    assert ((f"url={kept}",) if kept else ()) == made(payload, context=context).properties


def test_a_host_name_that_nobody_declared_is_scrubbed() -> None:
    """Below a site's domain may stand somebody's name; what the owner named stays as it is."""
    named = ("deadbeef01234567.pages.example.net",)
    context = a_context(sites=some_sites(a_site(hostnames=named)))

    hosts = [
        made(a_payload(url=f"https://{host}/"), context=context).hostname
        for host in ("deadbeef01234567.example.org", "shop.example.org", "example.org", *named)
    ]

    assert [":hash.example.org", "shop.example.org", "example.org", *named] == hosts


def test_an_event_whose_name_says_too_much_becomes_other() -> None:
    """An e-mail address as the name of an event is counted, but not kept."""
    assert OTHER == made(a_payload(kind=Kind.EVENT, name="jane.doe@example.com")).event


def test_engagement_adds_no_visitor() -> None:
    """Time and depth of a page count for its visit; the visitor was counted before."""
    context = a_context()
    made(context=context)
    report = a_payload(kind=Kind.ENGAGEMENT, scroll=60, engaged_ms=12_000)

    hit = made(report, context=context)

    assert not hit.counts_visitor
    assert (60, 12_000, 1, 0, 0) == (
        hit.scroll_percent,
        hit.engaged_ms,
        hit.engaged_pageviews,
        hit.visits,
        hit.pageviews,
    )


def test_engaged_time_is_capped() -> None:
    """One report adds half an hour at most."""
    report = a_payload(kind=Kind.ENGAGEMENT, engaged_ms=10**9)

    assert 30 * 60 * 1000 == made(report).engaged_ms


def test_a_second_hit_belongs_to_the_first_ones_visit() -> None:
    """The same browser's next page has its pseudonym, ends the bounce and repeats the origin."""
    clock = FakeClock()
    context = a_context(clock=clock)
    first = made(a_payload(referrer="https://www.google.com/"), context=context)
    clock.pass_by(30)

    second = made(a_payload(url="https://example.org/next"), context=context)

    assert first.pseudonym == second.pseudonym
    assert first.visit == second.visit
    assert (0, -1, 30) == (second.visits, second.bounces, second.visit_seconds)
    assert ("/next", "/blog/hello") == (second.exit_path, second.left_path)


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        ([(b"user-agent", IPHONE)], "198.51.100.7"),
        ([UA], "198.51.100.8"),
    ],
)
def test_another_browser_or_address_is_another_visitor(
    headers: list[tuple[bytes, bytes]], peer: str
) -> None:
    """Pseudonyms tell user agents and addresses apart."""
    context = a_context()
    first = made(context=context, peer="198.51.100.7")

    assert first.pseudonym != made(None, *headers, context=context, peer=peer).pseudonym


def test_a_visitor_that_a_server_names_is_no_address() -> None:
    """A name of four signs is another visitor than the address of those four bytes."""
    context = a_context()
    named = build_hit(
        a_payload(), an_admitted(UA), context, "example.org", SenderOverrides(visitor=b"abcd")
    )

    assert isinstance(named, BuiltHit)
    assert named.hit.pseudonym != made(context=context, peer="97.98.99.100").pseudonym


def test_another_site_or_day_is_another_pseudonym() -> None:
    """One browser's names on two sites and two days have nothing in common."""
    clock = FakeClock()
    sites = some_sites(a_site(), a_site(id=2, domain="b.example", hostnames=("example.org",)))
    context = a_context(sites=sites, clock=clock)
    today = made(context=context)
    elsewhere = build_hit(a_payload(), an_admitted(UA), context, "b.example")
    clock.pass_by(86_400)

    tomorrow = made(context=context)

    assert isinstance(elsewhere, BuiltHit)
    assert 3 == len({today.pseudonym, elsewhere.hit.pseudonym, tomorrow.pseudonym})


def test_the_strict_profile_sees_networks_and_no_city() -> None:
    """Two addresses of one /24 are one visitor there, and the city is not kept."""
    context = a_context(sites=some_sites(a_site(profile="strict")))

    one = made(context=context, peer="198.51.100.7")
    other = made(context=context, peer="198.51.100.200")

    assert one.pseudonym == other.pseudonym
    assert "" == one.visit.city


def test_the_address_is_the_clients_behind_a_trusted_proxy() -> None:
    """X-Forwarded-For of a trusted peer, and of no other, names the visitor."""
    forwarded = (b"x-forwarded-for", b"81.2.69.142")
    trusting = a_context(trusted_proxies=Networks(["198.51.100.0/24"]))

    assert "GB" == made(None, UA, forwarded, context=trusting).visit.country
    assert "GB" != made(None, UA, forwarded).visit.country


class WatchedPlaces(GeoDatabase):
    """Places that remember what they were asked for."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        super().__init__()
        self.asked: list[bytes] = []

    def locate(self, network: bytes) -> Place:
        """Note what is looked up."""
        self.asked.append(network)
        return super().locate(network)


@pytest.mark.parametrize(
    ("peer", "network"), [("81.2.69.142", "81.2.69.0"), ("2001:db8:1:2::7", "2001:db8:1::")]
)
def test_only_a_truncated_address_is_looked_up(peer: str, network: str) -> None:
    """Places see a /24 or a /48, for the visit's values and for excluded countries alike."""
    places = WatchedPlaces()
    rules = {1: SiteRules(excluded_countries=frozenset({"FR"}))}

    made(context=a_context(places=places, rules=rules), peer=peer)

    assert [ip_address(network).packed] * 2 == places.asked


def test_a_named_address_header_is_the_only_one_believed() -> None:
    """With a header of the proxy's own set up, X-Forwarded-For says nothing."""
    context = a_context(
        trusted_proxies=Networks(["198.51.100.0/24"]), address_header=b"cf-connecting-ip"
    )
    headers = [(b"x-forwarded-for", b"1.1.1.1"), (b"cf-connecting-ip", b"81.2.69.142")]

    assert "GB" == made(None, UA, *headers, context=context).visit.country


def test_undo_takes_the_visit_back() -> None:
    """A hit that could not be kept leaves no visit."""
    context = a_context()
    found = build_hit(a_payload(), an_admitted(UA), context, "example.org")
    assert isinstance(found, BuiltHit)

    found.undo()

    assert 0 == len(context.visits)


def test_goals_are_assigned_at_receipt() -> None:
    """A page fulfils goals of its path, an event those of its name, engagement none."""
    goals = (Goal("Read", path="/blog/*"), Goal("All", path="*"), Goal("Join", event="Signup"))
    context = a_context(rules={1: SiteRules(goals=goals)})

    page = made(context=context)
    event = made(a_payload(kind=Kind.EVENT, name="Signup"), context=context)
    report = made(a_payload(kind=Kind.ENGAGEMENT, scroll=1), context=context)

    assert [("Read", "All"), ("Join",), ()] == [page.goals, event.goals, report.goals]


def test_the_owners_page_rules_are_followed() -> None:
    """Templates and the search parameter of the site shape path and search."""
    page = PageRules(templates=("/users/:id",), search_parameter="q")
    context = a_context(rules={1: SiteRules(page=page)})

    hit = made(a_payload(url="https://example.org/users/42?q=shoes"), context=context)

    assert ("/users/:id", "shoes") == (hit.path, hit.search_query)


def test_the_site_is_the_pages_host_unless_named() -> None:
    """Without a domain in the payload, the page's host is the site."""
    assert ("example.org",) == sites_named(a_payload(domains=()))
    assert ("a.example", "b.example") == sites_named(a_payload(domains=("a.example", "b.example")))


def test_forgetting_empties_what_visitors_sent() -> None:
    """When day secrets go, no cache keeps a user agent, a referrer or a secret."""
    made(a_payload(referrer="https://www.google.com/"))
    assert _keyed.cache_info().currsize > 0

    forget_visitors()

    assert _keyed.cache_info().currsize == 0


TEXT = st.text(max_size=80)


@given(
    st.builds(
        Payload,
        kind=st.sampled_from(list(Kind)),
        name=TEXT,
        url=TEXT | TEXT.map(lambda rest: "https://example.org/" + rest),
        referrer=TEXT | TEXT.map(lambda rest: "https://" + rest),
        props=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
        scroll=st.none() | st.integers(0, 100),
        engaged_ms=st.integers(0, 10**9),
        hash_mode=st.booleans(),
        screen_width=st.integers(0, 100_000),
        language=TEXT,
    ),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"user-agent", b"accept-language", b"origin", b"sec-ch-ua", b"x-forwarded-for"]
            ),
            st.binary(max_size=80),
        ),
        max_size=4,
    ),
)
@settings(max_examples=150)
def test_any_payload_is_a_hit_or_a_drop(
    payload: Payload, headers: list[tuple[bytes, bytes]]
) -> None:
    """Whatever was sent, assembling raises nothing."""
    context = a_context(trusted_proxies=Networks(["198.51.100.0/24"]))

    found = build_hit(payload, an_admitted(UA, *headers), context, "example.org")

    assert isinstance(found, BuiltHit | Drop)
