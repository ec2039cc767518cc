"""Payloads in Plausible's format are read strictly, and never raise anything undeclared."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import PayloadError
from collector.hit import Kind
from collector.ingest.formats.plausible import decode_plausible
from collector.ingest.payload import (
    MAX_PROPS,
    Payload,
    domains_of,
    number_of,
    properties_of,
)
from tests.builders import a_body


def decode(**changes: Any) -> Payload:
    """Read a pageview's body with these keys changed."""
    return decode_plausible(a_body(**changes))


def refused(body: bytes) -> tuple[str, str]:
    """Read a body that must be refused: the code and the field at fault."""
    with pytest.raises(PayloadError) as caught:
        decode_plausible(body)
    assert caught.value.status == 400
    return caught.value.code, caught.value.field


def test_a_pageview_is_read() -> None:
    """The short keys of the tracker become a payload."""
    payload = decode(r="https://www.google.com/", w=1440, l="de-AT", h=1)

    expected = Payload(
        kind=Kind.PAGEVIEW,
        url="https://example.org/blog/hello",
        domains=("example.org",),
        referrer="https://www.google.com/",
        hash_mode=True,
        screen_width=1440,
        language="de-AT",
    )
    assert expected == payload


def test_an_endless_referrer_is_cut() -> None:
    """A referrer is read to 2 000 characters, and costs no hit, as in Plausible."""
    assert 2000 == len(decode(r="https://b.example/" + "x" * 3000).referrer)


def test_long_keys_are_the_same() -> None:
    """The documented long keys mean what the short ones mean."""
    body = orjson.dumps(
        {
            "name": "Signup",
            "url": "https://example.org/",
            "domain": "example.org",
            "referrer": "https://bing.com/",
            "props": {"plan": "pro"},
            "revenue": {"amount": "9.90", "currency": "EUR"},
            "interactive": False,
            "hashMode": 1,
            "screen_width": 800,
        }
    )
    short = a_body(
        n="Signup",
        u="https://example.org/",
        r="https://bing.com/",
        p={"plan": "pro"},
        i=False,
        h=1,
        w=800,
        **{"$": {"amount": 9.9, "currency": "eur"}},
    )

    assert decode_plausible(body) == decode_plausible(short)
    assert decode_plausible(body).revenue == (990, "EUR")


def test_an_event_has_a_name_and_a_pageview_none() -> None:
    """The name makes the kind; a number may be a name."""
    assert (Kind.EVENT, "Signup") == (decode(n="Signup").kind, decode(n="Signup").name)
    assert (Kind.EVENT, "404") == (decode(n=404).kind, decode(n=404).name)
    assert (Kind.PAGEVIEW, "") == (decode().kind, decode().name)


def test_only_events_carry_properties_and_revenue() -> None:
    """What a pageview says of itself in properties is not read."""
    payload = decode(p={"a": "b"}, **{"$": {"amount": 1, "currency": "EUR"}})

    assert ((), None) == (payload.props, payload.revenue)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"sd": 40, "e": 5000}, (40, 5000)),
        ({"sd": "40", "e": 5000.7}, (40, 5000)),
        ({"sd": 140}, (100, 0)),
        ({"e": 5000}, (None, 5000)),
        ({"sd": 10, "e": 30 * 86_400_000}, (10, 0)),
        ({"sd": 10, "e": -1}, (10, 0)),
    ],
)
def test_engagement_brings_scroll_or_time(
    sent: dict[str, Any], expected: tuple[int | None, int]
) -> None:
    """Depth is 0 to 100 percent, time below 30 days; either may be missing or wrong, not both."""
    payload = decode(n="engagement", **sent)

    assert (Kind.ENGAGEMENT, *expected) == (payload.kind, payload.scroll, payload.engaged_ms)


@pytest.mark.parametrize("key", ["v", "h", "w", "sd", "e"])
def test_keys_of_peers_trackers_are_known(key: str) -> None:
    """What published trackers send beside the documented keys is accepted."""
    assert Kind.PAGEVIEW == decode(**{key: 1}).kind


