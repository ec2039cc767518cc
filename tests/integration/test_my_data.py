"""Visitors see what one visit of theirs would add to: the truth, and without a trace."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall
from collector.cells.views import VIEWS
from collector.ingest.pipeline import BuiltHit
from collector.ingest.site_rules import SiteRules
from collector.privacy.address import Networks
from collector.privacy.consent import Message
from collector.visitors.my_data import ChangedCell, changed_cells, dry_run
from collector.visitors.translations import LANGUAGES
from tests.asgi import Answer, ask, get, post, running
from tests.builders import (
    CHROME,
    FakeClock,
    a_body,
    a_hit,
    a_payload,
    a_receive,
    a_scope,
    an_admitted,
)
from tests.integration.test_cells_oracle import cells_of
from tests.integration.test_tripwire import OTHER_HEADERS, SAYINGS, Touched, Wire

ME = "/privacy/example.org/me"
BROWSER = (b"user-agent", CHROME)
GERMAN = (b"accept-language", b"de-DE,de;q=0.9")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application, at noon for ever."""
    async with running(tmp_path / "data", "example.org", clock=FakeClock()) as app:
        yield app


def key_of(cell: ChangedCell) -> tuple[int, int, int, str, str]:
    """Name a cell as the store does."""
    value, other = (*cell.values, "", "")[:2]
    return (cell.view.id, int(cell.grain), cell.at, value, other)


def states(app: Footfall) -> tuple[Any, ...]:
    """Gather everything that a hit would change."""
    container = app.container
    spool = container.spool.stats()
    return (
        container.counters.totals(),
        len(container.visits),
        container.ingest.limits._instance,
        container.secrets.open(),
        (spool.rows, spool.acknowledged),
        cells_of(container.store),
    )


@pytest.mark.anyio
async def test_the_cells_shown_are_those_a_hit_adds_to(app: Footfall) -> None:
    """What is listed beforehand is exactly what the store holds after the same visit."""
    container = app.container
    site = container.sites.named("example.org")
    assert site is not None
    payload = a_payload(screen_width=1440)
    made = dry_run(an_admitted(BROWSER, GERMAN), container.ingest, site, payload)
    page = await get(app, f"{ME}?path=/blog/hello&width=1440", BROWSER, GERMAN)

    await post(app, a_body(w=1440), BROWSER, GERMAN)
    container.delivery.flush()

    assert isinstance(made, BuiltHit)
    shown = {key_of(cell) for cell in changed_cells(made.hit)}
    assert {key[1:] for key in cells_of(container.store)} == shown
    assert f"{len(shown)} Zahlen wachsen".encode() in page.body


def test_every_view_can_be_shown() -> None:
    """A hit with everything in it adds to a cell of each view."""
    full = a_hit()
    visit = dict.fromkeys(full.visit.__struct_fields__, "x")
    rich = replace_hit(
        full,
        visit=type(full.visit)(**visit),
        event="Buy",
        search_query="x",
        properties=("a=1", "b=2"),
        goals=("Sale",),
        currency="EUR",
    )

    cells = list(changed_cells(rich))

    assert {view.id for view in VIEWS} == {cell.view.id for cell in cells}
    assert {("Buy", "a=1"), ("Buy", "b=2")} == {c.values for c in cells if c.view.id == 13}


def replace_hit(hit: Any, **changes: Any) -> Any:
    """Change some columns of a hit."""
    return type(hit)(**{name: getattr(hit, name) for name in hit.__struct_fields__} | changes)


@pytest.mark.anyio
async def test_looking_leaves_no_trace(app: Footfall) -> None:
    """No count, visit, secret, spooled hit or cell is there after a visitor has looked."""
    before = states(app)

    for _ in range(3):
        answer = await get(app, ME, BROWSER, GERMAN)

    assert states(app) == before
    assert ("no-store", "N") == (answer.headers["cache-control"], answer.headers["tk"])
    assert "set-cookie" not in answer.headers


class SparseScope(dict[str, Any]):
    """A scope that gives its address and query string, but neither peer nor server."""

    def __getitem__(self, key: str) -> Any:
        """Fail for anything about the visitor."""
        if key in SAYINGS and key != "query_string":
            raise Touched(key)
        return super().__getitem__(key)


class Taut(Wire):
    """A header value of which not even a method can be called."""

    def __getattribute__(self, name: str) -> Any:
        """Fail for every name but Python's own."""
        if not name.startswith("__"):
            raise Touched(name)
        return bytes.__getattribute__(self, name)


