"""Cookies and CORS as design.md §4 rules them, over https with a certificate and over plain http.

The service runs in a process of its own; https is spoken by a front with a certificate made now.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser.front import certificate, front
from tests.service import CHROME, Service

COLLECTOR, SITE = "stats.example.net", "example.org"
EVENT = b'{"n":"pageview","u":"https://example.org/","d":"example.org"}'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSALS = ("__Host-optout=1", "__Host-optout_p=1", "optout=1")
EVENT_ROUTES = (
    ("POST", "/api/event"),
    ("POST", "/api/send"),
    ("GET", "/count?p=/"),
    ("GET", "/pixel.gif?d=example.org&u=https://example.org/"),
)


class Answer(NamedTuple):
    """What came back: all headers by lower-case name, in their order."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def every(self, name: str) -> list[str]:
        """Give all values of a header."""
        return [value for header, value in self.headers if header == name]


@dataclass(frozen=True)
class Wire:
    """A way to the service: with TLS or without."""

    scheme: str
    port: int
    trusted: Path | None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request as a browser would."""
        if self.trusted is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        else:
            context = ssl.create_default_context(cafile=str(self.trusted))
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=20, context=context
            )
        connection.request(
            method, path, body, {"Host": COLLECTOR, "User-Agent": CHROME, **(headers or {})}
        )
        answer = connection.getresponse()
        found = [(name.lower(), value) for name, value in answer.getheaders()]
        body = answer.read()
        connection.close()
        return Answer(answer.status, found, body)


@pytest.fixture(scope="module", params=["https", "http"])
def wire(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wire]:
    """Run the service behind a front, once with TLS and once without."""
    folder = tmp_path_factory.mktemp(request.param)
    secure = request.param == "https"
    environ = {"FOOTFALL_PUBLIC_URL": f"https://{COLLECTOR}"} if secure else {}
    service = Service(folder / "data", (SITE,), environ=environ)
    with service, front(service.port, {}, folder if secure else None) as port:
        trusted = folder / "front.pem" if secure else None
        yield Wire(request.param, port, trusted)


def test_the_certificate_is_checked(tmp_path: Path) -> None:
    """The https tests speak TLS to a certificate that they verify."""
    chain, key = certificate(tmp_path)

    context = ssl.create_default_context(cafile=str(chain))

    assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_opting_out_sets_the_cookies_of_the_scheme(wire: Wire) -> None:
    """https: the global cookie and its partitioned twin; http: one for pages of the same site."""
    answer = wire.ask("POST", "/opt-out", b"choice=out", FORM)

    lives = "Max-Age=34128000"
    secure = "Path=/; Secure; HttpOnly; SameSite=None"
    expected = {
        "https": [
            f"__Host-optout=1; {secure}; {lives}",
            f"__Host-optout_p=1; {secure}; Partitioned; {lives}",
        ],
        "http": [f"optout=1; Path=/; HttpOnly; SameSite=Lax; {lives}"],
    }
    assert expected[wire.scheme] == answer.every("set-cookie")
    assert ["U"] == answer.every("tk")


def test_the_widget_sets_the_same_cookies(wire: Wire) -> None:
    """In the frame the choice is kept as on the collector's page, and shown in the frame again."""
    query = "?language=de&background=fff8e7&color=3b2a14&evil=1"

    page = wire.ask("POST", "/opt-out", b"choice=out", FORM)
    frame = wire.ask("POST", f"/opt-out/widget{query}", b"choice=out", FORM)

    assert page.every("set-cookie") == frame.every("set-cookie")
    assert (303, ["U"]) == (frame.status, frame.every("tk"))
    assert ["/opt-out/widget?language=de&background=fff8e7&color=3b2a14&saved=out"] == frame.every(
        "location"
    )


