"""docs/hits.md lists the keys that the batch routes read, each of them and no other."""

from __future__ import annotations

import re

import msgspec
import pytest

from collector.errors import PayloadError
from collector.ingest import idempotency, payload
from collector.ingest.formats import batch, goatcounter_batch, plausible, umami
from tests.house.source import ROOT

HITS = (ROOT / "docs/hits.md").read_text(encoding="utf-8")


def documented(part: str) -> set[str]:
    """Read the keys in the first column of a marked table."""
    table = HITS.partition(f"<!-- {part}:")[2].partition(f"<!-- end of {part} -->")[0]
    cells = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    return {key for cell in cells for key in cell.split("`")[1::2]}


def keys_of(shape: type[msgspec.Struct]) -> set[str]:
    """List the keys that a shape reads."""
    return {field.encode_name for field in msgspec.structs.fields(shape)}


def test_every_key_of_our_hits_is_documented() -> None:
    """The keys of a payload, those only a sender with a token may use, and the refusals."""
    read = keys_of(plausible._Plausible) | keys_of(batch.HitFacts) | {*batch.SIGNALS}

    assert read == documented("keys")


def test_every_key_of_goatcounters_hits_is_documented() -> None:
    """What is read of GoatCounter's hits is said, in its own words."""
    assert keys_of(goatcounter_batch.GoatcounterHit) == documented("goatcounter")
    assert {*goatcounter_batch.GOATCOUNTERS_KEYS.values()} <= documented("goatcounter")


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("at most {} hits", batch.MAX_HITS),
        ("`name`, `n` | text up to {} |", payload.MAX_NAME),
        ("object of up to {} scalars", payload.MAX_PROPS),
        ("keys up to {}, ", payload.MAX_PROP_KEY),
        ("text up to {} bytes", batch.MAX_VISITOR),
        ("so do {} later batches", f"{idempotency.MAX_KEYS:,}".replace(",", " ")),
        ("and {} MiB.", batch.MAX_BATCH_BODY // 2**20),
    ],
)
def test_limits_are_the_codes(said: str, limit: object) -> None:
    """Each limit that is told is the one that is kept."""
    assert said.format(limit) in HITS


@pytest.mark.parametrize("key", ["name", "hostname", "language", "screen"])
def test_umamis_limits_are_the_codes(key: str) -> None:
    """The longest that Umami's keys may be is told beside them, and kept to the sign."""
    told = re.search(rf"\b{key}`? of more than (\d+)", HITS)
    assert told is not None
    longest = int(told[1])

    assert payload.convert(umami.UmamiEvent, {key: "1" * longest})
    with pytest.raises(PayloadError, match=f"bad_field: {key}"):
        payload.convert(umami.UmamiEvent, {key: "1" * (longest + 1)})
