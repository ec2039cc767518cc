"""HTTP helpers of visitor pages and dashboards."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from collector.web import MAX_FORM, is_cross_site, read_form, snippet
from tests.builders import a_receive, a_scope

OURS = "https://stats.example.org"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site", "origin": OURS}, True),
        ({"sec-fetch-site": "cross-site", "origin": OURS}, True),
        ({"origin": OURS}, False),
        ({"origin": "https://front.example.org"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": f"{OURS}.evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
        ({"origin": ""}, False),
        ({}, False),
    ],
)
def test_forms_of_other_sites_are_recognised(headers: dict[str, str], *, expected: bool) -> None:
    """Fetch Metadata decides, or else the origin; a request without both is no browser's."""
    sent = {"host": "stats.example.org", **headers}

    assert expected == is_cross_site(sent, "https://front.example.org")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=1&b=%C3%BC&a=2", {"a": "2", "b": "ü"}),
        (b"\xff\xfe", {}),
        (b"&" * 500, {}),
        (b"a=1&" + b"x" * MAX_FORM, {}),
    ],
)
async def test_a_form_is_small(body: bytes, expected: dict[str, str]) -> None:
    """The last value of each name counts; a body longer than any of our forms is ignored."""
    assert expected == await read_form(Request(a_scope(), a_receive(body)))


@pytest.mark.parametrize(
    ("domain", "local"), [("example.org", ""), ("localhost", " data-allow-local")]
)
def test_the_snippet_names_the_site_and_this_server(domain: str, local: str) -> None:
    """Only localhost needs the attribute by which the tracker counts local pages."""
    assert snippet(domain, OURS) == (
        f'<script async data-domain="{domain}"{local} src="{OURS}/js/footfall.js"></script>'
    )
