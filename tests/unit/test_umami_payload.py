"""Umami's objects are read as its documentation says, without what nobody may tell unasked."""

from __future__ import annotations

from typing import Any

import pytest

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.formats.umami import UmamiMessage, event_of, payload_of
from collector.ingest.payload import Payload, convert

SITE = "c6f6a6b4-0000-4000-8000-000000000000"


def read(kind: str = "event", **payload: Any) -> Payload | None:
    """Read one object of the format; None if it is accepted and not counted."""
    fields = {"website": SITE, "hostname": "example.org", "url": "/blog", **payload}
    return read_object({"type": kind, "payload": fields})


def read_object(sent: object) -> Payload | None:
    """Read one object as it is."""
    event = event_of(convert(UmamiMessage, sent))
    return payload_of(event) if event is not None else None


def test_a_pageview_has_no_name() -> None:
    """What the tracker sends on load becomes a pageview of its host."""
    payload = read(
        language="de-AT",
        screen="1920x1080",
        title="Blog",
        referrer="https://bing.com/x",
        id="somebody",
        tag="b",
    )

    expected = Payload(
        kind=Kind.PAGEVIEW,
        url="https://example.org/blog",
        referrer="https://bing.com/x",
        screen_width=1920,
        language="de-AT",
    )
    assert expected == payload


def test_an_event_has_a_name_data_and_revenue() -> None:
    """The data of an event become its properties; revenue and currency its revenue."""
    payload = read(name="order", data={"plan": "pro", "revenue": 19.99, "currency": "usd"})

    assert payload is not None
    assert (Kind.EVENT, "order", (1999, "USD")) == (payload.kind, payload.name, payload.revenue)
    assert ("plan", "pro") in payload.props


def test_whole_urls_and_inner_referrers() -> None:
    """A whole URL is taken as it is; a referrer without a host is a page of the site."""
    payload = read(url="https://shop.example.org/x?utm_source=y", referrer="/before")

    assert payload is not None
    assert ("https://shop.example.org/x?utm_source=y", "") == (payload.url, payload.referrer)


def test_an_event_may_name_no_page() -> None:
    """Clients that send a name alone tell neither host nor path: it is the site's front page."""
    event = event_of(convert(UmamiMessage, {"type": "event", "payload": {"name": "order"}}))
    assert event is not None

    payload = payload_of(event, "example.org")

    assert ("order", "https://example.org/") == (payload.name, payload.url)


def test_names_may_be_as_long_as_umamis() -> None:
    """What Umami just takes is taken: its longest name, host, language and screen."""
    longest = {"hostname": "h" * 100, "language": "l" * 35, "screen": "1" * 11}

    payload = read(name="n" * 50, **longest)

    assert payload is not None
    assert ("n" * 50, "l" * 35) == (payload.name, payload.language)


@pytest.mark.parametrize("kind", ["identify", "performance"])
def test_other_types_are_accepted_and_not_read(kind: str) -> None:
    """Identities are never read, and timings not yet."""
    assert read(kind, id="somebody", data={"email": "jane@example.com"}) is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"type": "spy", "payload": {}}, "bad_field: type"),
        ({"payload": {}}, "missing_field: type"),
        ({"type": "event"}, "missing_field: payload"),
        ({"type": "event", "payload": []}, "bad_field: payload"),
        ([], "bad_field"),
        ({"type": "event", "payload": {"url": 7}}, "bad_field: url"),
        ({"type": "event", "payload": {"url": "data://" + "x" * 2000}}, "bad_field: url"),
        ({"type": "event", "payload": {"url": "/", "name": "x" * 51}}, "bad_field: name"),
        ({"type": "event", "payload": {"url": "/", "hostname": "x" * 101}}, "bad_field: hostname"),
        ({"type": "event", "payload": {"url": "/", "language": "x" * 36}}, "bad_field: language"),
        ({"type": "event", "payload": {"url": "/", "screen": "1" * 12}}, "bad_field: screen"),
    ],
)
def test_malformed_objects_are_refused(sent: object, expected: str) -> None:
    """Wrong types and missing keys are named."""
    with pytest.raises(PayloadError, match=expected):
        read_object(sent)
