"""Whatever is sent in the other formats, from JSON to hit, only the declared errors arise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import PayloadError
from collector.hit import Drop, Refusal
from collector.ingest.formats import batch, goatcounter_batch, umami
from collector.ingest.payload import Payload, convert, parse_json
from collector.ingest.pipeline import BuiltHit, SenderOverrides, build_hit
from collector.privacy.consent import Admitted, decide_relayed
from collector.spool.encryption import encode_hit
from tests.builders import a_context, an_admitted

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["1", "192.0.2.7", "2026-11-21T12:00:00Z", "EUR", "9.90", "pageview"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
UMAMI = ("website", "hostname", "url", "referrer", "screen", "language", "name", "data", "tag")
OURS = ("url", "domain", "referrer", "props", "revenue", "ip", "user_agent", "visitor", "time")
OURS_TOO = ("gpc", "dnt", "opt_out", "accept_language", "w", "sd", "x")
GOAT = ("path", "event", "ref", "query", "bot", "size", "ip", "user_agent", "session", "created_at")

Read = tuple[Payload, Admitted, SenderOverrides | None] | Refusal


def some(keys: tuple[str, ...], **good: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects that are good but for some of their keys."""
    spoiled = st.dictionaries(st.sampled_from(keys), VALUES, max_size=3)
    return spoiled.map(lambda found: {**good, **found})


def is_taken(read: Callable[[], Read]) -> bool:
    """Read, assemble and encode; tell whether it was read, or was a payload error."""
    try:
        found = read()
    except PayloadError:
        return False
    if isinstance(found, tuple):
        payload, admitted, told = found
        made = build_hit(payload, admitted, a_context(), "example.org", told)
        assert isinstance(made, BuiltHit | Drop)
        if isinstance(made, BuiltHit):
            assert encode_hit(made.hit)
    return True


def relayed(hit: dict[str, Any]) -> Read:
    """Read one hit of a batch as its handler does."""
    admitted = decide_relayed(batch.signals_of(hit), lambda: batch.sender_of(hit))
    if isinstance(admitted, Refusal):
        return admitted
    return batch.payload_of_hit(hit), admitted, batch.overrides_of(hit)


@given(some(UMAMI, website="example.org", hostname="example.org", url="/a"))
@settings(max_examples=150)
def test_any_umami_object_is_a_hit_or_a_payload_error(sent: dict[str, Any]) -> None:
    """Umami's keys may hold anything."""

    def read() -> tuple[Payload, Admitted, None]:
        body = orjson.dumps({"type": "event", "payload": sent})
        event = umami.event_of(convert(umami.UmamiMessage, parse_json(body)))
        assert event is not None
        return umami.payload_of(event, "example.org"), an_admitted(), None

    is_taken(read)


@given(some((*OURS, *OURS_TOO), name="pageview", url="https://example.org/", domain="example.org"))
@settings(max_examples=150)
def test_any_relayed_hit_is_a_hit_or_a_payload_error(sent: dict[str, Any]) -> None:
    """A server's batch may hold anything."""

    def read() -> Read:
        (hit,) = batch.parse_batch(orjson.dumps({"hits": [sent]}))
        return relayed(hit)

    is_taken(read)


@given(some(GOAT, path="/a", session="s"))
@settings(max_examples=150)
def test_any_goatcounter_hit_is_a_hit_or_a_payload_error(sent: dict[str, Any]) -> None:
    """A batch of GoatCounter's may hold anything."""

    def read() -> Read:
        (hit,) = goatcounter_batch.parse_goatcounter_batch(orjson.dumps({"hits": [sent]}))
        return relayed(goatcounter_batch.from_goatcounter(hit, "example.org"))

    is_taken(read)


def test_what_is_good_is_taken() -> None:
    """The objects that the others spoil are taken as they are."""
    good = {"name": "pageview", "url": "https://example.org/", "domain": "example.org"}

    assert is_taken(lambda: relayed(good))
    assert is_taken(
        lambda: relayed(
            goatcounter_batch.from_goatcounter({"path": "/a", "session": "s"}, "example.org")
        )
    )
    assert not is_taken(lambda: relayed({**good, "ip": "x"}))