@pytest.mark.parametrize("path", ["/opt-out", "/opt-out/widget"])
def test_opting_in_is_not_for_other_sites_pages(wire: Wire, path: str) -> None:
    """A forged form may opt out but not in, on either page (R-29)."""
    forged = {**FORM, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    out = wire.ask("POST", path, b"choice=out", forged)
    back_in = wire.ask("POST", path, b"choice=in", forged)

    assert (303, 403) == (out.status, back_in.status)
    assert [] == back_in.every("set-cookie")


@pytest.mark.parametrize("cookie", REFUSALS)
def test_every_refusal_cookie_is_honoured(wire: Wire, cookie: str) -> None:
    """Each of the three cookies is obeyed, whatever the scheme."""
    answer = wire.ask("GET", "/opt-out/state", headers={"Cookie": cookie})

    assert b'"counted":false' in answer.body
    assert b'"opted_out":true' in answer.body


@pytest.mark.parametrize(("method", "path"), EVENT_ROUTES)
def test_event_routes_answer_every_origin_alike(wire: Wire, method: str, path: str) -> None:
    """A constant star, never an echo of Origin, never credentials, never a cookie (R-11)."""
    body = EVENT if method == "POST" else None
    origins = ("https://example.org", "https://evil.example", "null")

    answers = [
        wire.ask(method, path, body, {"Origin": origin, "Content-Type": "text/plain"})
        for origin in origins
    ]

    for answer in answers:
        assert ["*"] == answer.every("access-control-allow-origin")
        assert [] == answer.every("access-control-allow-credentials")
        assert [] == answer.every("set-cookie")
        assert ["N"] == answer.every("tk")
        assert ["no-store"] == answer.every("cache-control")


@pytest.mark.parametrize(
    ("origin", "readable"),
    [
        ("https://example.org", True),
        ("http://example.org", True),
        ("https://www.example.org", True),
        ("https://example.org:8443", True),
        ("https://evil.example", False),
        ("https://example.org.evil.example", False),
        ("https://notexample.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_sites_of_ours_may_read_the_state(wire: Wire, origin: str, *, readable: bool) -> None:
    """One route alone has CORS with credentials, and for registered sites' origins alone."""
    answer = wire.ask("GET", "/opt-out/state", headers={"Origin": origin} if origin else {})

    assert ([origin] if readable else []) == answer.every("access-control-allow-origin")
    assert (["true"] if readable else []) == answer.every("access-control-allow-credentials")
    assert "Origin" in ", ".join(answer.every("vary"))
    assert ["no-store"] == answer.every("cache-control")


def test_only_the_widget_can_be_framed(wire: Wire) -> None:
    """Every page forbids frames but the one that is made for them."""
    pages = (
        "/opt-out",
        "/privacy/example.org",
        "/privacy/example.org/me",
        "/example.org",
        "/login",
    )

    frameable = wire.ask("GET", "/opt-out/widget")

    assert "frame-ancestors *" in frameable.every("content-security-policy")[0]
    assert [] == frameable.every("x-frame-options")
    for path in pages:
        answer = wire.ask("GET", path)
        assert "frame-ancestors 'none'" in answer.every("content-security-policy")[0], path
        assert ["DENY"] == answer.every("x-frame-options"), path


def test_the_script_form_is_the_same_for_all(wire: Wire) -> None:
    """A refusal changes no byte of the widget's script, which may be kept (R-20)."""
    plain = wire.ask("GET", "/opt-out/widget.js")

    marked = wire.ask("GET", "/opt-out/widget.js", headers={"Cookie": "optout=1", "DNT": "1"})

    assert plain.body == marked.body
    assert ["*"] == plain.every("access-control-allow-origin")
    assert ["public, max-age=3600"] == plain.every("cache-control")


def test_a_choice_outlives_a_restart(tmp_path: Path) -> None:
    """The refusal is the browser's: a service begun anew honours it at once (R-27)."""
    service = Service(tmp_path / "data", (SITE,))
    with service:
        kept = service.post("/opt-out", b"choice=out", FORM).headers["set-cookie"].partition(";")[0]
    with service:
        state = service.get("/opt-out/state", {"Cookie": kept}).json()

    assert {"opted_out": True, "gpc": False, "dnt": False, "counted": False} == state
