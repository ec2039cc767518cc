"""Arrow blocks have every column and the receipt of their batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.cells.receipts import counts_block, hits_block, wait_until_over
from collector.cells.schema import HIT_COLUMNS
from collector.errors import Rejected
from collector.hit import SUMS, VISIT_VALUES
from tests.blocks import rows_of, sizes_of
from tests.builders import a_hit

CLOSES_AT = a_hit().closes_at


def test_a_block_has_the_columns_of_the_table() -> None:
    """Names and order of the columns are those of the schema."""
    columns, _ = hits_block([a_hit()], "token", CLOSES_AT)

    assert tuple(HIT_COLUMNS) == columns


def test_a_batch_is_one_block() -> None:
    """One block in, one part out: five thousand hits are not cut up."""
    _, content = hits_block([a_hit()] * 5000, "token", CLOSES_AT)

    assert [5001] == sizes_of(content)


def test_every_value_arrives_in_its_column() -> None:
    """Sums, values, lists and the halves of the pseudonym equal those of the hit."""
    hit = a_hit(
        path="/é漢字",
        goals=("One", "Zwö"),
        properties=("a=b",),
        bounces=-1,
        revenue=2**62,
        pseudonym=bytes(range(16)),
    )

    row, _ = rows_of(hits_block([hit], "token", CLOSES_AT)[1])

    assert "/é漢字" == row["path"]
    assert (["One", "Zwö"], ["a=b"]) == (row["goals"], row["properties"])
    assert [getattr(hit, name) for name in SUMS] == [row[name] for name in SUMS]
    assert [getattr(hit.visit, name) for name in VISIT_VALUES] == [
        row[name] for name in VISIT_VALUES
    ]
    assert int.from_bytes(bytes(range(8)), "little") == row["k0"]
    assert int.from_bytes(bytes(range(8, 16)), "little") == row["k1"]
    assert "" == row["receipt"]


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 70_000])
def test_a_string_of_any_length_arrives(length: int) -> None:
    """The length before a string takes as many bytes as it needs."""
    row, _ = rows_of(hits_block([a_hit(path="x" * length)], "token", CLOSES_AT)[1])

    assert "x" * length == row["path"]


def test_the_receipt_is_the_last_row() -> None:
    """It has the token and the day, and counts no hit and no visitor."""
    *_, receipt = rows_of(hits_block([a_hit()], "token", CLOSES_AT)[1])

    assert ("token", CLOSES_AT, 0) == (receipt["receipt"], receipt["closes_at"], receipt["site"])
    assert {0} == {receipt[name] for name in (*SUMS, "counts_visitor", "k0", "k1")}


def test_a_batch_without_readable_hits_still_has_a_receipt() -> None:
    """A batch whose frames are all damaged can be delivered empty."""
    assert ["token"] == [row["receipt"] for row in rows_of(hits_block([], "token", CLOSES_AT)[1])]


@pytest.mark.parametrize(
    "changes",
    [
        {"day": 70_000},
        {"site": -1},
        {"pageviews": 2**63},
        {"pseudonym": b"short"},
        {"path": "\ud800"},
    ],
)
def test_what_does_not_fit_is_rejected(changes: dict[str, object]) -> None:
    """A value that does not fit its column is rejected and not quoted in the message."""
    with pytest.raises(Rejected) as rejected:
        hits_block([a_hit(**changes)], "token", CLOSES_AT)

    assert not any(str(value) in str(rejected.value) for value in changes.values())


def test_counts_become_rows() -> None:
    """Each count is a row with its collector."""
    columns, content = counts_block({(20_000, "bot", 3): 7}, "collector")

    assert ("day", "reason", "site", "collector", "count") == columns
    assert [dict(zip(columns, (20_000, "bot", 3, "collector", 7), strict=True))] == rows_of(content)


def test_the_embedded_engine_is_not_asked_for_running_inserts(tmp_path: Path) -> None:
    """Its INSERTs end before the call returns, so none can be running: the store is not opened."""
    wait_until_over(Store(tmp_path / "clickhouse"), "token")

    assert [] == list(tmp_path.iterdir())
