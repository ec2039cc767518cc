"""Pages over real numbers: a real store, a real registry, the real report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.cells.client import Store
from collector.errors import Unreachable
from collector.ingest.enrich.geo import attribution_of
from collector.registry.sites import Goal
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import routes as dashboards
from dashboards.overview import overview
from dashboards.panels import panel_names
from dashboards.url_params import parse_state
from tests.builders import FakeClock
from tests.integration.dashboards.browsing import log_in, words_of
from tests.integration.seeding import closes_at, hit, insert, seal_plainly

NASTY = "/<svg onload=alert(1)>\"'{{7*7}}</script>"


def _tile(html: str, label: str) -> str:
    found = re.search(rf">{label}</span>\s*<span class=\"tile-value\"[^>]*>([^<]+)<", html)
    return found[1] if found else ""


def _seed_today(store: Store) -> None:
    first: dict[str, Any] = {"visits": 1, "bounces": 1}
    second: dict[str, Any] = {"path": "/pricing", "bounces": -1, "visit_seconds": 600}
    direct: dict[str, Any] = {"country": "DE", "source": "(direct)", "channel": "Direct"}
    searched = [hit(v, "2026-11-21 09:10", **first) for v in "abc"]
    bought = [hit(v, "2026-11-21 09:20", **second) for v in "abc"]
    came = [hit(v, "2026-11-21 10:10", **direct, **first) for v in "defgh"]
    insert(store, [*searched, *bought, *came])


@pytest.mark.parametrize(
    ("kind", "address"), [("DBIP-City-Lite", "https://db-ip.com"), ("own", None)]
)
def test_the_geo_database_is_credited(
    reports: Reports, registry: Registry, store: Store, kind: str, address: str | None
) -> None:
    """Licences ask for a line and a link on pages that show their data, as DB-IP's CC BY does."""
    _seed_today(store)
    line = attribution_of(kind)
    made = dashboards.routes(reports, registry, Settings(), attribution=lambda: line)
    client = TestClient(Starlette(routes=made))

    html = client.get("/example.org?period=today").text

    assert line in words_of(html).replace(" .", ".")
    assert (f'<a href="{address}">' in html) == (address is not None)


def test_a_site_s_numbers_are_on_its_page(client: TestClient, store: Store) -> None:
    """Tiles show visitors, visits, pageviews and the ratios of them."""
    _seed_today(store)

    html = client.get("/example.org?period=today").text

    assert ("8", "8", "11", "1.4", "62%", "3m 45s") == tuple(
        _tile(html, label)
        for label in (
            "Visitors",
            "Visits",
            "Pageviews",
            "Views per visit",
            "Bounce rate",
            "Visit duration",
        )
    )


def test_panels_rank_what_was_counted(client: TestClient, store: Store) -> None:
    """Countries and sources are named for people, the largest first."""
    _seed_today(store)

    words = words_of(client.get("/example.org?period=today").text)

    assert words.index("Germany") < words.index("France")
    assert words.index("Direct") < words.index("Google")


def _seed_signups(store: Store) -> None:
    signup: dict[str, Any] = {"events": 1, "pageviews": 0, "event": "Signup", "goals": ("Signup",)}
    first: dict[str, Any] = {"visits": 1, "bounces": 1}
    came = [hit(v, "2026-11-21 09:10", **first) for v in "abcdefgh"]
    searched = [hit(v, "2026-11-21 09:12", search_query="tea pots") for v in "abcde"]
    signed = [hit(v, "2026-11-21 09:20", properties=("plan=pro",), **signup) for v in "abcd"]
    insert(store, [*came, *searched, *signed])


def test_goals_have_their_conversion_rate(
    client: TestClient, store: Store, registry: Registry
) -> None:
    """Four of eight visitors reached the goal; filtered by it, each source has its rate."""
    registry.set_site("example.org", goals=(Goal("Signup", event="Signup"),))
    _seed_signups(store)

    page = words_of(client.get("/example.org?period=today").text)
    filtered = words_of(client.get("/example.org?period=today&filter=goal:Signup").text)

    assert "Goals Goal Visitors Rate Signup 4 50%" in page
    assert "Source Visitors Rate Share Google 4 50%" in filtered


def test_an_event_has_its_properties(client: TestClient, store: Store) -> None:
    """Filtered by an event, the page lists its properties."""
    _seed_signups(store)

    whole = words_of(client.get("/example.org?period=today").text)
    filtered = words_of(client.get("/example.org?period=today&filter=event:Signup").text)

    assert "Properties" not in whole
    assert "Properties Property Events Visitors Share plan=pro 4 4 100%" in filtered


def test_searches_are_shown_if_a_search_is_declared(
    client: TestClient, store: Store, registry: Registry
) -> None:
    """What was searched has a panel of its own once the owner says which parameter holds it."""
    _seed_signups(store)

    before = words_of(client.get("/example.org?period=today").text)
    registry.set_site("example.org", search_parameter="q")
    after = words_of(client.get("/example.org?period=today").text)

    assert "tea pots" not in before
    assert "Searches Search Visitors Pageviews tea pots 5 5" in after


