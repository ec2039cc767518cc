"""Who can view a site, what the session cookie is, and how login attempts are limited."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from collector.registry.accounts import User
from collector.registry.sites import Site
from dashboards import auth, routes
from dashboards.auth import LoginLimiter
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
    ("public", "user", "allowed"),
    [(True, None, True), (False, None, False), (False, User(id=1, name="ann"), True)],
)
def test_anonymous_visitors_view_public_sites_only(
    *, public: bool, user: User | None, allowed: bool
) -> None:
    """A site is for dashboard users, unless it is public."""
    assert allowed == routes.can_view(user, _site(public=public))


@pytest.mark.parametrize(
    ("scheme", "public_url", "expected"),
    [
        ("http", "", False),
        ("https", "", True),
        ("http", "https://stats.example.org", True),
        ("http", "http://stats.example.org", False),
    ],
)
def test_https_comes_from_the_settings_or_the_connection(
    scheme: str, public_url: str, *, expected: bool
) -> None:
    """A proxy's https counts if the settings say so; no header is trusted."""
    assert expected == routes.is_https(_request(scheme), public_url)


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
    """Over https the cookie belongs to this host alone; scripts can never read it."""
    answer = Response()

    auth.set_session_cookie(answer, "t0ken", https=https)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(parts[0])
    assert all(part in cookie for part in parts)
    assert "Domain" not in cookie
    assert https == ("Secure" in cookie)


def test_a_plain_cookie_is_no_session_over_https() -> None:
    """Over https only the cookie that no other host can set counts."""
    request = _request("https", "footfall_session=planted")

    assert routes.session_token(request, https=True) == ""


@pytest.mark.parametrize("https", [True, False])
def test_logging_out_ends_the_cookie(*, https: bool) -> None:
    """The browser deletes the cookie it was given."""
    answer = Response()

    auth.clear_session_cookie(answer, https=https)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(("footfall_session=", "__Host-footfall_session="))
    assert "Max-Age=0" in cookie


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
    """The page after a login is always one of ours."""
    assert target == auth.safe_target(wanted)


def test_five_attempts_then_a_pause() -> None:
    """An account has five login attempts, then one every half minute."""
    clock = FakeClock()
    limiter = LoginLimiter(clock)

    first = [limiter.allows("ann") for _ in range(6)]
    clock.pass_by(30)
    later = [limiter.allows("ann") for _ in range(2)]

    assert [True, True, True, True, True, False] == first
    assert [True, False] == later


def test_another_account_is_not_limited() -> None:
    """Guessing the password of one account does not lock out others."""
    limiter = LoginLimiter(FakeClock())
    for _ in range(6):
        limiter.allows("ann")

    assert limiter.allows("bob")


def test_spelling_does_not_make_an_account() -> None:
    """Capitals and outer spaces make no difference, as in the registry."""
    limiter = LoginLimiter(FakeClock())
    for _ in range(5):
        limiter.allows("ann")

    assert not limiter.allows(" ANN ")


def test_many_accounts_together_are_limited() -> None:
    """Trying one password on many accounts is limited too."""
    limiter = LoginLimiter(FakeClock())

    allowed = sum(limiter.allows(f"user {n}") for n in range(100))

    assert allowed == auth.GLOBAL_BURST


def test_a_login_gives_all_attempts_back() -> None:
    """After a successful login the account has all its attempts again."""
    limiter = LoginLimiter(FakeClock())
    for _ in range(5):
        limiter.allows("ann")

    limiter.reset("ann")

    assert limiter.allows("ann")


def test_accounts_are_remembered_without_their_names() -> None:
    """The limiter holds keyed hashes, never the names that were entered."""
    limiter = LoginLimiter(FakeClock())

    limiter.allows("ann")

    assert [16] == [len(key) for key in limiter._accounts._buckets]
    assert b"ann" not in b"".join(limiter._accounts._buckets)
