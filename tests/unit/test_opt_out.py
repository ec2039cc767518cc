"""Visitors see the truth about being counted, and change it in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from collector.privacy.consent import signals_in
from collector.visitors import opt_out, widget
from collector.visitors.opt_out import cookies_for, routes, state_of
from tests.asgi import Answer, ask
from tests.builders import a_receive, a_scope, some_sites

FORM = (b"content-type", b"application/x-www-form-urlencoded")
HOST = (b"host", b"stats.example.org")
FORBIDDEN = 403


def render(name: str, context: Mapping[str, Any]) -> str:
    """Show what a template would be given."""
    return orjson.dumps([name, context]).decode()


async def request(
    *headers: tuple[bytes, bytes], body: bytes = b"", path: str = "/opt-out", url: str = ""
) -> Answer:
    """Ask the opt-out pages of a service at some public URL; a body makes it a POST."""
    app = Starlette(routes=list(routes(render, url, some_sites)))
    path, _, query = path.partition("?")
    method = "POST" if body else "GET"
    scope = a_scope(HOST, *headers, method=method, path=path, query=query.encode())
    return await ask(app, scope, a_receive(body))


def cookies(answer: Answer) -> list[str]:
    """List the cookies an answer sets."""
    return [value for name, value in answer.raw if name == "set-cookie"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ((b"accept", b"*/*"), {"opted_out": False, "gpc": False, "dnt": False, "counted": True}),
        (
            (b"cookie", b"optout=1"),
            {"opted_out": True, "gpc": False, "dnt": False, "counted": False},
        ),
        ((b"sec-gpc", b"1"), {"opted_out": False, "gpc": True, "dnt": False, "counted": False}),
        ((b"dnt", b"1"), {"opted_out": False, "gpc": False, "dnt": True, "counted": False}),
    ],
)
async def test_the_page_says_the_true_state(
    header: tuple[bytes, bytes], expected: dict[str, bool]
) -> None:
    """The page and its machine-readable twin show what arrived with this very request."""
    page = await request(header)
    state = await request(header, path="/opt-out/state")

    template, context = page.json()
    assert ("opt_out.html", expected, None, False) == (
        template,
        *(context[name] for name in ("state", "saved", "https")),
    )
    assert expected == state.json()
    assert [] == cookies(page) == cookies(state)


@pytest.mark.anyio
async def test_opting_out_sets_the_constant_cookie() -> None:
    """Over http one cookie that reaches same-site pages; the page is asked for again."""
    answer = await request(FORM, body=b"choice=out")

    assert (303, "/opt-out?saved=out", "U") == (
        answer.status,
        answer.headers["location"],
        answer.headers["tk"],
    )
    assert ["optout=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=34128000"] == cookies(answer)


@pytest.mark.anyio
@pytest.mark.parametrize("proof", ["public URL", "origin"])
async def test_over_https_two_cookies_reach_other_sites(proof: str) -> None:
    """Secure, for all sites and for each site apart; known from the settings or the browser."""
    origin = [(b"origin", b"https://stats.example.org")] if proof == "origin" else []
    url = "https://stats.example.org" if proof == "public URL" else ""

    answer = await request(FORM, *origin, body=b"choice=out", url=url)

    assert [
        "__Host-optout=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=34128000",
        "__Host-optout_p=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=34128000",
    ] == cookies(answer)


def test_every_browser_gets_the_same_bytes() -> None:
    """No cookie holds anything but the refusal (R-25), and each is one that consent honours."""
    for https in (True, False):
        for cookie in cookies_for("out", https=https):
            pair = cookie.partition(";")[0]
            assert pair.partition("=")[2] == "1"
            assert signals_in([(b"cookie", pair.encode())]).opted_out


@pytest.mark.anyio
async def test_opting_in_again_removes_every_jar() -> None:
    """Counting again is one step too, and removes all cookies that could be there (R-30)."""
    answer = await request(FORM, body=b"choice=in", url="https://stats.example.org")

    names = {cookie.partition("=")[0] for cookie in cookies(answer)}
    assert {"__Host-optout", "__Host-optout_p", "optout"} == names
    assert all("Max-Age=0" in cookie for cookie in cookies(answer))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "cookie", "expected"),
    [
        ("/opt-out?saved=out", b"optout=1", "saved"),
        ("/opt-out?saved=out", b"", "not saved"),
        ("/opt-out?saved=in", b"", "saved"),
        ("/opt-out?saved=in", b"optout=1", "not saved"),
        ("/opt-out?saved=other", b"", "nothing chosen"),
    ],
)
async def test_success_is_claimed_only_when_the_browser_kept_the_choice(
    path: str, cookie: bytes, expected: str
) -> None:
    """The page after a choice looks at the cookie that came back, not at what it sent (R-26)."""
    words = {True: "saved", False: "not saved", None: "nothing chosen"}

    answer = await request((b"cookie", cookie), path=path)

    assert expected == words[answer.json()[1]["saved"]]


@pytest.mark.anyio
async def test_another_sites_page_may_opt_out_but_not_in() -> None:
    """A forged form can only protect the visitor (R-29)."""
    foreign = (b"sec-fetch-site", b"cross-site")

    out = await request(FORM, foreign, body=b"choice=out")
    back_in = await request(FORM, foreign, body=b"choice=in")

    assert (303, FORBIDDEN) == (out.status, back_in.status)
    assert [] == cookies(back_in)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [b"choice=maybe", b"x", b"\xff\xfe", b"choice=out&" + b"x" * 9000, b"&" * 500]
)
async def test_a_form_without_a_choice_changes_nothing(body: bytes) -> None:
    """Nonsense is a 400 with the same page, and sets no cookie."""
    answer = await request(FORM, body=body)

    assert 400 == answer.status
    assert [] == cookies(answer)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (b"https://example.org", "https://example.org"),
        (b"https://www.example.org", "https://www.example.org"),
        (b"https://foreign.example", None),
        (b"null", None),
    ],
)
async def test_only_registered_sites_may_read_the_state(
    origin: bytes, expected: str | None
) -> None:
    """The widget on an owner's page verifies with credentials; no other page can (S-10)."""
    answer = await request((b"origin", origin), path="/opt-out/state")

    assert expected == answer.headers.get("access-control-allow-origin")
    assert (expected is not None) == ("access-control-allow-credentials" in answer.headers)


