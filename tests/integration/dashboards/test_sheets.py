"""Numbers as CSV: the same as the page's, whole, and harmless to spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest
from starlette.testclient import TestClient

from collector.cells.client import Store
from tests.integration.dashboards.browsing import log_in
from tests.integration.seeding import hit, insert

TODAY = "/example.org.csv?period=today"


def rows_of(client: TestClient, url: str) -> list[list[str]]:
    """Read a sheet."""
    return list(csv.reader(io.StringIO(client.get(url).text)))


def seed(store: Store) -> None:
    """Count ten visitors: eight of one campaign, two of two others that fold."""
    for campaign, names in (("spring", "abcdefgh"), ("rare", "i"), ("odd", "j")):
        hits = [
            hit(v, "2026-11-21 09:10", visits=1, bounces=1, utm_campaign=campaign) for v in names
        ]
        insert(store, hits)


def test_the_rows_of_a_sheet_sum_to_the_total(client: TestClient, store: Store) -> None:
    """What was folded stands in its own row, with how many values it was."""
    seed(store)

    head, *rows = rows_of(client, f"{TODAY}&by=utm_campaign")

    assert head[:3] == ["utm_campaign", "visitors", "visits"]
    assert [(row[0], row[2], row[-1]) for row in rows] == [
        ("spring", "8", ""),
        ("(other)", "2", "2"),
    ]


def test_a_sheet_by_time_has_every_bucket(client: TestClient, store: Store) -> None:
    """A day has its hours so far, and the visitors of each."""
    seed(store)

    head, *rows = rows_of(client, TODAY)

    assert (head[0], head[1]) == ("time", "visitors")
    assert ["10"] == [row[1] for row in rows if row[0].startswith("2026-11-21T09")]
    assert len(rows) > 10


def test_a_sheet_is_a_file_that_says_how_exact_it_is(client: TestClient, store: Store) -> None:
    """It is saved under the site's name, and never taken for a page."""
    seed(store)

    answer = client.get("/example.org.csv?period=7d&by=utm_campaign")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = 'attachment; filename="example.org-utm_campaign-2026-11-15-2026-11-21.csv"'
    assert answer.headers["content-disposition"] == name
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sum of daily visitors" in answer.headers["x-footfall-exactness"]


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@SUM", "＝1"])
def test_no_value_is_run_as_a_formula(client: TestClient, store: Store, begin: str) -> None:
    """What a visitor chose is text for a spreadsheet too."""
    insert(store, [hit(v, "2026-11-21 09:10", visits=1, utm_term=begin) for v in "abcd"])

    rows = rows_of(client, f"{TODAY}&by=utm_term")

    assert rows[1][0] == f"'{begin}"


def test_a_filter_holds_for_a_sheet_too(client: TestClient, store: Store) -> None:
    """Of a pair the sheet has the columns that its cells can say."""
    insert(store, [hit(v, "2026-11-21 09:10", visits=1, country="DE") for v in "abcd"])

    head, *rows = rows_of(client, f"{TODAY}&by=path&filter=country:DE")

    assert head == ["path", "visitors", "pageviews", "events", "folded_values"]
    assert rows == [["/", "4", "4", "0", ""]]


def test_what_no_view_answers_is_refused_in_a_sentence(client: TestClient, store: Store) -> None:
    """Neither an unknown dimension nor a pair that is not kept is an error of ours."""
    unknown = client.get(f"{TODAY}&by=shoe_size")
    apart = client.get(f"{TODAY}&by=city&filter=country:DE")

    assert (unknown.status_code, apart.status_code) == (400, 400)
    assert "shoe_size is not a dimension" in unknown.text
    assert "No view keeps" in apart.text


def test_a_private_site_s_sheet_is_for_its_readers(client: TestClient, store: Store) -> None:
    """Anonymous visitors get the login, for an unknown site too."""
    anonymous = [client.get(f"/{name}.example.csv").status_code for name in ("private", "unknown")]
    log_in(client)

    assert anonymous == [303, 303]
    assert client.get("/private.example.csv").status_code == 200


def test_pages_link_to_their_sheets(client: TestClient, store: Store) -> None:
    """Each panel and the chart offer their numbers as a file."""
    seed(store)

    page = client.get("/example.org?period=today").text

    assert 'href="/example.org.csv?period=today&amp;by=path"' in page
    assert 'href="/example.org.csv?period=today"' in page
