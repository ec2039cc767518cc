"""Owners who look for a mistake are told what became of a hit; nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from collector.app import Footfall
from tests.asgi import post, running
from tests.builders import CHROME, a_body
from tests.service import Service

UA = (b"user-agent", CHROME)
TOLD = "x-footfall"
BOTH = a_body(d="example.org,b.example")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application with two sites, one of them being looked into."""
    async with running(tmp_path / "data", "example.org", "b.example") as app:
        app.container.registry.set_site("example.org", debug=True)
        app.container.read_sites()
        yield app


def a_token(app: Footfall, site: str | None, scope: str = "read") -> tuple[bytes, bytes]:
    """Make a token and the header that shows it."""
    token = app.container.registry.create_token(f"{site} {scope}", site, [scope])
    return (b"authorization", b"Bearer " + token.encode())


@pytest.mark.anyio
async def test_a_reader_of_a_debugged_site_is_told(app: Footfall) -> None:
    """Kept or dropped and by which rule, for sites whose switch is on; the rest is as ever."""
    token = a_token(app, None)
    event = a_body(
        n="Order",
        u="https://example.org/users/jane?utm_campaign=herbst,%C3%BC",
        p={"mail": "jane@example.com"},
    )

    kept = await post(app, event, UA, token)
    bot = await post(app, a_body(), (b"user-agent", b"Googlebot/2.1"), token)
    both = await post(app, BOTH, UA, token)
    plain = await post(app, a_body(), UA)

    assert [
        "kept",
        "site=example.org",
        "page=example.org/users/:user",
        "acquisition=(direct)%2C%20Direct%2C%20(none)",
        "campaign=utm_campaign=herbst%2C%C3%BC",
        "place=(unknown)%2C%20(unknown)%2C%20(unknown)",
        "device=Chrome%20142%2C%20Windows%2C%20Desktop",
        "language=(none)",
        "event=Order",
        "properties=",
    ] == [part for part in kept.headers[TOLD].split(";") if not part.startswith("screen=")]
    assert "dropped:bot;site=example.org;bots=googlebot" == bot.headers[TOLD]
    assert ["kept", "site=example.org"] == both.headers[TOLD].split(";")[:2]
    assert "b.example" not in both.headers[TOLD]
    assert (202, b"ok") == (kept.status, kept.body)
    assert plain.raw == [header for header in kept.raw if header[0] != TOLD]


@pytest.mark.anyio
async def test_nobody_else_is_told(app: Footfall) -> None:
    """Not without a token, with an unknown one, one that may not read, or one of another site."""
    wrong = [
        (b"authorization", b"Bearer ffl_unknown"),
        (b"authorization", b"Basic eDp5"),
        a_token(app, "example.org", "ingest"),
        a_token(app, "b.example"),
    ]
    foreign = a_body(d="b.example", u="https://b.example/")
    plain = await post(app, a_body(), UA)

    answers = [await post(app, a_body(), UA, header) for header in wrong]
    answers.append(await post(app, foreign, UA, a_token(app, None)))
    answers.append(await post(app, a_body(d="nobody.example"), UA, a_token(app, None, "ingest")))

    assert all(plain == answer for answer in answers)


@pytest.mark.anyio
async def test_a_refused_hit_is_not_read_for_its_token(app: Footfall) -> None:
    """Whoever refuses is answered as ever: nothing else of the request was looked at."""
    plain = await post(app, a_body(), UA)

    refused = await post(app, a_body(), UA, (b"dnt", b"1"), a_token(app, None))

    assert plain == refused


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A real service whose owner has switched debugging on."""
    with Service(tmp_path / "data") as runs:
        changed = runs.footfall("site", "set", "localhost", "--debug")
        assert changed.returncode == 0, changed.stderr
        yield runs


def test_the_switch_works_on_a_running_service(service: Service) -> None:
    """`footfall site set --debug` and a token are all it takes, over real HTTP too."""
    token = service.footfall("token", "create", "looker", "--site", "localhost", "--scope", "read")
    headers = {"Authorization": f"Bearer {token.stdout.split()[-1]}"}

    service.wait_for(
        "kept;site=localhost",
        lambda: service.hit("/a", headers=headers).headers.get(TOLD, "").partition(";page=")[0],
    )

    assert TOLD not in {name.lower() for name in service.hit("/a").headers}