def test_visitors_now_are_shown(client: TestClient, store: Store) -> None:
    """The visitors of the last five minutes are beside the name."""
    _seed_today(store)

    assert "2 visitors now" in words_of(client.get("/example.org").text)


def test_a_row_filters_the_whole_page(client: TestClient, store: Store) -> None:
    """A country's link asks of that country alone, and a pill ends it."""
    _seed_today(store)
    page = client.get("/example.org?period=today").text
    link = re.search(r'href="([^"]*filter=country:DE[^"]*)"', page)
    assert link

    html = client.get(link[1].replace("&amp;", "&")).text

    assert (_tile(html, "Visitors"), _tile(html, "Pageviews")) == ("5", "5")
    assert "Country is Germany" in words_of(html)
    assert re.search(r'class="pill" href="/example.org\?period=today"', html)


def test_what_a_filter_makes_impossible_is_not_zero(client: TestClient, store: Store) -> None:
    """Visits belong to no page: with a page filter their tile says so."""
    _seed_today(store)

    html = client.get("/example.org?period=today&filter=path:/&metric=bounce_rate").text

    assert _tile(html, "Bounce rate") == "–"
    assert _tile(html, "Pageviews") == "8"


def test_what_is_not_kept_together_is_refused_in_a_sentence(
    client: TestClient, store: Store
) -> None:
    """A pair that has no cells leaves the page whole, with the reason in its panel."""
    _seed_today(store)

    answer = client.get("/example.org?filter=country:DE&places=city")

    assert answer.status_code == 200
    assert "City is not counted together with Country" in words_of(answer.text)


def test_sealed_and_open_days_are_added(client: TestClient, store: Store) -> None:
    """Thirty days are the sum of what is sealed and what is open, and labelled so."""
    insert(store, [hit("a", "2026-11-19 12:00", visits=1)])
    seal_plainly(store, closes_at(date(2026, 11, 19)))
    _seed_today(store)

    html = client.get("/example.org?period=30d").text

    assert _tile(html, "Visitors") == "9"
    assert "the sum of daily visitors" in words_of(html)


def test_a_whole_period_is_compared_with_the_one_before(client: TestClient, store: Store) -> None:
    """If both periods were counted, the change is shown and drawn."""
    insert(store, [hit(v, "2026-11-18 12:00", visits=1) for v in "ab"])
    insert(store, [hit(v, "2026-11-19 12:00", visits=1) for v in "abcd"])
    insert(store, [hit(v, "2026-11-20 12:00", visits=1) for v in "abc"])

    html = client.get("/example.org?period=yesterday").text

    assert "down by 25%" in words_of(html)
    assert 'class="before"' in html


def test_an_unfinished_day_does_not_spoil_the_comparison(client: TestClient, store: Store) -> None:
    """A week with today compares its six complete days with six of the week before."""
    insert(store, [hit("a", "2026-11-08 12:00", visits=1)])
    insert(store, [hit(v, "2026-11-09 12:00", visits=1) for v in "b"])
    insert(store, [hit(v, "2026-11-14 12:00", visits=1) for v in "abcdefgh"])
    insert(store, [hit(v, "2026-11-18 12:00", visits=1) for v in "abc"])

    html = client.get("/example.org?period=7d").text

    assert "up by 50%" in words_of(html)
    assert "Changes compare 15–20 November 2026 with 8–13 November 2026" in words_of(html)


def test_today_is_beside_yesterday_without_a_percentage(client: TestClient, store: Store) -> None:
    """An unfinished day is not compared with a complete one."""
    insert(store, [hit(v, "2026-11-20 12:00", visits=1) for v in "ab"])
    _seed_today(store)

    words = words_of(client.get("/example.org?period=today").text)

    assert "2 yesterday" in words
    assert "up by" not in words


def test_the_chart_has_its_numbers_in_a_table(client: TestClient, store: Store) -> None:
    """The chart has a table: every hour so far, with its value."""
    _seed_today(store)

    html = client.get("/example.org?period=today").text

    rows = re.findall(r'<tr><th scope="row">([^<]+?)\s*(?:<span[^>]*>so far</span>)?</th>', html)
    assert len(rows) == 24
    assert re.search(r"Sat 21 Nov, 10:00</th><td>5</td>", html)
    assert re.search(r"Sat 21 Nov, 13:00</th><td>–</td>", html)


def test_months_are_made_of_days(client: TestClient, store: Store) -> None:
    """A year is drawn by the month."""
    insert(store, [hit("a", f"2026-10-{day} 12:00", visits=1) for day in (10, 11)])
    _seed_today(store)

    html = client.get("/example.org?period=12mo").text

    assert re.search(r"October 2026</th><td>2</td>", html)
    assert re.search(r"November 2026 <span[^>]*>so far</span></th><td>8</td>", html)


def test_a_site_without_a_visit_shows_what_to_do(client: TestClient) -> None:
    """The snippet is there to be copied, and names the site and this server."""
    html = client.get("/example.org").text

    assert "Waiting for the first visit" in words_of(html)
    assert (
        '<script async data-domain="example.org" src="http://testserver/js/footfall.js"></script>'
        in words_of(html)
    )


