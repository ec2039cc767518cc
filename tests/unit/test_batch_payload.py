"""Batches of servers are split unread; each hit is asked for its visitor's refusal first."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from collector.errors import PayloadError
from collector.hit import Kind, Refusal
from collector.ingest.formats.batch import (
    overrides_of,
    parse_batch,
    payload_of_hit,
    sender_of,
    signals_of,
)
from collector.ingest.formats.goatcounter_batch import from_goatcounter, parse_goatcounter_batch

HIT = {"name": "pageview", "url": "https://example.org/", "domain": "example.org"}


class Sealed(dict[str, Any]):
    """A hit that tells nothing but its visitor's refusal."""

    def __getitem__(self, key: str) -> Any:
        """Fail for any other key."""
        assert key in ("opt_out", "gpc", "dnt"), key
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Fail for any other key."""
        assert key in ("opt_out", "gpc", "dnt"), key
        return super().get(key, default)


@pytest.mark.parametrize("yes", [True, 1, "1", "true"], ids=repr)
@pytest.mark.parametrize("key", ["opt_out", "gpc", "dnt"])
def test_refusals_are_read_and_nothing_else(key: str, yes: object) -> None:
    """Any usual way to say yes is a refusal, and no other key is touched."""
    assert key == signals_of(Sealed({**HIT, key: yes})).refusal


@pytest.mark.parametrize("no", [False, 0, "0", "", None, "unset"], ids=repr)
def test_what_is_not_yes_is_no_refusal(no: object) -> None:
    """A signal that is absent or off does not refuse."""
    assert signals_of({**HIT, "gpc": no}).refusal is None


def test_a_batch_is_split() -> None:
    """Hits come in a list under one key."""
    assert [HIT, HIT] == parse_batch(orjson.dumps({"hits": [HIT, HIT]}))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "not_json"),
        (b"{}", "missing_field: hits"),
        (b'{"hits":{}}', "bad_field: hits"),
        (b'{"hits":[1]}', "bad_field: hits"),
        (b'{"hits":[],"more":1}', "unknown_field"),
        (orjson.dumps({"hits": [HIT] * 501}), "too_large: hits"),
    ],
    ids=["broken", "no hits", "no list", "no objects", "more", "501 hits"],
)
def test_malformed_batches_are_refused(body: bytes, expected: str) -> None:
    """A batch that cannot be split is refused as a whole."""
    with pytest.raises(PayloadError, match=expected):
        parse_batch(body)


def test_a_hit_is_a_payload_with_a_few_more_keys() -> None:
    """Address, user agent, time and refusal are no part of the payload."""
    hit = {**HIT, "name": "Signup", "ip": "192.0.2.1", "user_agent": "X", "gpc": False, "time": 5}

    payload = payload_of_hit(hit)

    assert (Kind.EVENT, "Signup", ("example.org",)) == (
        payload.kind,
        payload.name,
        payload.domains,
    )


def test_a_hit_shows_its_visitor() -> None:
    """What a browser would have sent by itself comes from the hit."""
    sender = sender_of({**HIT, "ip": "[2001:db8::1]:5", "user_agent": "Mözilla ✓"})

    assert "[2001:db8::1]:5" == sender.peer
    assert (b"user-agent", b"M\xf6zilla ?") in sender.headers


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (1_795_262_400, 1_795_262_400.0),
        (1_795_262_400.5, 1_795_262_400.5),
        ("2026-11-21T12:00:00Z", 1_795_262_400.0),
        ("2026-11-21T13:00:00+01:00", 1_795_262_400.0),
        (None, None),
    ],
)
def test_times_are_seconds_or_rfc_3339(time: object, expected: float | None) -> None:
    """A hit may say when it happened."""
    assert expected == overrides_of({**HIT, "time": time}).at


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time": "yesterday"}, "bad_field: time"),
        ({"time": "2026-11-21T12:00:00"}, "bad_field: time"),
        ({"time": []}, "bad_field: time"),
        ({"visitor": "x" * 201}, "bad_field: visitor"),
    ],
)
def test_told_facts_are_checked(fields: dict[str, object], expected: str) -> None:
    """A time without a zone, and an endless name of a visitor, are refused."""
    with pytest.raises(PayloadError, match=expected):
        overrides_of({**HIT, **fields})


@pytest.mark.parametrize("ip", ["x", "1.2.3", "999.1.1.1"])
def test_an_address_is_an_address(ip: str) -> None:
    """What is no address is refused, not guessed at."""
    with pytest.raises(PayloadError, match="bad_field: ip"):
        sender_of({**HIT, "ip": ip})


def test_goatcounters_hits_get_our_keys() -> None:
    """Path, referrer, size, address, browser, language and session mean the same here."""
    (hit,) = parse_goatcounter_batch(
        orjson.dumps(
            {
                "no_sessions": False,
                "hits": [
                    {
                        "path": "/about",
                        "title": "About",
                        "ref": "https://bing.com",
                        "size": [1920, 1080, 1],
                        "ip": "192.0.2.1",
                        "user_agent": "Mozilla/5.0",
                        "language": "de-AT",
                        "session": "s1",
                        "created_at": "2026-11-21T12:00:00Z",
                    }
                ],
            }
        )
    )

    fields = from_goatcounter(hit, "example.org")
    payload, told = payload_of_hit(fields), overrides_of(fields)

    assert ("https://example.org/about", 1920) == (payload.url, payload.screen_width)
    assert (1_795_262_400.0, b"s1") == (told.at, told.visitor)
    sender = sender_of(fields)
    assert "192.0.2.1" == sender.peer
    assert [b"Mozilla/5.0", b"de-AT"] == [value for _, value in sender.headers]
    assert "https://bing.com" == payload.referrer


def test_goatcounters_events_are_events() -> None:
    """The path of an event is its name."""
    fields = from_goatcounter({"path": "click", "event": True, "session": "s1"}, "example.org")

    assert "click" == payload_of_hit(fields).name


def test_goatcounters_sizes_may_be_texts() -> None:
    """A size is a list, or its parts with commas between them."""
    fields = from_goatcounter({"path": "/", "size": "390,844,3", "session": "s1"}, "example.org")

    assert 390 == payload_of_hit(fields).screen_width


@pytest.mark.parametrize(
    "told", [{"ip": "192.0.2.1", "user_agent": "X"}, {"session": "s1"}, {"no_sessions": True}]
)
def test_goatcounters_hits_tell_visitors_apart(told: dict[str, object]) -> None:
    """By session or by address and user agent, unless the batch says that nothing does."""
    fields = from_goatcounter({"path": "/a", **told}, "example.org")

    assert "https://example.org/a" == fields["url"]


@pytest.mark.parametrize("told", [{}, {"ip": "192.0.2.1"}, {"user_agent": "X"}])
def test_goatcounters_hits_of_nobody_are_refused(told: dict[str, object]) -> None:
    """Address or user agent alone tells nobody apart, as GoatCounter has it."""
    with pytest.raises(PayloadError, match="missing_field: session"):
        from_goatcounter({"path": "/a", **told}, "example.org")


def test_goatcounters_batches_say_it_once_for_all_hits() -> None:
    """`no_sessions` is the batch's to say, and no hit's."""
    (hit,) = parse_goatcounter_batch(b'{"hits":[{"path":"/a","no_sessions":true}]}')
    (free,) = parse_goatcounter_batch(b'{"no_sessions":true,"hits":[{"path":"/a"}]}')

    assert (False, True) == (hit["no_sessions"], free["no_sessions"])


def test_goatcounters_batches_hold_a_hit() -> None:
    """A batch without hits is refused, as GoatCounter does."""
    with pytest.raises(PayloadError, match="missing_field: hits"):
        parse_goatcounter_batch(b'{"hits":[]}')


@pytest.mark.parametrize("stated", [True, 1, "1", "true", "TRUE", "Yes", " yes "], ids=repr)
def test_a_yes_is_a_refusal_however_it_is_spelled(stated: object) -> None:
    """A sender's language may write a yes in capitals or with blanks around it."""
    assert signals_of({**HIT, "gpc": stated}).refusal is Refusal.GPC


@pytest.mark.parametrize("stated", [False, 0, None, "", "0", "false", "No"], ids=repr)
def test_a_no_is_not_a_refusal(stated: object) -> None:
    """What states that nothing was refused lets the hit be read."""
    assert signals_of({**HIT, "dnt": stated}).refusal is None


@pytest.mark.parametrize("stated", ["1; x", "sure", [], {}, 2, 1.5], ids=repr)
def test_neither_yes_nor_no_is_invalid(stated: object) -> None:
    """A refusal that cannot be understood is never counted as consent."""
    with pytest.raises(PayloadError, match="bad_field: opt_out"):
        signals_of({**HIT, "opt_out": stated})
