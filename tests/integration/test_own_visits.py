"""Owners exclude their own browsers, whose hits are not counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.app import Footfall
from tests.asgi import Answer, ask, get, post, running
from tests.builders import CHROME, a_body, a_receive, a_scope

UA = (b"user-agent", CHROME)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application, reached over plain http."""
    async with running(tmp_path / "data") as app:
        yield app


def logged_in(app: Footfall, cookie: str = "footfall_session") -> bytes:
    """Add a user, log in, and return the session cookie."""
    registry = app.container.registry
    registry.add_user("owner", "correct horse battery")
    user = registry.check_password("owner", "correct horse battery")
    assert user is not None
    return f"{cookie}={registry.open_session(user)}".encode()


async def choose(app: Footfall, own: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Send the page's form."""
    scope = a_scope(*headers, path="/own-visits")
    return await ask(app, scope, a_receive(f"own={own}".encode()))


def cookies(answer: Answer) -> list[str]:
    """List what an answer has the browser keep."""
    return [value for name, value in answer.raw if name == "set-cookie"]


@pytest.mark.anyio
async def test_a_marked_browser_drops_as_own_visit(app: Footfall) -> None:
    """A logged-in user marks the browser; its hits are answered like all others, and dropped."""
    session = logged_in(app)

    marked = await choose(app, "yes", (b"cookie", session))
    (cookie,) = cookies(marked)
    mark = cookie.partition(";")[0].encode()
    own = await post(app, a_body(), UA, (b"cookie", mark))
    other = await post(app, a_body(), UA)

    assert (303, "/own-visits?saved=yes") == (marked.status, marked.headers["location"])
    assert "own=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=34128000" == cookie
    assert other == own
    assert {"own_visit": 1} == app.container.counters.totals()
    assert 1 == app.container.spool.stats().acknowledged


@pytest.mark.anyio
async def test_the_page_says_what_is_true_of_this_browser(app: Footfall) -> None:
    """It shows the mark the browser sent, and that a choice was not kept when it was not."""
    session = (b"cookie", logged_in(app))
    marked = (b"cookie", session[1] + b"; own=1")

    plain = await get(app, "/own-visits", session)
    left_out = await get(app, "/own-visits?saved=yes", marked)
    lost = await get(app, "/own-visits?saved=yes", session)

    assert b"are counted like all others" in plain.body
    assert b"are excluded on every site" in left_out.body
    assert [False, False, True] == [
        b"did not keep the cookie" in page.body for page in (plain, left_out, lost)
    ]


@pytest.mark.anyio
async def test_the_mark_can_be_taken_away(app: Footfall) -> None:
    """Choosing to be counted again has the browser forget the mark."""
    answer = await choose(app, "no", (b"cookie", logged_in(app) + b"; own=1"))

    assert ["own=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"] == cookies(answer)


@pytest.mark.anyio
async def test_anonymous_visitors_mark_no_browser(app: Footfall) -> None:
    """Without a login the page leads to it; another site's page is refused."""
    session = (b"cookie", logged_in(app))

    seen = await get(app, "/own-visits")
    sent = await choose(app, "yes")
    forged = await choose(app, "yes", session, (b"sec-fetch-site", b"cross-site"))

    assert [303, 303, 403] == [seen.status, sent.status, forged.status]
    assert "/login?next=%2Fown-visits" == seen.headers["location"] == sent.headers["location"]
    assert [] == cookies(sent) + cookies(forged)


@pytest.mark.anyio
async def test_over_https_the_mark_goes_along_from_other_sites(tmp_path: Path) -> None:
    """There the cookie is secure, of this host alone, and sent from pages of other sites too."""
    async with running(tmp_path / "data", public_url="https://stats.example.org") as app:
        session = (b"cookie", logged_in(app, "__Host-footfall_session"))

        (mark,) = cookies(await choose(app, "yes", session))
        gone = cookies(await choose(app, "no", session))
        await post(app, a_body(), UA, (b"cookie", mark.partition(";")[0].encode()))

        assert mark == ("__Host-own=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=34128000")
        assert ["__Host-own=1", "own=1"] == [cookie.partition(";")[0] for cookie in gone]
        assert all(cookie.endswith("Max-Age=0") for cookie in gone)
        assert {"own_visit": 1} == app.container.counters.totals()
