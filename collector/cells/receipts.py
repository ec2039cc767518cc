"""Write a batch as one block that carries its own receipt, and look receipts up.

The receipt is a cell of the same block, so it is in the store if and only if the batch is.

Source: docs/design/0002-one-part-one-receipt.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from collector.cells.native_format import Block, block
from collector.cells.schema import HIT_COLUMNS
from collector.cells.views import RECEIPT_VIEW
from collector.counters import Counted
from collector.errors import Rejected, Unreachable
from collector.hit import Hit, VisitValues

if TYPE_CHECKING:
    from collector.cells.client import Row, Store

_COUNT_COLUMNS = {
    "day": "UInt16",
    "reason": "String",
    "site": "UInt32",
    "collector": "String",
    "count": "Int64",
}
_HALVES = struct.Struct("<QQ")
_OF_DAY = (
    f"closes_at = toDateTime({{closes_at:UInt32}}, 'UTC') AND site = 0 AND view = {RECEIPT_VIEW}"
)


def hits_block(hits: Sequence[Hit], token: str, closes_at: int) -> Block:
    """Write hits and the receipt of their batch as one block.

    Args:
        hits: all of this `closes_at`; empty if nothing of the batch can be read.

    Returns:
        The names of the columns, those of `schema.HIT_COLUMNS`, and the block.

    Raises:
        Rejected: if a value does not fit its column.
    """
    rows = map(astuple, (*hits, _receipt_hit(closes_at)))
    fields: dict[str, Sequence[Any]] = _columns_of(Hit.__struct_fields__, rows)
    visits = _columns_of(VisitValues.__struct_fields__, map(astuple, fields.pop("visit")))
    halves = _columns_of(("k0", "k1"), map(_halves, fields.pop("pseudonym")))
    receipt = {"receipt": [*repeat("", len(hits)), token]}
    return block(HIT_COLUMNS, {**fields, **visits, **halves, **receipt})


def counts_block(counts: Mapping[Counted, int], collector: str) -> Block:
    """Write cumulative counts as a block for the table `suppressed`.

    Args:
        counts: at least one.
        collector: identifies the spool that counted; readers use the largest count of each
            collector, so a count that is sent twice is counted once.
    """
    rows = [(*key, collector, count) for key, count in counts.items()]
    return block(_COUNT_COLUMNS, _columns_of((*_COUNT_COLUMNS,), rows))


def has_receipt(store: Store, closes_at: int, token: str) -> bool:
    """Return whether the store has a batch; certain only when no INSERT of it is running.

    Raises:
        Unreachable: if the store does not answer.
    """
    ((found,),) = store.query(
        f"SELECT count() FROM open_cells WHERE {_OF_DAY} AND value = {{token:String}}",
        {"closes_at": closes_at, "token": token},
        _reading_the_quorum(store),
    )
    return bool(found)


def arrived(store: Store, closes_at: int, prefix: str, first: int) -> list[str]:
    """Return the receipts of a spool's day whose frames end at `first` or later.

    Raises:
        Unreachable: if the store does not answer.
    """
    rows = store.query(
        f"SELECT DISTINCT value FROM open_cells WHERE {_OF_DAY} "
        "AND startsWith(value, {token:String}) "
        "AND toUInt64OrZero(extract(value, '-([0-9]+)')) >= {first:UInt64}",
        {"closes_at": closes_at, "token": prefix, "first": first},
        _reading_the_quorum(store),
    )
    return [token for (token,) in rows]


def _reading_the_quorum(store: Store) -> dict[str, int]:
    # With replicas, only a read that waits for the quorum may answer that there is none.
    return {} if store.embedded else {"select_sequential_consistency": 1}


def wait_until_over(store: Store, token: str) -> None:
    """Make sure that no earlier INSERT of a batch is still running.

    The embedded engine inserts within the call, or died with its process. On a server an INSERT
    outlives its connection: it is killed, and then looked for.

    Raises:
        Unreachable: if the server does not answer, or an INSERT still runs.
    """
    if store.embedded:
        return
    attempts = "startsWith(query_id, {token:String}) AND query_kind = 'Insert'"
    parameters = {"token": token}
    store.query(f"KILL QUERY WHERE {attempts} SYNC", parameters)
    query = f"SELECT count() FROM system.processes WHERE {attempts}"
    ((running,),) = store.query(query, parameters)
    if running:
        raise Unreachable("an earlier attempt to send the batch still runs")


def _receipt_hit(closes_at: int) -> Hit:
    """Return the empty hit whose row carries the receipt."""
    return Hit(
        site=0,
        closes_at=closes_at,
        day=0,
        hour=0,
        minute=0,
        pseudonym=bytes(16),
        counts_visitor=False,
    )


def _halves(pseudonym: bytes) -> tuple[int, int]:
    try:
        low, high = _HALVES.unpack(pseudonym)
    except struct.error as unfit:
        raise Rejected("a pseudonym has 16 bytes") from unfit
    return low, high


def _columns_of(names: Sequence[str], rows: Iterable[Row]) -> dict[str, Sequence[Any]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))
