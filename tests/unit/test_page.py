"""The promise of pages: any string gives a clean host name, path and tags, and never an error."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.enrich import page as page_rules
from collector.ingest.enrich.page import (
    CLICK_ID,
    CLICK_IDS,
    MAX_URL,
    Page,
    PageRules,
    forget,
    hostname_of,
    parse_page,
    path_of,
    tags_of,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "tracker.json"


@pytest.mark.parametrize(
    ("url", "hostname", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://example.org/", "example.org", "/"),
        ("HTTPS://WWW.Example.ORG:8443/A", "www.example.org", "/A"),
        ("//example.org/a", "example.org", "/a"),
        ("/a/b?x=1", "", "/a/b"),
        ("https://user:secret@example.org/a", "example.org", "/a"),
        ("https://example.org./a", "example.org", "/a"),
        ("https://bücher.example/a", "xn--bcher-kva.example", "/a"),
        ("http://[::1]:8000/a", "[::1]", "/a"),
        ("http://127.0.0.1:8000/a", "127.0.0.1", "/a"),
        ("  https://example.org/a  ", "example.org", "/a"),
        ("https://example.org\\evil.example/a", "example.org", "/evil.example/a"),
        ("https://example.org?a=1", "example.org", "/"),
        ("https://exa mple.org/a", "", "/a"),
        ("javascript:alert(1)", "", "/"),
        ("data:text/html,hello", "", "/"),
        ("file:///etc/passwd", "", "/"),
        ("about:blank", "", "/"),
        ("", "", "/"),
    ],
)
def test_an_address_gives_its_host_name_and_path(url: str, hostname: str, path: str) -> None:
    """Scheme, user, port, query and fragment are cut; what is no web address gives nothing."""
    page = parse_page(url)

    assert (hostname, path) == (page.hostname, page.path)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("/a//b///c", "/a/b/c"),
        ("/a/", "/a"),
        ("/a/index.html", "/a"),
        ("/index.php", "/"),
        ("/a/Default.aspx", "/a"),
        ("/caf%C3%A9", "/café"),  # codespell:ignore caf
        ("/caf%25C3%25A9", "/café"),  # codespell:ignore caf
        ("/cafe\u0301", "/café"),
        ("/a\u200bb\u202e", "/ab"),
        ("/a\u2060b\xad\ufeff", "/ab"),
        ("/a%00b", "/a b"),
        ("/a;jsessionid=AB12/b", "/a/b"),
        ("/a%3Ftoken=x", "/a"),
        ("/a%2Fb", "/a/b"),
        ("/a\\b", "/a/b"),
        ("", "/"),
        ("a", "/a"),
        ("/%ff", "/"),
    ],
)
def test_ways_to_write_one_path_give_one_path(raw: str, clean: str) -> None:
    """Encodings, doubled slashes, index files and what no eye sees do not split a page in two."""
    assert clean == path_of(raw)


def test_an_owner_can_keep_slashes_and_index_files_apart() -> None:
    """Normalising is a setting, for the sites where it would join two pages."""
    rules = PageRules(keep_trailing_slash=True, keep_index=True)

    assert path_of("/a/", rules) == "/a/"
    assert path_of("/a/index.html", rules) == "/a/index.html"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/orders/123456", "/orders/:id"),
        ("/orders/123456/items", "/orders/:id/items"),
        ("/orders", "/orders"),
        ("/blog/2024/a-title", "/blog/*"),
        ("/orders/1/2/3", "/orders/1/2/3"),
        ("/a.b/x", "/a.b/:x"),
        ("/aXb/x", "/aXb/x"),
    ],
)
def test_templates_and_groups_win_over_the_path(path: str, kept: str) -> None:
    """A path that fits a template becomes it; `*` at the end groups all that follows."""
    rules = PageRules(templates=("/orders/:id", "/orders/:id/items", "/blog/*", "/a.b/:x"))

    assert kept == path_of(path, rules)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://example.org/app#/route/two", "/app#/route/two"),
        ("https://example.org/#!/route", "/#!/route"),
        ("https://example.org/app#/route?token=x", "/app#/route"),
        ("https://example.org/app#access_token=secret&state=1", "/app"),
        ("https://example.org/app#", "/app"),
    ],
)
def test_hash_routing_keeps_the_route_and_no_parameters(url: str, path: str) -> None:
    """With hash routing the fragment is a path; a fragment of parameters never is."""
    assert path == parse_page(url, hash_mode=True).path
    assert "#" not in parse_page(url).path


def test_only_listed_tags_are_kept() -> None:
    """Campaign tags are picked by name; everything else in the query is dropped."""
    page = parse_page(
        "https://example.org/?utm_source=a&UTM_Medium=b&ref=c&token=secret&utm_evil=d&x"
    )

    assert page.query == {"utm_source": "a", "utm_medium": "b", "ref": "c"}


def test_the_first_of_a_tag_counts_and_empty_ones_do_not() -> None:
    """A tag given twice has its first value, whatever an added one says."""
    assert tags_of("utm_source=&utm_source=a&utm_source=b") == {"utm_source": "a"}


def test_tags_are_decoded() -> None:
    """Plus signs and percent signs are undone, several times over."""
    tags = tags_of("utm_campaign=a+b%20c&utm_term=%25C3%25A9")

    assert tags == {"utm_campaign": "a b c", "utm_term": "é"}


@pytest.mark.parametrize("name", sorted(page_rules.CLICK_IDS))
def test_of_a_click_identifier_only_the_name_is_kept(name: str) -> None:
    """That somebody clicked an advertisement is kept; which click it was never is."""
    page = parse_page(f"https://example.org/?{name}=Cj0KCQsecret")

    assert page == Page("example.org", "/", {CLICK_ID: name})


def test_a_parameter_cannot_pose_as_a_click_identifier() -> None:
    """Our own key is not on the list of what is read from a query."""
    assert tags_of(f"{CLICK_ID}=gclid") == {}


def test_a_search_is_read_from_the_sites_own_parameter() -> None:
    """What was searched is kept scrubbed, apart from the tags, and only if the site asked."""
    url = "https://example.org/find?q=Red+Shoes&utm_source=a"

    asked = parse_page(url, rules=PageRules(search_parameter="q"))
    unasked = parse_page(url)

    assert (asked.search, asked.query) == ("red shoes", {"utm_source": "a"})
    assert (unasked.search, unasked.query) == ("", {"utm_source": "a"})


@pytest.mark.parametrize("query", ["tx[q]=shoes", "tx%5Bq%5D=shoes", "tx%5bq%5d=shoes"])
def test_a_search_parameter_may_have_brackets(query: str) -> None:
    """However they are written: forms encode them."""
    page = parse_page(f"https://example.org/?{query}", rules=PageRules(search_parameter="tx[q]"))

    assert (page.search, page.query) == ("shoes", {})


def test_the_trackers_vectors_know_every_click_identifier() -> None:
    """It tells of all but two that it is there; those are seen of other trackers' hits only."""
    vectors = json.loads(VECTORS.read_text("utf-8"))
    (vector,) = [one for one in vectors if one["feature"].startswith("of click ids")]
    sent, kept = (
        {key for key, _ in parse_qsl(urlsplit(url).query)}
        for url in (vector["url"], vector["expected"][0]["u"])
    )

    assert sent > CLICK_IDS
    assert kept == CLICK_IDS - {"epik", "gad_source"}


