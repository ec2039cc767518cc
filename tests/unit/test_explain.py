"""Explaining shows what each rule keeps, and leaves nothing behind."""

from __future__ import annotations

import pytest

from collector.ingest.enrich.page import PageRules
from collector.ingest.explain import Explanation, explain
from collector.ingest.explanation import RuleLine
from collector.ingest.site_rules import SiteRules
from collector.registry.sites import Goal
from tests.builders import CHROME, a_body, a_context

UA = (b"user-agent", CHROME)
PEER = "81.2.69.142"


def explained(body: bytes, *headers: tuple[bytes, bytes]) -> Explanation:
    """Explain a payload for one site."""
    (found,) = explain(body, [*(headers or (UA,))], PEER, a_context())
    return found


def test_each_rule_tells_what_it_keeps() -> None:
    """Page, source, campaign, place and device stand beside what was sent."""
    url = "https://example.org/users/jane@example.com?utm_campaign=autumn&token=secret"

    found = explained(a_body(u=url, r="https://www.google.com/search?q=x", w=1440))

    kept = {line.rule: line.kept for line in found.lines}
    assert ("example.org", "counted") == (found.site, found.outcome)
    assert url == found.lines[0].given
    assert "jane" not in str(kept)
    assert "secret" not in str(kept)
    assert kept["acquisition"].startswith("Google, Organic Search")
    assert "utm_campaign=autumn" in kept["campaign"]
    assert kept["place"].startswith("GB")
    assert kept["device"].startswith("Chrome 142, Windows")


def test_events_show_properties_revenue_and_goals() -> None:
    """What an event brings, and what of it is dropped."""
    body = a_body(
        n="Order",
        p={"plan": "pro", "mail": "jane@example.com"},
        **{"$": {"amount": 9.9, "currency": "EUR"}},
    )
    rules = {1: SiteRules(goals=(Goal("Sale", event="Order"),))}

    (found,) = explain(body, [UA], PEER, a_context(rules=rules))

    assert RuleLine("properties", "plan=pro, mail=jane@example.com", "plan=pro") in found.lines
    assert RuleLine("revenue", "", "990 EUR") in found.lines
    assert RuleLine("goals", "", "Sale") in found.lines


@pytest.mark.parametrize(
    ("searched", "kept"), [("Red+Shoes", "red shoes"), ("jane%40example.com", "")]
)
def test_what_was_searched_on_the_site_has_a_line(searched: str, kept: str) -> None:
    """The site's search is shown as it was sent and as it is kept, dropped or not."""
    rules = {1: SiteRules(page=PageRules(search_parameter="q"))}
    body = a_body(u=f"https://example.org/find?q={searched}#top")

    (found,) = explain(body, [UA], PEER, a_context(rules=rules))

    given = searched.replace("+", " ").replace("%40", "@")
    assert [("search", given, kept)] == [line for line in found.lines if line.rule == "search"]


@pytest.mark.parametrize(
    ("body", "header", "expected"),
    [
        (a_body(), (b"dnt", b"1"), "dnt"),
        (b"{", UA, "not_json"),
        (a_body(email="x"), UA, "unknown_field"),
        (a_body(d="nobody.example"), UA, "unknown_site"),
    ],
    ids=["refusal", "not JSON", "unknown field", "unknown site"],
)
def test_what_is_not_counted_says_why(
    body: bytes, header: tuple[bytes, bytes], expected: str
) -> None:
    """Refusals, errors and drops are told by their names, and nothing is shown."""
    found = explained(body, header)

    assert (expected, ()) == (found.outcome, found.lines)


def test_a_bot_is_told_by_its_name() -> None:
    """Owners read which crawler it was; of one without a name, and of a hidden one, that too."""
    agents = [b"Mozilla/5.0 (compatible; Googlebot/2.1)", b"curl/8.5.0", b"my-own-bot"]
    hidden = (b"sec-ch-ua", b'"HeadlessChrome";v="142"')

    found = [explained(a_body(), (b"user-agent", agent)) for agent in agents]
    (behind,) = explain(a_body(), [UA, hidden], PEER, a_context())

    assert {"bot"} == {one.outcome for one in (*found, behind)}
    assert ["googlebot", "curl", "other", "headlesschrome"] == [
        line.kept for one in (*found, behind) for line in one.lines if line.rule == "bots"
    ]


def test_explaining_leaves_nothing_behind() -> None:
    """No visit, no bucket and no day secret comes of it."""
    context = a_context()

    for _ in range(1000):
        found = explain(a_body(d="example.org,nobody.example"), [UA], PEER, context)

    assert ["counted", "unknown_site"] == [one.outcome for one in found]
    assert 0 == len(context.visits)
    assert context.limits._sites == {}
    assert [] == context.secrets.open()
