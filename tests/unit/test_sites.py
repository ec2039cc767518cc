"""What a site is, which hits it takes, and which names it may have."""

from __future__ import annotations

import pytest

from collector.errors import RegistryError
from collector.registry.sites import Goal, Sites, checked, checked_domain, is_looser
from tests.builders import a_site


def test_a_site_takes_hits_of_its_domain_and_below() -> None:
    """Subdomains belong to a site; look-alikes do not."""
    site = a_site(domain="example.org", hostnames=("partner.example",))

    assert site.allows("example.org")
    assert site.allows("shop.example.org")
    assert site.allows("partner.example")
    assert not site.allows("badexample.org")
    assert not site.allows("example.org.evil.example")
    assert not site.allows("sub.partner.example")
    assert not site.allows("")


def test_localhost_takes_this_machine_by_its_addresses() -> None:
    """The site localhost takes hits of the loopback addresses; another site does not."""
    local = a_site(domain="localhost")

    assert local.allows("127.0.0.1")
    assert local.allows("[::1]")
    assert not a_site().allows("127.0.0.1")


def test_sites_are_found_by_domain_and_number() -> None:
    """A leading www. is forgiven; what is not there is None."""
    site = a_site(id=7, domain="example.org")

    sites = Sites([site])

    assert sites.named("example.org") == site
    assert sites.named("www.example.org") == site
    assert sites.numbered(7) == site
    assert sites.named("example.com") is None
    assert sites.numbered(8) is None
    assert list(sites) == [site]
    assert len(sites) == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Example.ORG. ", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("my_host.internal", "my_host.internal"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_domain_is_kept_as_browsers_write_it(typed: str, kept: str) -> None:
    """Case, outer spaces, a last dot and letters of the world are made ASCII host names."""
    assert checked_domain(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "https://example.org",
        "example.org/blog",
        "a b",
        "-a.org",
        "a..b",
        "x" * 300,
        "é" * 80,
    ],
)
def test_what_is_no_host_name_is_refused(typed: str) -> None:
    """An address or a sentence is no domain, and the error says how one looks."""
    with pytest.raises(RegistryError, match=r"example\.org"):
        checked_domain(typed)


@pytest.mark.parametrize("typed", ["login", "api", "opt-out", "STATIC"])
def test_a_site_cannot_take_the_place_of_our_own_pages(typed: str) -> None:
    """A site named like a page of the service would have no page of its own."""
    with pytest.raises(RegistryError, match="a page of Footfall"):
        checked_domain(typed)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zone": "Mars/Base"}, "not a time zone"),
        ({"profile": "lax"}, "standard or strict"),
        ({"own_paths": ("pricing",)}, "begins with /"),
        ({"hostnames": ("https://x",)}, "not a host name"),
        ({"spam_referrers": ("spam.example/x",)}, "not a host name"),
        ({"controller": "Ann\nBob"}, "one line"),
        ({"total_days": 0}, "total_days must be a number of days from 1"),
        ({"hour_days": 40_000}, "hour_days must be a number of days"),
        ({"templates": ("/a/*/b",)}, "whole last segment"),
        ({"templates": ("/a*",)}, "whole last segment"),
        ({"excluded_paths": ("intern/*",)}, "begins with /"),
        ({"excluded_paths": tuple(f"/{n}" for n in range(501))}, "500 entries at most"),
        ({"own_paths": tuple(f"/{n}" for n in range(501))}, "use a sitemap"),
        ({"search_parameter": "q=1"}, "not a query parameter"),
        ({"excluded_countries": ("de",)}, "two capitals"),
        ({"goals": (Goal("", event="buy"),)}, "1 to 100"),
        ({"goals": (Goal("buy"),)}, "either an event or a path"),
        ({"goals": (Goal("buy", event="buy", path="/thanks"),)}, "either an event or a path"),
        ({"goals": (Goal("buy", path="thanks"),)}, "begins with /"),
        ({"goals": (Goal("buy", event="buy"), Goal("buy", path="/"))}, "the same name"),
    ],
)
def test_a_wrong_value_of_a_site_is_named(changes: dict[str, object], said: str) -> None:
    """Each value that is declared is checked before it is kept."""
    with pytest.raises(RegistryError, match=said):
        checked(a_site(**changes))


def test_sound_settings_of_a_site_are_kept_as_they_are() -> None:
    """Patterns, goals and days that are well formed pass unchanged."""
    site = a_site(
        own_paths=("/blog/*",),
        templates=("/users/:id", "/docs/*"),
        search_parameter="q",
        excluded_paths=("/intern/*",),
        excluded_countries=("DE", "FR"),
        goals=(Goal("Signup", event="signup"), Goal("Thanks", path="/shop/*/done")),
        total_days=30,
    )

    assert checked(site) == site


def test_profiles_are_ordered_by_how_much_they_show() -> None:
    """Standard is looser than strict, and nothing is looser than itself."""
    assert is_looser("standard", than="strict")
    assert not is_looser("strict", than="standard")
    assert not is_looser("strict", than="strict")