@pytest.mark.parametrize("key", ["m", "meta", "p", "props"])
def test_properties_may_be_json_text(key: str) -> None:
    """Older trackers send properties as a text, under four names."""
    payload = decode(n="Signup", **{key: '{"plan":"pro","seats":3,"trial":true}'})

    assert (("plan", "pro"), ("seats", "3"), ("trial", "true")) == payload.props


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null!",
        b'{"n":"pageview"',
        b'{"n":NaN}',
        b'{"w":1e400}',
        b'{"n":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"n":"a\nb"}',
        b'{"n":"pageview"}x',
        b"\xff\xfe",
        b"[" * 5000,
        b"\x1f\x8b\x08\x00gzip",
    ],
)
def test_not_json(body: bytes) -> None:
    """What is no JSON is said to be none: also BOM, NaN, infinity, lone surrogates, compression."""
    assert ("not_json", "") == refused(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", ""),
        (b"1", ""),
        (b"null", ""),
        (a_body(n=1.5), "n"),
        (a_body(n=["x"]), "n"),
        (a_body(u=7), "u"),
        (a_body(d={"a": 1}), "d"),
        (a_body(i="yes"), "i"),
        (a_body(w="1440"), "w"),
        (a_body(w=1.5), "w"),
        (b'{"n":"pageview","u":"https://example.org/","w":%d}' % 10**30, "w"),
        (a_body(p=[1]), "p"),
        (a_body(n="x" * 121), "name"),
        (a_body(u="https://example.org/" + "x" * 2000), "url"),
        (a_body(u="data:text/html,hello"), "url"),
        (a_body(n="Signup", p={"k" * 301: "v"}), "props"),
        (a_body(n="Signup", p={"k": "v" * 2001}), "props"),
        (a_body(d=",".join(f"s{n}.example" for n in range(11))), "domain"),
        (b'{"n":"pageview","u":"https://example.org/\\u0000"}', ""),
    ],
)
def test_bad_field(body: bytes, field: str) -> None:
    """Wrong types, absurd lengths and NUL are refused, naming the field and repeating no value."""
    assert ("bad_field", field) == refused(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "name"),
        (a_body(n=""), "name"),
        (a_body(u=None), "url"),
        (a_body(u=""), "url"),
        (a_body(n="engagement"), "e"),
        (a_body(n="engagement", sd="deep", e=-5), "e"),
    ],
)
def test_missing_field(body: bytes, field: str) -> None:
    """A payload needs a name and a URL, and engagement a depth or a time."""
    assert ("missing_field", field) == refused(body)


def test_unknown_field() -> None:
    """A key nobody documents is refused, and its name is not repeated."""
    assert ("unknown_field", "") == refused(a_body(email="a@example.org"))


def test_nested_properties_are_dropped() -> None:
    """Properties are scalars: lists, objects, blanks and nulls go, whatever their depth."""
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep}
    found = properties_of({"a": "1", "b": [1], "c": deep, "d": " ", "e": None, "": "x", "f": 0.5})

    assert (("a", "1"), ("f", "0.5")) == found


def test_properties_after_the_30th_are_dropped() -> None:
    """An event keeps 30 properties."""
    found = properties_of({str(number): number for number in range(100)})

    assert MAX_PROPS == len(found)
    assert ("29", "29") == found[-1]


@pytest.mark.parametrize("found", ["{", "[1]", "7", None, 8])
def test_properties_that_are_none_are_none(found: object) -> None:
    """Broken or other JSON text is no properties, not an error, as in Plausible."""
    assert () == properties_of(found)


@pytest.mark.parametrize("found", ["{", "[1]", {"amount": "x", "currency": "EUR"}, {}, None])
def test_revenue_that_makes_no_sense_is_ignored(found: object) -> None:
    """A wrong amount does not cost the event."""
    assert decode(n="Order", **{"$": found}).revenue is None


def test_domains_are_split_lower_cased_and_named_once() -> None:
    """One payload may be for several sites."""
    assert ("example.org", "b.example") == domains_of("www.Example.org, b.example,,example.org")
    assert () == domains_of("") == domains_of(None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (5, 5),
        ("6", 6),
        ("5.9", 5),
        (float("inf"), None),
        ("-inf", None),
        ("nan", None),
        ("x", None),
        ("9" * 31, None),
        (1e300, None),
        (None, None),
    ],
)
def test_numbers_may_be_texts(found: float | str | None, expected: int | None) -> None:
    """A number in a text is the number; nonsense and the absurdly great are none."""
    assert expected == number_of(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
SHORT = ("n", "u", "d", "r", "m", "p", "h", "i", "$", "v", "sd", "e", "w", "l", "x")
LONG = ("name", "url", "domain", "referrer", "meta", "props", "hashMode", "interactive", "revenue")
KEYS = st.sampled_from([*SHORT, *LONG, "screen_width"])


@given(st.dictionaries(KEYS, JSON, max_size=10))
def test_any_json_is_a_payload_or_a_payload_error(sent: dict[str, Any]) -> None:
    """Whatever a sender puts under the known keys, nothing else is ever raised."""
    try:
        body = orjson.dumps({"n": "Signup", "u": "https://example.org/", **sent})
    except TypeError:
        return
    try:
        payload = decode_plausible(body)
    except PayloadError:
        return
    assert payload.scroll is None or 0 <= payload.scroll <= 100
    assert payload.engaged_ms >= 0


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_a_payload_error(body: bytes) -> None:
    """Bytes that are no payload are a payload error."""
    with pytest.raises(PayloadError):
        decode_plausible(body)
