"""What the page of settings says of a site."""

from __future__ import annotations

from collector.registry.sites import Goal
from dashboards.site_facts import facts
from tests.builders import a_site


def test_a_plain_site_says_its_days_and_how_long_they_are_kept() -> None:
    """What was not declared is not listed."""
    assert facts(a_site()) == [
        ("Time zone", "UTC"),
        ("Privacy profile", "standard"),
        ("Kept for", "760 days; hours for 35 days, pairs of dimensions for 760 days"),
    ]


def test_everything_declared_is_told() -> None:
    """Each declaration has its line, in words."""
    site = a_site(
        profile="strict",
        profile_locked=True,
        controller="Ann, ann@example.org",
        hostnames=("shop.example",),
        own_paths=("/blog/*",),
        templates=("/users/:id",),
        keep_trailing_slash=True,
        keep_index=True,
        public_users=True,
        hash_routing=True,
        search_parameter="q",
        goals=(Goal("Signup", event="signup"), Goal("Thanks", path="/thanks")),
        excluded_paths=("/intern/*",),
        excluded_countries=("DE",),
        spam_referrers=("spam.example",),
    )

    told = dict(facts(site))

    assert told["Privacy profile"] == "strict, locked"
    assert told["Controller"] == "Ann, ann@example.org"
    assert told["Further host names"] == "shop.example"
    assert told["Own pages"] == "/blog/*"
    assert told["Page templates"] == "/users/:id"
    assert told["Paths"] == (
        "a trailing slash is kept, index pages are kept apart, "
        "names of users are kept, what follows # counts"
    )
    assert told["Referrers not counted"] == "spam.example"
    assert told["Site search"] == "?q="
    assert told["Goals"] == "Signup (signup), Thanks (/thanks)"
    assert told["Not counted"] == "/intern/*, DE"
