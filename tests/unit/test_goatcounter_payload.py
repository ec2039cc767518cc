"""GoatCounter's parameters are read as its documentation says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.formats.goatcounter import MAX_QUERY, payload_of, query_of


def test_the_parameters_of_count_js() -> None:
    """A page with referrer, campaign and screen becomes a pageview."""
    sent = query_of(b"p=%2Fblog%2Fhello&t=Hello&r=https%3A%2F%2Fbing.com&s=1920%2C1080%2C1&rnd=x7")

    payload = payload_of({**sent, "q": "?campaign=autumn&src=mail"}, "example.org")

    assert Kind.PAGEVIEW is payload.kind
    assert "https://example.org/blog/hello?utm_campaign=autumn&utm_source=mail" == payload.url
    assert ("https://bing.com", 1920, False) == (
        payload.referrer,
        payload.screen_width,
        payload.bot,
    )


@pytest.mark.parametrize("flag", ["1", "true"])
def test_an_event_is_named_by_its_path(flag: str) -> None:
    """With `e` the path is the event's name, without its leading slash."""
    payload = payload_of({"p": "/click-me", "e": flag}, "example.org")

    assert (Kind.EVENT, "click-me") == (payload.kind, payload.name)


def test_a_path_may_lack_its_slash_or_hold_a_query() -> None:
    """What pages send as a path becomes a URL of the page's host."""
    assert "https://h.example/about" == payload_of({"p": "about"}, "h.example").url
    assert "https://h.example/a?b=1&utm_medium=x" == (
        payload_of({"p": "/a?b=1", "q": "utm_medium=x"}, "h.example").url
    )
    assert "https://h.example/a%23b" == payload_of({"p": "/a#b"}, "h.example").url


@pytest.mark.parametrize("code", ["150", "151", "152", "153"])
def test_what_the_script_saw_of_a_bot_counts(code: str) -> None:
    """The four codes of automated browsers mark a bot."""
    assert payload_of({"p": "/", "b": code}, "h.example").bot


@pytest.mark.parametrize("code", ["1", "149", "154", "x", "-1"])
def test_other_bot_codes_are_refused(code: str) -> None:
    """Other codes are not a script's to send."""
    with pytest.raises(PayloadError, match="bad_field: b"):
        payload_of({"p": "/", "b": code}, "h.example")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, "missing_field: p"),
        ({"p": ""}, "missing_field: p"),
        ({"p": "x" * 2049}, "bad_field: p"),
        ({"p": "/", "e": "1"}, "bad_field: p"),
        ({"p": "x" * 121, "e": "1"}, "bad_field: p"),
    ],
)
def test_a_count_needs_a_path(sent: dict[str, str], expected: str) -> None:
    """No path, an absurdly long one and an event without a name are refused."""
    with pytest.raises(PayloadError, match=expected):
        payload_of(sent, "h.example")


def test_queries_are_bounded() -> None:
    """A query string over 8 KiB is too large; one with a NUL is bad; a doubled key counts once."""
    with pytest.raises(PayloadError, match="too_large"):
        query_of(b"x" * (MAX_QUERY + 1))
    with pytest.raises(PayloadError, match="bad_field"):
        query_of(b"p=%00")

    assert {"p": "/a"} == query_of(b"p=/a&p=/b")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_query_is_a_payload_or_a_payload_error(query: bytes, host: str) -> None:
    """Whatever stands in the query string, nothing else is ever raised."""
    try:
        payload = payload_of(query_of(query), host)
    except PayloadError:
        return
    assert payload.url.startswith("https://")
