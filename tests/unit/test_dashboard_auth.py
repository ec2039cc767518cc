"""Who may look, who may change, and how guessing is slowed down."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from collector.registry.accounts import User
from collector.registry.sites import Site
from dashboards import auth
from dashboards.auth import Throttle
from tests.builders import FakeClock


def _request(scheme: str = "http", cookie: str = "") -> Request:
    headers = [(b"host", b"stats.example.org"), (b"cookie", cookie.encode())]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": scheme,
            "path": "/",
            "query_string": b"",
            "headers": headers,
        }
    )


def _site(*, public: bool) -> Site:
    return Site(id=1, domain="example.org", public=public)


@pytest.mark.parametrize(
    ("public", "reader", "allowed"),
    [(True, None, True), (False, None, False), (False, User(id=1, name="ann"), True)],
)
def test_strangers_see_public_sites_only(
    *, public: bool, reader: User | None, allowed: bool
) -> None:
    """A site is for whoever has an account, unless it is public."""
    assert allowed == auth.can_view(reader, _site(public=public))


@pytest.mark.parametrize(
    ("scheme", "public_url", "expected"),
    [
        ("http", "", False),
        ("https", "", True),
        ("http", "https://stats.example.org", True),
        ("http", "http://stats.example.org", False),
    ],
)
def test_https_is_what_the_reader_uses(scheme: str, public_url: str, *, expected: bool) -> None:
    """A proxy's https counts when the settings say so; no header is believed."""
    assert expected == auth.is_https(_request(scheme), public_url)


@pytest.mark.parametrize(
    ("https", "parts"),
    [
        (True, ("__Host-footfall_session=t0ken", "Secure", "HttpOnly", "SameSite=lax", "Path=/")),
        (False, ("footfall_session=t0ken", "HttpOnly", "SameSite=lax", "Path=/")),
    ],
)
def test_the_session_cookie_is_bound_as_tightly_as_can_be(
    *, https: bool, parts: tuple[str, ...]
) -> None:
    """Over https the cookie is this host's alone; never is it within reach of a script."""
    answer = Response()

    auth.set_session_cookie(answer, "t0ken", https=https)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(parts[0])
    assert all(part in cookie for part in parts)
    assert "Domain" not in cookie
    assert https == ("Secure" in cookie)


def test_a_plain_cookie_is_no_session_over_https() -> None:
    """Over https only the cookie that no other host can set is believed."""
    request = _request("https", "footfall_session=planted")

    assert auth.session_token(request, https=True) == ""


@pytest.mark.parametrize("https", [True, False])
def test_logging_out_ends_the_cookie(*, https: bool) -> None:
    """The browser forgets the very cookie it was given."""
    answer = Response()

    auth.clear_session_cookie(answer, https=https)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(("footfall_session=", "__Host-footfall_session="))
    assert "Max-Age=0" in cookie


@pytest.mark.parametrize(
    ("method", "headers", "forged"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "same-origin"}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"sec-fetch-site": "same-site"}, True),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "https://stats.example.org"}, True),
        ("POST", {"origin": "https://stats.example.org"}, False),
        ("POST", {"origin": "https://front.example.org"}, False),
        ("POST", {"origin": "https://evil.example"}, True),
        ("POST", {"origin": "https://stats.example.org.evil.example"}, True),
        ("POST", {"origin": "null"}, True),
        ("POST", {}, False),
    ],
)
def test_forged_requests_are_known(method: str, headers: dict[str, str], *, forged: bool) -> None:
    """What another site's page sends changes nothing; what we sent ourselves may."""
    given = {"host": "stats.example.org", **headers}

    assert forged == auth.is_cross_site(method, given, "https://front.example.org")


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/example.org?period=7d", "/example.org?period=7d"),
        ("/", "/"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/ü", "/"),
    ],
)
def test_the_login_leads_nowhere_else(wanted: str, target: str) -> None:
    """After logging in one lands on a page of ours."""
    assert target == auth.safe_target(wanted)


def test_five_tries_then_a_pause() -> None:
    """An account can be tried five times at once, then once in half a minute."""
    clock = FakeClock()
    throttle = Throttle(clock)

    first = [throttle.admits("ann") for _ in range(6)]
    clock.pass_by(30)
    later = [throttle.admits("ann") for _ in range(2)]

    assert [True, True, True, True, True, False] == first
    assert [True, False] == later


def test_another_account_is_not_slowed_down() -> None:
    """Who guesses at one account keeps nobody else out."""
    throttle = Throttle(FakeClock())
    for _ in range(6):
        throttle.admits("ann")

    assert throttle.admits("bob")


def test_spelling_does_not_make_an_account() -> None:
    """Capitals and outer spaces are the same account, as the registry has it."""
    throttle = Throttle(FakeClock())
    for _ in range(5):
        throttle.admits("ann")

    assert not throttle.admits(" ANN ")


def test_many_accounts_together_are_slowed_down() -> None:
    """Trying one password on many accounts is stopped too."""
    throttle = Throttle(FakeClock())

    admitted = sum(throttle.admits(f"user {n}") for n in range(100))

    assert admitted == auth.GLOBAL_BURST


def test_coming_in_gives_all_tries_back() -> None:
    """An owner who mistyped starts afresh next time."""
    throttle = Throttle(FakeClock())
    for _ in range(5):
        throttle.admits("ann")

    throttle.forgive("ann")

    assert throttle.admits("ann")


def test_the_memory_of_tries_is_bounded_and_nameless() -> None:
    """Ten thousand accounts are remembered at most, and none by its name."""
    clock = FakeClock()
    throttle = Throttle(clock)
    for number in range(auth.KEPT_ACCOUNTS + 50):
        throttle.admits(f"user {number}")
        clock.pass_by(1)

    assert len(throttle._accounts) == auth.KEPT_ACCOUNTS
    assert not any(b"user" in key for key in throttle._accounts)
