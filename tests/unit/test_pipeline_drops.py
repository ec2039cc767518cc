"""What is not to be counted is dropped, for a reason from the closed list, and opens no visit."""

from __future__ import annotations

from typing import Any

import pytest

from collector.hit import Drop
from collector.ingest.payload import Payload
from collector.ingest.pipeline import BuiltHit, IngestContext, build_hit
from collector.ingest.site_rules import SiteRules
from collector.privacy.address import Networks
from tests.builders import a_context, a_payload, an_admitted
from tests.unit.test_pipeline import UA, made


def dropped(
    payload: Payload | None = None,
    *headers: tuple[bytes, bytes],
    context: IngestContext | None = None,
    site: str = "example.org",
    **request: Any,
) -> Drop:
    """Assemble what must be dropped; the visits stay as they were."""
    context = context or a_context()
    before = len(context.visits)
    found = build_hit(
        payload or a_payload(), an_admitted(*(headers or (UA,)), **request), context, site
    )
    assert isinstance(found, Drop)
    assert before == len(context.visits)
    return found


def test_unknown_site() -> None:
    """A site that nobody registered is dropped, whatever else is sent."""
    assert Drop.UNKNOWN_SITE is dropped(site="nobody.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://foreign.example/",
        "https://example.org.foreign.example/",
        "https://notexample.org/",
        "file:///etc/passwd",
        "nonsense",
        "//",
    ],
)
def test_hostname(url: str) -> None:
    """A page of a host that is not the site's is dropped."""
    assert Drop.HOSTNAME is dropped(a_payload(url=url))


def test_hostname_of_the_sending_page() -> None:
    """A browser that names another site's page as the sender is not believed."""
    foreign = (b"origin", b"https://foreign.example")
    own = (b"origin", b"https://shop.example.org:8443")

    assert Drop.HOSTNAME is dropped(None, UA, foreign)
    assert 1 == made(None, UA, own).pageviews
    assert 1 == made(None, UA, (b"origin", b"null")).pageviews


def test_bot() -> None:
    """A crawler is dropped by its user agent, an automated browser by what the tracker saw."""
    crawler = (b"user-agent", b"Mozilla/5.0 (compatible; Googlebot/2.1)")

    assert Drop.BOT is dropped(None, crawler)
    assert Drop.BOT is dropped(a_payload(bot=True))


@pytest.mark.parametrize(
    "header",
    [
        (b"sec-purpose", b"prefetch;prerender"),
        (b"purpose", b"preview"),
        (b"x-moz", b"prefetch"),
        (b"x-purpose", b"preview"),
    ],
)
def test_prefetch(header: tuple[bytes, bytes]) -> None:
    """A page loaded ahead of being looked at is not counted."""
    assert Drop.PREFETCH is dropped(None, UA, header)


def test_excluded_network() -> None:
    """Hits from the operator's own networks are dropped."""
    context = a_context(excluded=Networks(["198.51.100.0/24"]))

    assert Drop.EXCLUDED_NETWORK is dropped(context=context)
    assert 1 == made(context=context, peer="203.0.113.1").pageviews


def test_excluded_path() -> None:
    """Pages that the owner excluded are dropped, by pattern."""
    context = a_context(rules={1: SiteRules(excluded_paths=("/admin", "/blog/*"))})

    assert Drop.EXCLUDED_PATH is dropped(context=context)
    assert 1 == made(a_payload(url="https://example.org/news"), context=context).pageviews


def test_excluded_country() -> None:
    """Visitors from a country that the owner excluded are dropped."""
    context = a_context(rules={1: SiteRules(excluded_countries=frozenset({"GB"}))})

    assert Drop.EXCLUDED_COUNTRY is dropped(context=context, peer="81.2.69.142")
    assert 1 == made(context=context).pageviews


@pytest.mark.parametrize("cookie", [b"own=1", b"a=b; __Host-own=1"])
def test_own_visit(cookie: bytes) -> None:
    """A browser marked as the owner's own is dropped."""
    assert Drop.OWN_VISIT is dropped(None, UA, (b"cookie", cookie))


@pytest.mark.parametrize("cookie", [b"own=0", b"disown=1", b"own=11", b"a=own=1"])
def test_other_cookies_are_no_mark(cookie: bytes) -> None:
    """What resembles the mark is not the mark."""
    assert 1 == made(None, UA, (b"cookie", cookie)).pageviews


def test_spam_referrer() -> None:
    """A visit that comes from a referrer on the spam list is dropped."""
    assert Drop.SPAM_REFERRER is dropped(a_payload(referrer="https://www.semalt.com/x"))


def test_spam_referrer_of_the_owner() -> None:
    """What an owner lists is dropped at that site, subdomains and all, and nothing else."""
    context = a_context(rules={1: SiteRules(spam_referrers=frozenset({"spam.example"}))})

    for listed in ("https://spam.example/", "http://www.spam.example/a", "https://x.spam.example"):
        assert Drop.SPAM_REFERRER is dropped(a_payload(referrer=listed), context=context)
    for other in ("", "https://notspam.example/", "https://other.example/spam.example"):
        assert 1 == made(a_payload(referrer=other), context=context).pageviews
    assert 1 == made(a_payload(referrer="https://spam.example/")).pageviews


def test_rate() -> None:
    """A flood of one address is shed after its burst; others are not concerned."""
    context = a_context()
    found = [build_hit(a_payload(), an_admitted(UA), context, "example.org") for _ in range(1000)]

    assert Drop.RATE is found[-1]
    assert 500 < sum(isinstance(one, BuiltHit) for one in found) < 1000
    assert 1 == made(context=context, peer="203.0.113.1").pageviews