def test_a_personal_search_is_dropped() -> None:
    """An address typed into a search box is not a search."""
    page = parse_page(
        "https://example.org/?q=jo%40example.org", rules=PageRules(search_parameter="q")
    )

    assert page.search == ""


def test_an_endless_address_is_cut() -> None:
    """A megabyte of address is read as far as we read, and gives a path of bounded length."""
    page = parse_page("https://example.org/" + "word/" * 200_000)

    assert len(page.path) <= 512
    assert page.path.startswith("/word/word")


@pytest.mark.parametrize("label", ["a" * 300, "\ud800", "ö" * 300, "-", "[zz]", "a b", "%41"])
def test_what_is_no_host_name_gives_none(label: str) -> None:
    """Names too long, broken or blank are no host names, and no error."""
    assert hostname_of(label) == ""


@given(st.text(max_size=400), st.booleans())
def test_no_string_raises(text: str, hash_mode: bool) -> None:  # noqa: FBT001 -- generated
    """Any string at all gives a page with a path from the root."""
    page = parse_page(text, hash_mode)

    assert page.path.startswith("/")
    assert len(page.path) <= 512


@given(st.text(alphabet="htps:/?#@[]%&=;.\\aZ09\u200b\ud800é", max_size=MAX_URL))
def test_no_broken_address_raises(text: str) -> None:
    """Addresses made of nothing but their separators give pages too."""
    page = parse_page("https://" + text, hash_mode=True)

    assert page.path.startswith("/")
    assert "?" not in page.path


@given(st.text(max_size=200))
def test_a_clean_path_stays(text: str) -> None:
    """Cleaning a clean path changes nothing, so that peers' formats may hand us cleaned ones."""
    once = path_of("/" + text)

    assert once == path_of(once) or "%" in once


def test_forgetting_empties_the_caches() -> None:
    """When day secrets go, no path that a browser sent stays in a cache."""
    parse_page("https://example.org/some/path")

    forget()

    caches = (page_rules._read_before, path_of, hostname_of)
    assert [0, 0, 0] == [cache.cache_info().currsize for cache in caches]


@pytest.mark.parametrize("url", ["https://example.org/a?token=x", "https://example.org/a#token=x"])
def test_what_comes_with_a_query_or_fragment_is_not_kept(url: str) -> None:
    """A whole address is remembered only if nothing in it could be a secret of a query's."""
    forget()

    assert "/a" == parse_page(url).path == parse_page(url).path
    assert page_rules._read_before.cache_info().currsize == 0


def test_what_was_read_before_is_read_by_the_rules_of_each_site() -> None:
    """The same address is another page at a site with templates, whichever was asked first."""
    rules = PageRules(templates=("/users/:id",))

    assert ["/users/:user", "/users/:id"] == [
        parse_page("https://example.org/users/anna", rules=each).path
        for each in (PageRules(), rules)
    ]
