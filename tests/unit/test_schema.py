"""The CREATE statements of the store's tables."""

from __future__ import annotations

from collector.cells.schema import (
    DURABLE,
    HIT_COLUMNS,
    SKETCH,
    columns_of,
    tables,
)
from collector.hit import SUMS, Hit

PERSISTENT = ("open_cells", "snapshot_cells", "sealed_cells", "seals", "own_paths", "suppressed")


def test_hits_are_kept_nowhere() -> None:
    """The table that takes hits has no storage."""
    assert tables()["hits"].endswith("ENGINE = Null")


def test_tables_of_a_closing_are_in_memory_only() -> None:
    """Folding writes nothing to disk but its result."""
    closing = [text for name, text in tables().items() if name.startswith("closing_")]

    assert closing
    assert all(text.endswith("ENGINE = Memory") for text in closing)


def test_every_table_that_persists_is_durable() -> None:
    """A power cut loses no acknowledged row."""
    assert all(DURABLE in tables()[name] for name in PERSISTENT)


def test_no_table_has_a_column_for_a_visitor() -> None:
    """Only `hits`, which stores nothing, has columns for pseudonyms."""
    for name in PERSISTENT:
        columns = columns_of(tables()[name])
        assert not {"k0", "k1", "pseudonym", "address", "user_agent"} & columns.keys()


def test_only_cells_of_open_days_hold_sketches() -> None:
    """Sealed cells are integers."""
    sketched = [name for name, text in tables().items() if SKETCH in text]

    assert ["open_cells", "snapshot_cells"] == sketched
    assert "Int64" == columns_of(tables()["sealed_cells"])["visitors"]


def test_every_field_of_a_hit_has_its_column() -> None:
    """`hits` has a column per field of a hit, and two for the halves of the pseudonym."""
    halves = {"k0", "k1", "receipt"}
    carried = (set(Hit.__struct_fields__) - {"pseudonym", "visit"}) | halves

    assert carried <= set(HIT_COLUMNS)
    assert set(SUMS) <= set(HIT_COLUMNS)


def test_columns_are_read_out_of_a_statement() -> None:
    """Types and codecs may contain commas and brackets."""
    statement = (
        "CREATE TABLE t (a UInt8 CODEC(T64, ZSTD(1)), b DateTime('UTC'), "
        "c AggregateFunction(uniqCombined64(17), UInt64)) ENGINE = Memory"
    )

    assert {
        "a": "UInt8",
        "b": "DateTime('UTC')",
        "c": "AggregateFunction(uniqCombined64(17), UInt64)",
    } == columns_of(statement)
