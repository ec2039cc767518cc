"""The tripwire: over the whole application, a visitor who refuses is not read (R-4, P1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall
from collector.privacy.consent import Message, Scope
from tests.asgi import Answer, ask, post, running
from tests.builders import CHROME, a_body, a_scope

REFUSALS = {
    "opt_out": (b"cookie", b"__Host-optout=1"),
    "gpc": (b"sec-gpc", b"1"),
    "dnt": (b"dnt", b"1"),
}
OTHER_HEADERS = (
    b"host",
    b"user-agent",
    b"referer",
    b"origin",
    b"x-forwarded-for",
    b"accept-language",
    b"authorization",
    b"content-length",
    b"content-type",
    b"sec-ch-ua",
    b"sec-fetch-site",
)
SAYINGS = ("client", "query_string", "server")


class Touched(BaseException):
    """Raised if something was read that nobody may read; no handler of errors catches it."""


class Wire(bytes):
    """A header value that fails when it is looked at in any way."""

    def _fail(self, *_: Any) -> Any:
        raise Touched

    __eq__ = __ne__ = __hash__ = __contains__ = __getitem__ = __len__ = __iter__ = _fail
    __bytes__ = __repr__ = __str__ = __add__ = __mod__ = _fail

    def __getattribute__(self, name: str) -> Any:
        """Fail for every method but those of Python itself."""
        return object.__getattribute__(self, name) if name.startswith("__") else self._fail()


class WiredScope(dict[str, Any]):
    """A scope whose client, query string and host cannot be asked for."""

    def __getitem__(self, key: str) -> Any:
        """Fail for what tells of the visitor."""
        if key in SAYINGS:
            raise Touched(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Fail for what tells of the visitor."""
        return super().get(key, default) if key not in SAYINGS else self[key]


def wired(*signals: tuple[bytes, bytes], path: str = "/api/event") -> Scope:
    """Build a scope in which everything is wired but the signals."""
    headers = [(name, Wire(b"x")) for name in OTHER_HEADERS]
    return WiredScope(a_scope(*headers, *signals, path=path))


async def wired_receive() -> Message:
    """Fail when the body is read."""
    raise Touched("body")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application."""
    async with running(tmp_path / "data") as app:
        yield app


@pytest.mark.anyio
@pytest.mark.parametrize("reason", REFUSALS)
async def test_a_refusing_visitor_is_not_read(app: Footfall, reason: str) -> None:
    """Opt-out, GPC and DNT are obeyed before any other value, the query, the peer or the body."""
    answer = await ask(app, wired(REFUSALS[reason]), wired_receive)

    assert (202, b"ok", "N") == (answer.status, answer.body, answer.headers["tk"])
    assert {reason: 1} == app.container.counters.totals()


@pytest.mark.anyio
async def test_the_wires_hold(app: Footfall) -> None:
    """Without a refusal the same request trips a wire, so the test above means something."""
    with pytest.raises(Touched):
        await ask(app, wired(), wired_receive)


@pytest.mark.anyio
async def test_a_preflight_is_answered_without_reading(app: Footfall) -> None:
    """OPTIONS gets its constant answer whatever the browser sends along."""
    scope = wired()
    scope["method"] = "OPTIONS"

    answer = await ask(app, scope, wired_receive)

    assert (200, "*") == (answer.status, answer.headers["access-control-allow-origin"])
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.anyio
async def test_refused_dropped_and_counted_look_alike(app: Footfall) -> None:
    """Nobody can tell a refusal, a drop or an unknown site from a hit that was counted (S-8)."""
    browser = (b"user-agent", CHROME)
    answers: list[Answer] = [
        await post(app, a_body(), browser),
        await post(app, a_body(), browser, (b"dnt", b"1")),
        await post(app, a_body(), browser, (b"cookie", b"optout=1")),
        await post(app, a_body(d="nobody.example"), browser),
        await post(app, a_body(u="https://foreign.example/"), browser),
        await post(app, a_body(), (b"user-agent", b"Googlebot/2.1")),
    ]

    assert all(answers[0] == answer for answer in answers)
    assert "set-cookie" not in answers[0].headers
    assert "no-store" == answers[0].headers["cache-control"]


@pytest.mark.anyio
async def test_a_refusal_changes_nothing_but_its_count(tmp_path: Path) -> None:
    """After a refused hit no file differs but the spool, and there only the count by reason."""
    async with running(tmp_path / "data") as app:
        await post(app, a_body(), (b"user-agent", CHROME), (b"dnt", b"1"))
        spooled = app.container.spool.stats()
        hits = app.container.visits

        assert 0 == spooled.rows
        assert 0 == len(hits)
        assert [] == app.container.secrets.open()
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert CHROME not in path.read_bytes()
