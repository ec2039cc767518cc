"""How what an owner declared of a site becomes the rules that its hits are read by."""

from __future__ import annotations

from collector.ingest.enrich.page import parse_page
from collector.ingest.pipeline import BuiltHit, build_hit
from collector.ingest.site_rules import NO_RULES, rules_of
from collector.registry.sites import Goal
from tests.builders import a_context, a_payload, a_site, an_admitted, some_sites

DECLARED = a_site(
    id=7,
    templates=("/users/:id",),
    search_parameter="q",
    keep_trailing_slash=True,
    keep_index=True,
    public_users=True,
    hash_routing=True,
    excluded_paths=("/intern/*",),
    excluded_countries=("DE",),
    spam_referrers=("www.spam.example",),
    goals=(Goal("Thanks", path="/thanks"),),
)


def test_every_declared_rule_reaches_the_hits() -> None:
    """No setting of a site about pages, exclusions or goals is lost on the way."""
    rules = rules_of([DECLARED])[7]

    assert rules.page.templates == ("/users/:id",)
    assert rules.page.search_parameter == "q"
    assert rules.page.keep_trailing_slash
    assert rules.page.keep_index
    assert rules.page.public_users
    assert rules.page.hash_routing
    assert rules.excluded_paths == ("/intern/*",)
    assert rules.excluded_countries == {"DE"}
    assert rules.spam_referrers == {"spam.example"}
    assert rules.goals == (Goal("Thanks", path="/thanks"),)


def test_a_site_that_declared_nothing_has_no_rules() -> None:
    """The defaults of a site are the defaults of its rules."""
    assert rules_of([a_site()]) == {1: NO_RULES}


def test_a_declared_template_shapes_a_hit() -> None:
    """A site as it is in the registry decides what path its hit is counted under."""
    sites = some_sites(a_site(templates=("/orders/:number/items",)))
    context = a_context(sites=sites, rules=rules_of(sites))
    payload = a_payload(url="https://example.org/orders/ann/items")

    made = build_hit(payload, an_admitted(), context, "example.org")

    assert isinstance(made, BuiltHit)
    assert made.hit.path == "/orders/:number/items"


def test_a_site_may_route_by_hash_whatever_its_tracker_says() -> None:
    """What follows the hash is part of the path where the owner says so."""
    rules = rules_of([DECLARED])[7].page

    assert parse_page("https://example.org/app#/inbox", rules=rules).path == "/app#/inbox"
    assert parse_page("https://example.org/app#/inbox").path == "/app"
