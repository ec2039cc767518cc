"""Read a block back, with the driver's own reader."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from clickhouse_connect.driver.buffer import ResponseBuffer
from clickhouse_connect.driver.query import QueryResult
from clickhouse_connect.driver.transform import NativeTransform


def rows_of(block: bytes) -> list[dict[str, Any]]:
    """Return the rows, by the names of their columns."""
    read = _read(block)
    return [dict(zip(read.column_names, row, strict=True)) for row in read.result_rows]


def sizes_of(block: bytes) -> list[int]:
    """Return the number of rows of each block that there is."""
    with _read(block).column_block_stream as blocks:
        return [len(columns[0]) for columns in blocks]


def _read(block: bytes) -> QueryResult:
    def content() -> Iterator[bytes]:
        yield block

    source = SimpleNamespace(gen=content(), close=lambda: None)
    read = NativeTransform.parse_response(ResponseBuffer(source))  # type: ignore[no-untyped-call]
    assert isinstance(read, QueryResult)
    return read