def test_the_first_hit_is_welcomed(client: TestClient, store: Store) -> None:
    """One visit is enough for a page that says that it works, drawn by hour."""
    insert(store, [hit("a", "2026-11-21 11:59", visits=1, bounces=1)])

    html = client.get("/example.org").text

    assert "It works." in words_of(html)
    assert _tile(html, "Visitors") == "1"
    assert 'aria-current="true" aria-label="Today"' in html


def test_what_visitors_choose_is_text(client: TestClient, store: Store) -> None:
    """A path made of markup is shown as it is, in rows, links, pills and titles."""
    insert(store, [hit(v, "2026-11-21 09:00", path=NASTY, entry_path=NASTY) for v in "abcd"])
    first = client.get("/example.org?period=today").text
    link = re.search(r'href="(/example.org\?filter=path:[^"]+svg[^"]+)"', first)
    assert link

    filtered = client.get(link[1].replace("&amp;", "&")).text

    for html in (first, filtered):
        assert "<svg onload" not in html
        assert "49" not in re.findall(r"Page is.*", html)
        assert NASTY in words_of(html)


def test_the_demo_carries_the_real_snippet(client: TestClient) -> None:
    """The demo's pages load the tracker for localhost, and its listener before it."""
    html = client.get("/demo").text

    assert '<script async data-domain="localhost" data-allow-local src="/js/footfall.js">' in html
    assert html.index("demo.js") < html.index("footfall.js")
    assert client.get("/demo/nowhere").status_code == 303


def test_without_the_demo_there_is_no_demo(
    reports: Reports, registry: Registry, clock: FakeClock
) -> None:
    """Without --demo there are no demo pages."""
    made = dashboards.routes(reports, registry, Settings(), clock=clock)
    client = TestClient(Starlette(routes=made), follow_redirects=False)

    assert client.get("/demo").status_code == 303


def test_static_files_are_kept_for_ever_by_their_own_address(client: TestClient) -> None:
    """The address of a style sheet changes with its bytes, so it need not be asked for again."""
    html = client.get("/login").text
    link = re.search(r'href="(/static/dashboards.css\?v=\w+)"', html)
    assert link

    answer = client.get(link[1])

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert "max-age=300" in client.get("/static/mark.svg").headers["cache-control"]
    assert client.get("/static/..%2Fapp.py").status_code in (303, 404)
    assert client.get("/static/nothing.css").status_code == 404


def test_a_store_that_does_not_answer_is_reported(
    client: TestClient, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error page says that the database is down, without any details of it."""

    def unreachable(*_: object) -> None:
        raise Unreachable("10.0.0.7 refused")

    monkeypatch.setattr(reports, "first_day", unreachable)

    answer = client.get("/example.org")

    assert answer.status_code == 503
    assert "10.0.0.7" not in answer.text
    assert "The database did not answer" in words_of(answer.text)


@pytest.mark.parametrize(
    "query_string",
    ["period=" + "x" * 4000, "filter=path:%00%ff", "from=2026-02-30&to=x", "filter=path:'; DROP"],
)
def test_no_address_breaks_a_page(client: TestClient, store: Store, query_string: str) -> None:
    """Whatever is typed into the address, the page is there."""
    _seed_today(store)

    assert client.get(f"/example.org?{query_string}").status_code == 200


def test_pages_stay_light(client: TestClient) -> None:
    """All that a page needs besides itself is under 10 KB of script and 8 KB of style, zipped."""
    html = client.get("/example.org").text
    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)

    sizes = {link.split("?")[0]: int(client.get(link).headers["content-length"]) for link in links}

    assert {"/static/dashboards.css", "/static/dashboards.js", "/static/mark.svg"} == set(sizes)
    assert sizes["/static/dashboards.js"] < 10_000
    assert sizes["/static/dashboards.css"] < 8_000


def test_questions_asked_at_once_make_the_same_page(reports: Reports, store: Store) -> None:
    """Whatever order a page's questions are answered in, each answer stands in its place."""
    insert(store, [hit(f"v{n}", "2026-11-21 10:00", source="Google", visits=1) for n in range(9)])
    clock, [site, *_] = FakeClock(), list(reports.sites())
    begun: list[int] = []

    def backwards(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        begun.append(len(calls))
        return [call() for call in reversed(calls)][::-1]

    asked = parse_state("period=7d")
    shown = overview(reports, clock, site, asked, backwards)

    assert overview(reports, clock, site, asked) == shown
    assert begun == [2 + len(panel_names(site, asked))]


def test_the_front_page_lists_what_one_may_see(client: TestClient, store: Store) -> None:
    """Anonymous visitors see public sites, dashboard users all of them, with today's visitors."""
    _seed_today(store)

    anonymous = words_of(client.get("/").text)
    log_in(client)
    known = words_of(client.get("/").text)

    assert "example.org public 8 visitors today · 2 now" in anonymous
    assert "private.example" not in anonymous
    assert "private.example" in known
