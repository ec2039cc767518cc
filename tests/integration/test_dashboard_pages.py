"""Pages over real numbers: a real store, a real registry, the real report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.cells.client import Store
from collector.errors import Unreachable
from collector.registry.sites import Goal
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import app as dashboards
from dashboards.pages import overview
from dashboards.params import PANELS, query_from
from tests.builders import FakeClock
from tests.integration.seeding import closes_at, hit, insert, seal_plainly

PASSWORD = "correct horse battery"
NASTY = "/<svg onload=alert(1)>\"'{{7*7}}</script>"


class _Text(HTMLParser):
    """Collects the words of a page, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        self.inline += [name for name in names if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside != "title":
            self.words.append(data.strip())


@pytest.fixture(scope="module")
def kept_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Open one store for the whole module: opening takes longer than most tests."""
    opened = Store(tmp_path_factory.mktemp("store") / "clickhouse")
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def store(kept_store: Store) -> Store:
    """Empty the store before each test."""
    for table in ("open_cells", "sealed_cells", "seals"):
        kept_store.command(f"TRUNCATE TABLE {table}")
    return kept_store


@pytest.fixture
def clock() -> FakeClock:
    """Stand at noon of Saturday, 21 November 2026."""
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    """Know a public site, a private one and one person."""
    with Registry(tmp_path / "registry.sqlite3", clock) as opened:
        opened.add_site("example.org", public=True)
        opened.add_site("private.example")
        opened.add_user("ann", PASSWORD)
        yield opened


@pytest.fixture
def reports(store: Store, registry: Registry, clock: FakeClock) -> Reports:
    """Answer from the store; two visitors are there now."""
    return Reports(store, registry.sites, clock, lambda _: 2)


@pytest.fixture
def client(reports: Reports, registry: Registry, clock: FakeClock) -> Iterator[TestClient]:
    """Browse the dashboards, as a stranger at first."""
    made = dashboards.routes(reports, registry, Settings(), clock=clock, demo=True)
    with TestClient(Starlette(routes=made), follow_redirects=False) as browser:
        yield browser


def _log_in(client: TestClient, password: str = PASSWORD, **more: str) -> None:
    client.post("/login", data={"name": "ann", "password": password, **more})


def _words(html: str) -> str:
    text = _Text()
    text.feed(html)
    return " ".join(word for word in text.words if word)


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


def test_a_site_s_numbers_are_on_its_page(client: TestClient, store: Store) -> None:
    """Tiles tell visitors, visits, pageviews and what follows from them."""
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

    words = _words(client.get("/example.org?period=today").text)

    assert words.index("Germany") < words.index("France")
    assert words.index("Direct") < words.index("Google")


def test_visitors_now_are_told(client: TestClient, store: Store) -> None:
    """The visits of the last five minutes stand beside the name."""
    _seed_today(store)

    assert "2 visitors now" in _words(client.get("/example.org").text)


def test_a_row_filters_the_whole_page(client: TestClient, store: Store) -> None:
    """A country's link asks of that country alone, and a pill ends it."""
    _seed_today(store)
    page = client.get("/example.org?period=today").text
    link = re.search(r'href="([^"]*filter=country:DE[^"]*)"', page)
    assert link

    html = client.get(link[1].replace("&amp;", "&")).text

    assert (_tile(html, "Visitors"), _tile(html, "Pageviews")) == ("5", "5")
    assert "Country is Germany" in _words(html)
    assert re.search(r'class="pill" href="/example.org\?period=today"', html)


def test_what_a_filter_makes_unsayable_is_not_told_as_zero(
    client: TestClient, store: Store
) -> None:
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
    assert "No counts are kept of City together with Country" in _words(answer.text)


def test_sealed_and_open_days_are_told_together(client: TestClient, store: Store) -> None:
    """Thirty days are the sum of what is sealed and what is open, and labelled so."""
    insert(store, [hit("a", "2026-11-19 12:00", visits=1)])
    seal_plainly(store, closes_at(date(2026, 11, 19)))
    _seed_today(store)

    html = client.get("/example.org?period=30d").text

    assert _tile(html, "Visitors") == "9"
    assert "the sum of daily visitors" in _words(html)


def test_a_whole_period_is_compared_with_the_one_before(client: TestClient, store: Store) -> None:
    """Where both periods were counted, the change is told, and drawn."""
    insert(store, [hit(v, "2026-11-18 12:00", visits=1) for v in "ab"])
    insert(store, [hit(v, "2026-11-19 12:00", visits=1) for v in "abcd"])
    insert(store, [hit(v, "2026-11-20 12:00", visits=1) for v in "abc"])

    html = client.get("/example.org?period=yesterday").text

    assert "down by 25%" in _words(html)
    assert 'class="before"' in html


def test_an_unfinished_day_does_not_spoil_the_comparison(client: TestClient, store: Store) -> None:
    """A week with today compares its six complete days with six of the week before."""
    insert(store, [hit("a", "2026-11-08 12:00", visits=1)])
    insert(store, [hit(v, "2026-11-09 12:00", visits=1) for v in "b"])
    insert(store, [hit(v, "2026-11-14 12:00", visits=1) for v in "abcdefgh"])
    insert(store, [hit(v, "2026-11-18 12:00", visits=1) for v in "abc"])

    html = client.get("/example.org?period=7d").text

    assert "up by 50%" in _words(html)
    assert "15–20 November 2026, compared with 8–13 November 2026" in _words(html)


def test_today_is_told_beside_yesterday_without_a_percentage(
    client: TestClient, store: Store
) -> None:
    """A day that is not over is not held against a whole one."""
    insert(store, [hit(v, "2026-11-20 12:00", visits=1) for v in "ab"])
    _seed_today(store)

    words = _words(client.get("/example.org?period=today").text)

    assert "2 yesterday" in words
    assert "up by" not in words


def test_the_chart_has_its_numbers_in_a_table(client: TestClient, store: Store) -> None:
    """What the picture shows can be read: every hour so far, with its value."""
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

    assert "Waiting for the first visit" in _words(html)
    assert (
        '<script defer data-domain="example.org" src="http://testserver/js/footfall.js"></script>'
        in _words(html)
    )


def test_the_first_hit_is_welcomed(client: TestClient, store: Store) -> None:
    """One visit is enough for a page that says that it works, told by the hour."""
    insert(store, [hit("a", "2026-11-21 11:59", visits=1, bounces=1)])

    html = client.get("/example.org").text

    assert "It works." in _words(html)
    assert _tile(html, "Visitors") == "1"
    assert 'aria-current="true" aria-label="Today"' in html


@pytest.mark.parametrize("domain", ["private.example", "unknown.example", "favicon.ico"])
def test_a_stranger_cannot_tell_private_from_unknown(client: TestClient, domain: str) -> None:
    """Both lead to the login, alike."""
    answer = client.get(f"/{domain}?period=7d")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=%2F{domain}")
    assert answer.content == b""


def test_logging_in_opens_private_sites(client: TestClient) -> None:
    """A name and its password lead to the page that was asked for."""
    form = {"name": "ann", "password": PASSWORD, "next": "/private.example"}

    answer = client.post("/login", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, "/private.example")
    assert client.get("/private.example").status_code == 200
    assert client.get("/unknown.example").status_code == 404


def test_a_wrong_password_lets_nobody_in(client: TestClient) -> None:
    """Neither a known nor an unknown name is told apart, and no cookie is set."""
    answers = [
        client.post("/login", data={"name": name, "password": "wrong"}) for name in ("ann", "bob")
    ]

    assert [403, 403] == [answer.status_code for answer in answers]
    assert all("set-cookie" not in answer.headers for answer in answers)
    first, second = (
        answer.text.replace(name, "") for answer, name in zip(answers, ("ann", "bob"), strict=True)
    )
    assert first == second


def test_guessing_is_slowed_down(client: TestClient) -> None:
    """After five tries even the right password has to wait."""
    for _ in range(5):
        _log_in(client, "wrong password")

    answer = client.post("/login", data={"name": "ann", "password": PASSWORD})

    assert answer.status_code == 429
    assert "Too many tries" in _words(answer.text)


def test_logging_out_ends_the_session_itself(client: TestClient) -> None:
    """A cookie kept back opens nothing any more."""
    _log_in(client)
    kept = client.cookies["footfall_session"]

    client.post("/logout")
    client.cookies.set("footfall_session", kept)

    assert client.get("/private.example").status_code == 303


def test_logging_in_again_begins_another_session(client: TestClient, registry: Registry) -> None:
    """A token from before the login is worth nothing after it."""
    _log_in(client)
    old = client.cookies["footfall_session"]

    _log_in(client)

    assert old != client.cookies["footfall_session"]
    assert registry.session_user(old) is None


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
)
def test_another_site_s_page_can_change_nothing(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    """A forged form neither logs in nor out."""
    _log_in(client)

    answer = client.post(path, data={"name": "ann", "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert client.get("/private.example").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/example.org", "/login", "/settings", "/private.example", "/demo", "/demo/pricing"],
)
def test_every_page_is_kept_to_itself(client: TestClient, path: str) -> None:
    """Strict headers stand on every answer, and nothing inline needs leave from them."""
    answer = client.get(path)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    page = _Text()
    page.feed(answer.text)
    assert page.inline == []


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
        assert NASTY in _words(html)


def test_the_front_page_lists_what_one_may_see(client: TestClient, store: Store) -> None:
    """Strangers see public sites, people with an account all of them, with today's visitors."""
    _seed_today(store)

    stranger = _words(client.get("/").text)
    _log_in(client)
    known = _words(client.get("/").text)

    assert "example.org public 8 visitors today · 2 now" in stranger
    assert "private.example" not in stranger
    assert "private.example" in known


def test_nothing_to_see_leads_to_the_login(client: TestClient, registry: Registry) -> None:
    """Without a public site, a stranger is asked who is there."""
    registry.set_site("example.org", public=False)

    answer = client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_settings_show_every_snippet_to_its_owner_only(client: TestClient) -> None:
    """The line of HTML of each site is there after logging in."""
    stranger = client.get("/settings")
    _log_in(client)

    words = _words(client.get("/settings").text)

    assert stranger.status_code == 303
    assert 'data-domain="example.org"' in words
    assert 'data-domain="private.example"' in words


def test_settings_show_what_is_declared_of_a_site(client: TestClient, registry: Registry) -> None:
    """An owner sees how long numbers are kept and what counts as a goal."""
    registry.set_site("example.org", total_days=400, goals=(Goal("Thanks <b>", path="/thanks"),))
    _log_in(client)

    page = client.get("/settings").text

    assert "400 days; hours for 35 days" in page
    assert "Thanks &lt;b&gt; (/thanks)" in page


def test_behind_https_cookie_and_snippet_follow(
    reports: Reports, registry: Registry, clock: FakeClock
) -> None:
    """With a public https address, cookies are bound to it and links lead there."""
    settings = Settings(public_url="https://stats.example.org")
    made = dashboards.routes(reports, registry, settings, clock=clock)
    client = TestClient(Starlette(routes=made), follow_redirects=False)

    answer = client.post("/login", data={"name": "ann", "password": PASSWORD})
    page = client.get("/example.org")

    assert answer.headers["set-cookie"].startswith("__Host-footfall_session=")
    assert "Secure" in answer.headers["set-cookie"]
    assert 'src="https://stats.example.org/js/footfall.js"' in _words(page.text)
    assert page.headers["strict-transport-security"] == "max-age=31536000"


def test_the_demo_carries_the_real_snippet(client: TestClient) -> None:
    """The demo's pages load the tracker for localhost, and its listener before it."""
    html = client.get("/demo").text

    assert '<script defer data-domain="localhost" data-allow-local src="/js/footfall.js">' in html
    assert html.index("demo.js") < html.index("footfall.js")
    assert client.get("/demo/nowhere").status_code == 303


def test_without_the_demo_there_is_no_demo(
    reports: Reports, registry: Registry, clock: FakeClock
) -> None:
    """An owner's server has no page that nobody asked for."""
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


def test_a_store_that_does_not_answer_is_said(
    client: TestClient, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that cannot be shown says that the fault is ours, and nothing of the fault."""

    def unreachable(*_: object) -> None:
        raise Unreachable("10.0.0.7 refused")

    monkeypatch.setattr(reports, "began", unreachable)

    answer = client.get("/example.org")

    assert answer.status_code == 503
    assert "10.0.0.7" not in answer.text
    assert "The fault is ours" in _words(answer.text)


def test_an_oversized_form_counts_as_empty(client: TestClient) -> None:
    """No form of ours is that long."""
    answer = client.post("/login", data={"name": "ann", "password": PASSWORD, "x": "a" * 9000})

    assert answer.status_code == 403


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

    asked = query_from("period=7d")
    shown = overview(reports, clock, site, asked, backwards)

    assert overview(reports, clock, site, asked) == shown
    assert begun == [2 + len(PANELS)]