@pytest.mark.anyio
async def test_the_frames_choice_may_be_made_within_another_page() -> None:
    """What answers the frame's form is as embeddable as the frame, and changes the state."""
    app = Starlette(routes=list(widget.routes(lambda *_: "", "https://stats.example.org")))
    scope = a_scope(HOST, FORM, path="/opt-out/widget", query=b"language=de")

    answer = await ask(app, scope, a_receive(b"choice=out"))

    assert (303, "U") == (answer.status, answer.headers["tk"])
    assert "/opt-out/widget?language=de&saved=out" == answer.headers["location"]
    assert "x-frame-options" not in answer.headers
    assert answer.headers["content-security-policy"].endswith("frame-ancestors *")
    assert 2 == len(cookies(answer))


@pytest.mark.anyio
async def test_without_sites_no_origin_reads_the_state() -> None:
    """Without a list of sites the state is shown to no other origin."""
    app = Starlette(routes=list(opt_out.routes(render)))
    scope = a_scope((b"origin", b"https://example.org"), method="GET", path="/opt-out/state")

    answer = await ask(app, scope, a_receive())

    assert "access-control-allow-origin" not in answer.headers


def test_states_are_what_consent_decides() -> None:
    """The state shown and the decision on a hit come from one place."""
    for headers in ([], [(b"dnt", b"1")], [(b"cookie", b"optout=1")]):
        signals = signals_in(headers)
        assert state_of(signals)["counted"] == (signals.refusal is None)