async def wired_receive() -> Message:
    """Fail when the body is read."""
    raise Touched("body")


async def asked_with_wires(app: Footfall, *signals: tuple[bytes, bytes]) -> Answer:
    """Ask for the page with every header wired but the signals."""
    headers = [(name, Taut(b"x")) for name in (*OTHER_HEADERS, b"accept", b"accept-language")]
    scope = a_scope(*headers, *signals, method="GET", path=ME, query=b"language=de")
    return await ask(app, SparseScope(scope), wired_receive)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ((b"cookie", b"optout=1"), "Sie haben das Zählen abgelehnt"),
        ((b"sec-gpc", b"1"), "Global Privacy Control"),
        ((b"dnt", b"1"), "Do Not Track"),
    ],
)
async def test_who_refuses_is_not_read_here_either(
    app: Footfall, signal: tuple[bytes, bytes], words: str
) -> None:
    """On a refusal no other header is looked at, not even the language; the page says why."""
    before = states(app)

    answer = await asked_with_wires(app, signal)

    text = answer.body.decode()
    assert words in text
    assert "Von Ihrer Anfrage wurde nichts gelesen als die Ablehnung" in text
    assert "<table" not in text
    assert states(app) == before


@pytest.mark.anyio
async def test_without_a_refusal_the_wires_trip(app: Footfall) -> None:
    """The same request without a signal is read, so the test above means something."""
    with pytest.raises(Touched):
        await asked_with_wires(app)


@pytest.mark.anyio
@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_shows_what_was_read_and_discarded(app: Footfall, language: str) -> None:
    """The address and its shortened form, the browser's name of itself, and the languages."""
    hint = (b"sec-ch-ua", b'"Brave";v="142"')

    answer = await get(app, f"{ME}?language={language}&width=390", BROWSER, GERMAN, hint)

    text = answer.body.decode()
    assert re.search(r"198\.51\.100\.7.*198\.51\.100\.0", text)
    assert "de-DE,de;q=0.9" in text
    assert "Chrome/142" in text
    assert "&#34;Brave&#34;;v=&#34;142&#34;" in text
    assert "390" in text
    assert f'<html lang="{language}"' in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ((b"user-agent", b"Googlebot/2.1"), "identifies itself as a program"),
        ((b"sec-purpose", b"prefetch"), "in advance"),
    ],
)
async def test_it_says_why_a_visitor_would_not_be_counted(
    app: Footfall, header: tuple[bytes, bytes], words: str
) -> None:
    """A drop is explained in a sentence, and no cells are listed."""
    headers = [header] if header[0] == b"user-agent" else [BROWSER, header]

    answer = await get(app, ME, *headers)

    assert words in answer.body.decode()
    assert b"adds to" not in answer.body


EXCLUSIONS: dict[str, dict[str, Any]] = {
    "does not count visits from your network": {"excluded": Networks(["81.2.69.0/24"])},
    "does not count visits from the country": {
        "rules": {1: SiteRules(excluded_countries=frozenset({"GB"}))}
    },
    "does not count this page": {"rules": {1: SiteRules(excluded_paths=("/admin/*",))}},
    "marked as the site owner": {},
}


@pytest.mark.anyio
@pytest.mark.parametrize("words", EXCLUSIONS)
async def test_exclusions_by_the_owner_are_explained(app: Footfall, words: str) -> None:
    """Network, country, page or browser: the page names the one that excludes the visit."""
    container = app.container
    container.ingest = replace(container.ingest, **EXCLUSIONS[words])
    own = (b"cookie", b"own=1") if "marked" in words else BROWSER

    scope = a_scope(BROWSER, own, method="GET", path=ME, query=b"path=/admin/a", peer="81.2.69.142")

    answer = await ask(app, scope, a_receive())

    assert words in answer.body.decode()
    assert b"The rules exclude this request" not in answer.body
    assert b"adds to" not in answer.body


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["<script>alert(1)</script>", "/a?b=c#d", "//x", "%00", "/é", "/" + "&a" * 9000]
)
async def test_any_page_can_be_tried(app: Footfall, path: str) -> None:
    """Whatever is typed as a path, the answer is a page and nothing in it runs."""
    answer = await get(app, f"{ME}?path={path}".encode().decode("latin-1"), BROWSER)

    assert answer.status == 200
    assert b"<script>alert" not in answer.body


@pytest.mark.anyio
async def test_an_unknown_site_has_no_such_page(app: Footfall) -> None:
    """There is nothing to show for a site that is not counted here."""
    assert (await get(app, "/privacy/unknown.example/me", BROWSER)).status == 404
