"""Who can view which page, how to log in, and which headers each page has."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.registry.sites import Goal
from collector.registry.store import Registry
from collector.settings import Settings
from collector.stats.report import Reports
from dashboards import routes as dashboards
from tests.builders import FakeClock
from tests.integration.dashboards.browsing import PASSWORD, PageText, log_in, words_of


@pytest.mark.parametrize("domain", ["private.example", "unknown.example", "favicon.ico"])
def test_anonymous_visitors_cannot_distinguish_private_from_unknown(
    client: TestClient, domain: str
) -> None:
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


def test_a_wrong_password_does_not_log_in(client: TestClient) -> None:
    """Known and unknown user names get the same answer, and no cookie is set."""
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
        log_in(client, "wrong password")

    answer = client.post("/login", data={"name": "ann", "password": PASSWORD})

    assert answer.status_code == 429
    assert "Too many attempts" in words_of(answer.text)


def test_logging_out_ends_the_session_itself(client: TestClient) -> None:
    """A cookie kept back opens nothing any more."""
    log_in(client)
    kept = client.cookies["footfall_session"]

    client.post("/logout")
    client.cookies.set("footfall_session", kept)

    assert client.get("/private.example").status_code == 303


def test_logging_in_again_begins_another_session(client: TestClient, registry: Registry) -> None:
    """A token from before the login is worth nothing after it."""
    log_in(client)
    old = client.cookies["footfall_session"]

    log_in(client)

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
    log_in(client)

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
    page = PageText()
    page.feed(answer.text)
    assert page.inline == []


def test_nothing_to_see_leads_to_the_login(client: TestClient, registry: Registry) -> None:
    """Without a public site, anonymous visitors see the login."""
    registry.set_site("example.org", public=False)

    answer = client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_settings_show_every_snippet_to_its_owner_only(client: TestClient) -> None:
    """The line of HTML of each site is there after logging in."""
    anonymous = client.get("/settings")
    log_in(client)

    words = words_of(client.get("/settings").text)

    assert anonymous.status_code == 303
    assert 'data-domain="example.org"' in words
    assert 'data-domain="private.example"' in words


def test_settings_show_what_is_declared_of_a_site(client: TestClient, registry: Registry) -> None:
    """An owner sees how long numbers are kept and what counts as a goal."""
    registry.set_site("example.org", total_days=400, goals=(Goal("Thanks <b>", path="/thanks"),))
    log_in(client)

    page = client.get("/settings").text

    assert "400 days; hourly numbers 35 days" in page
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
    assert 'src="https://stats.example.org/js/footfall.js"' in words_of(page.text)
    assert page.headers["strict-transport-security"] == "max-age=31536000"


def test_a_form_of_many_fields_is_read_like_any(client: TestClient) -> None:
    """What no form of ours asks for is passed over, and is no fault of the service."""
    more = {f"field{number}": "x" for number in range(60)}

    refused = client.post("/login", data={"name": "ann", "password": "wrong", **more})
    taken = client.post("/login", data={"name": "ann", "password": PASSWORD, **more})

    assert (403, 303) == (refused.status_code, taken.status_code)


def test_an_oversized_form_counts_as_empty(client: TestClient) -> None:
    """No form of ours is that long."""
    answer = client.post("/login", data={"name": "ann", "password": PASSWORD, "x": "a" * 9000})

    assert answer.status_code == 403
