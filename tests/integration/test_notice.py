"""The notice as it is asked for: page, JSON, Markdown and command, from the live configuration."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.app import Footfall
from collector.cells.views import VIEWS
from collector.hit import VISIT_VALUES
from collector.visitors.translations import LANGUAGES
from tests.asgi import get, running
from tests.integration.seeding import hit, insert
from tests.integration.test_cells_oracle import cells_of
from tests.service import Service

NOTICE = "/privacy/example.org"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Footfall]:
    """The whole application."""
    async with running(tmp_path / "data", "example.org") as app:
        yield app


@pytest.mark.anyio
async def test_it_comes_as_page_json_and_markdown(app: Footfall) -> None:
    """By its address or by what is accepted; the page is what browsers get."""
    kinds = {
        path: (await get(app, path, (b"accept", accept))).headers["content-type"].partition(";")[0]
        for path, accept in (
            (NOTICE, b"text/html,application/xhtml+xml,*/*;q=0.8"),
            (f"{NOTICE}?a", b"*/*"),
            (f"{NOTICE}?b", b"application/json"),
            (f"{NOTICE}?c", b"text/markdown, text/html;q=0.5"),
            (f"{NOTICE}.json", b"text/html"),
            (f"{NOTICE}.md", b"text/html"),
        )
    }

    assert [
        "text/html",
        "text/html",
        "application/json",
        "text/markdown",
        "application/json",
        "text/markdown",
    ] == list(kinds.values())


@pytest.mark.anyio
@pytest.mark.parametrize("path", [NOTICE, f"{NOTICE}.json", f"{NOTICE}.md"])
async def test_it_is_the_same_for_all(app: Footfall, path: str) -> None:
    """It may be cached, sets no cookie, and is the same for every client."""
    plain = await get(app, path)

    marked = await get(app, path, (b"cookie", b"optout=1"), (b"dnt", b"1"), (b"user-agent", b"x"))

    assert plain == marked
    assert plain.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in plain.headers
    assert "frame-ancestors 'none'" in plain.headers["content-security-policy"]
    assert plain.headers["tk"] == "N"


@pytest.mark.anyio
@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_speaks_the_visitors_language(app: Footfall, language: str) -> None:
    """By header or by name, with the right direction and all languages to choose from."""
    by_header = await get(app, NOTICE, (b"accept-language", language.encode()))
    by_name = await get(app, f"{NOTICE}?language={language}", (b"accept-language", b"en"))

    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">'.encode() in by_header.body
    assert by_header.body == by_name.body
    assert "Accept-Language" in by_header.headers["vary"]
    for name in LANGUAGES.values():
        assert name.encode() in by_header.body


@pytest.mark.anyio
async def test_what_it_lists_is_what_the_store_keeps(app: Footfall) -> None:
    """After a hit with everything in it, the store's views are those of the notice."""
    answer = (await get(app, f"{NOTICE}.json")).json()

    everything: dict[str, Any] = {
        **dict.fromkeys(VISIT_VALUES, "x"),
        "properties": ("plan=pro",),
        "goals": ("Sale",),
        "event": "Buy",
        "currency": "EUR",
        "search_query": "x",
        "exit_path": "/",
    }
    insert(app.container.store, [hit("ann", "2026-11-20 10:30", **everything)])

    stored = {key[1] for key in cells_of(app.container.store)}
    assert stored == {view["id"] for view in answer["kept"]} == {view.id for view in VIEWS}


@pytest.mark.anyio
async def test_it_changes_with_the_site(app: Footfall) -> None:
    """A changed setting is in the notice as soon as the service has read it."""
    before = await get(app, NOTICE)

    app.container.registry.set_site("example.org", controller="Example Ltd", profile="strict")
    app.container.ingest = replace(app.container.ingest, sites=app.container.registry.sites())

    after = await get(app, NOTICE)
    assert b"Example Ltd is responsible" in after.body
    assert b"from 10 visitors" in after.body
    assert b"from 10 visitors" not in before.body


@pytest.mark.anyio
async def test_the_json_says_where_its_schema_is(app: Footfall) -> None:
    """The header of the JSON names its schema; both may be cached."""
    answer = await get(app, f"{NOTICE}.json")
    path = answer.headers["link"].partition(">")[0].removeprefix("<")

    schema = await get(app, path)

    assert 'rel="describedby"' in answer.headers["link"]
    assert (200, "application/schema+json") == (schema.status, schema.headers["content-type"])
    assert "Notice" in schema.json()["$defs"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/privacy/unknown.example", "/privacy/unknown.example/me"])
async def test_the_error_page_is_in_the_visitor_s_language(app: Footfall, path: str) -> None:
    """The answer is a page with a way to choose, and names nothing that was asked for."""
    answer = await get(app, f"{path}?language=ar")

    text = answer.body.decode()
    assert 404 == answer.status
    assert '<html lang="ar" dir="rtl">' in text
    assert "/opt-out?language=ar" in text
    assert "unknown.example" not in text


@pytest.mark.anyio
async def test_an_unknown_site_has_no_notice(app: Footfall) -> None:
    """Nothing is promised for a site that is not counted here."""
    for path in ("unknown.example", "unknown.example.json", "example.org.xml", "x.md"):
        assert (await get(app, f"/privacy/{path}")).status == 404


def test_the_command_prints_what_the_service_shows(tmp_path: Path) -> None:
    """`footfall notice` gives Markdown by default, JSON and other languages when asked."""
    cli = Service(tmp_path / "data", environ={"FOOTFALL_SECRETS__STORE": "disk"})
    added = cli.footfall("site", "add", "example.org", "--controller", "Example Ltd")

    plain = cli.footfall("notice", "example.org")
    german = cli.footfall("notice", "example.org", "--markdown", "--language", "de")
    machine = cli.footfall("notice", "example.org", "--json")
    unknown = cli.footfall("notice", "unknown.example")

    assert added.returncode == 0, added.stderr
    assert plain.stdout.startswith("# What is counted on example.org\n")
    assert "Example Ltd is responsible" in plain.stdout
    assert "On a disk of the machine" in plain.stdout
    assert german.stdout.startswith("# Was auf example.org gezählt wird\n")
    assert json.loads(machine.stdout)["secrets_store"] == "disk"
    assert (1, "footfall: there is no site unknown.example\n") == (
        unknown.returncode,
        unknown.stderr,
    )
