"""Write a batch so that it carries its own receipt, and ask whether the store has it.

Knows how hits become one Arrow block; refuses to know the spool. The receipt
is a cell of the same block, so it is in the store if and only if the batch is.
Called by delivery.

Source: docs/design/0002-one-part-one-receipt.md.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, repeat
from typing import Any, Protocol

import pyarrow as pa
from msgspec.structs import astuple

from collector.cells.schema import HIT_COLUMNS
from collector.cells.views import RECEIPT_VIEW
from collector.counters import Counted
from collector.errors import Rejected, Unreachable
from collector.hit import Hit, VisitValues

Row = tuple[Any, ...]
Block = tuple[tuple[str, ...], bytes]
"""The names of columns, and an Arrow stream of them."""

_INTEGERS: dict[str, tuple[pa.DataType, str]] = {
    "UInt8": (pa.uint8(), "B"),
    "UInt16": (pa.uint16(), "H"),
    "UInt32": (pa.uint32(), "I"),
    "UInt64": (pa.uint64(), "Q"),
    "Int64": (pa.int64(), "q"),
}
_COUNT_COLUMNS = {
    "day": "UInt16",
    "reason": "String",
    "site": "UInt32",
    "collector": "String",
    "count": "Int64",
}
_FIELDS = Hit.__struct_fields__
_VISIT_FIELDS = VisitValues.__struct_fields__
_halves_of = struct.Struct("<QQ").unpack
_NO_HIT = astuple(
    Hit(site=0, closes_at=0, day=0, hour=0, minute=0, pseudonym=bytes(16), counts_visitor=False)
)


class QueryClient(Protocol):
    """What is asked of the store here."""

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        ...

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Ask a question."""
        ...


def arrow_block(hits: Sequence[Hit], token: str, closes_at: int) -> Block:
    """Write hits and the receipt of their batch as one Arrow stream of one record batch.

    Args:
        hits: all of this `closes_at`; may be empty, for a batch of which nothing can be read.

    Returns:
        The names of the columns, those of `schema.HIT_COLUMNS`, and the stream.

    Raises:
        Rejected: if a value does not fit its column.
    """
    rows = [*map(astuple, hits), _receipt_row(closes_at)]
    fields: dict[str, Sequence[Any]] = _columns_of(_FIELDS, rows)
    visits = _columns_of(_VISIT_FIELDS, map(astuple, fields.pop("visit")))
    halves = _columns_of(("k0", "k1"), map(_halves, fields.pop("pseudonym")))
    receipt = {"receipt": [*repeat("", len(hits)), token]}
    return _block(HIT_COLUMNS, {**fields, **visits, **halves, **receipt})


def counts_block(counts: Mapping[Counted, int], collector: str) -> Block:
    """Write cumulative counts as an Arrow stream for the table `suppressed`.

    Args:
        counts: at least one.
        collector: names the spool that counted; readers take the largest count of each
            collector, so a count sent twice is counted once.
    """
    rows = [(*key, collector, count) for key, count in counts.items()]
    return _block(
        _COUNT_COLUMNS, _columns_of(("day", "reason", "site", "collector", "count"), rows)
    )


def has_receipt(store: QueryClient, closes_at: int, token: str) -> bool:
    """Tell whether the store has a batch; certain only once no send of it is under way.

    Raises:
        Unreachable: if the store does not answer.
    """
    # With replicas, only a read that waits for the quorum may say "not there".
    settings = {} if store.embedded else {"select_sequential_consistency": 1}
    found = store.query(
        "SELECT count() FROM open_cells WHERE closes_at = toDateTime({closes_at:UInt32}, 'UTC') "
        "AND site = 0 AND view = {view:UInt16} AND value = {token:String}",
        {"closes_at": closes_at, "view": RECEIPT_VIEW, "token": token},
        settings,
    )
    return bool(found[0][0])


def arrived(store: QueryClient, closes_at: int, prefix: str, first: int) -> list[str]:
    """Return the receipts of a spool's day whose frames end at `first` or later.

    Raises:
        Unreachable: if the store does not answer.
    """
    rows = store.query(
        "SELECT DISTINCT value FROM open_cells "
        "WHERE closes_at = toDateTime({closes_at:UInt32}, 'UTC') AND site = 0 "
        "AND view = {view:UInt16} AND startsWith(value, {token:String}) "
        "AND toUInt64OrZero(extract(value, '-([0-9]+)')) >= {first:UInt64}",
        {"closes_at": closes_at, "view": RECEIPT_VIEW, "token": prefix, "first": first},
        {} if store.embedded else {"select_sequential_consistency": 1},
    )
    return [token for (token,) in rows]


def wait_until_over(store: QueryClient, token: str) -> None:
    """See to it that no attempt to send a batch is still at work in the store.

    The embedded engine works within the call, or died with its process. On a
    server an attempt outlives its connection: it is killed, and then looked for.

    Raises:
        Unreachable: if the server does not answer, or an attempt still runs.
    """
    if store.embedded:
        return
    attempts = "startsWith(query_id, {token:String}) AND query_kind = 'Insert'"
    store.query(f"KILL QUERY WHERE {attempts} SYNC", {"token": token})
    if store.query(f"SELECT count() FROM system.processes WHERE {attempts}", {"token": token})[0][
        0
    ]:
        raise Unreachable("an earlier attempt to send the batch still runs")


def _receipt_row(closes_at: int) -> Row:
    row = dict(zip(_FIELDS, _NO_HIT, strict=True))
    return tuple({**row, "closes_at": closes_at}.values())


def _halves(pseudonym: bytes) -> tuple[int, int]:
    try:
        low, high = _halves_of(pseudonym)
    except struct.error as unfit:
        raise Rejected("a pseudonym has 16 bytes") from unfit
    return low, high


def _columns_of(names: Sequence[str], rows: Iterable[Row]) -> dict[str, Sequence[Any]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _block(kinds: Mapping[str, str], columns: Mapping[str, Sequence[Any]]) -> Block:
    try:
        arrays = [_array(kind, columns[name]) for name, kind in kinds.items()]
    except (OverflowError, ValueError, TypeError) as unfit:
        raise Rejected(f"a value does not fit its column: {type(unfit).__name__}") from unfit
    batch = pa.RecordBatch.from_arrays(arrays, names=list(kinds))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return tuple(kinds), sink.getvalue().to_pybytes()


# Arrays are laid out by hand because `pa.array` imports pandas: 60 MiB and a second of CPU
# (pyarrow 26.0, November 2026).
def _array(kind: str, values: Sequence[Any]) -> pa.Array:
    if kind == "Array(String)":
        offsets = array("i", accumulate(map(len, values), initial=0))
        flat = _strings([text for listed in values for text in listed])
        return pa.ListArray.from_buffers(
            pa.list_(pa.string()), len(values), [None, pa.py_buffer(offsets)], children=[flat]
        )
    if kind in _INTEGERS:
        arrow, code = _INTEGERS[kind]
        return pa.Array.from_buffers(arrow, len(values), [None, pa.py_buffer(array(code, values))])
    return _strings(values)


def _strings(values: Sequence[str]) -> pa.StringArray:
    encoded = [text.encode() for text in values]
    offsets = array("i", accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(
        len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )
