"""Write columns as one block of ClickHouse's Native format.

A column is laid out from its type alone: integers as the machine has them
(little-endian), a string after its length, a list of strings after its end.

Source: https://clickhouse.com/docs/interfaces/formats/Native.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from collector.errors import Rejected

Block = tuple[tuple[str, ...], bytes]
"""The names of columns, and a block of them."""

_INTEGERS = {"UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q", "Int64": "q"}
_LIST = "Array(String)"


def block(kinds: Mapping[str, str], columns: Mapping[str, Sequence[Any]]) -> Block:
    """Write columns of equal length.

    Args:
        kinds: the ClickHouse types of the columns, in the order to write them.
        columns: their values, by name.

    Raises:
        Rejected: if a value does not fit its column.
    """
    rows = len(columns[next(iter(kinds))])
    parts = [_number(len(kinds)), _number(rows)]
    try:
        for name, kind in kinds.items():
            written = kind if kind in _INTEGERS or kind == _LIST else "String"
            parts += (_text(name), _text(written), _values(written, columns[name]))
    except (OverflowError, ValueError, TypeError) as unfit:
        raise Rejected(f"a value does not fit its column: {type(unfit).__name__}") from unfit
    return tuple(kinds), b"".join(parts)


def _values(kind: str, values: Sequence[Any]) -> bytes:
    if kind in _INTEGERS:
        return array(_INTEGERS[kind], values).tobytes()
    if kind == _LIST:
        ends = array("Q", accumulate(map(len, values)))
        return ends.tobytes() + _strings([text for listed in values for text in listed])
    return _strings(values)


def _strings(values: Sequence[str]) -> bytes:
    # Most values occur many times in a batch: each is encoded once.
    written = {text: _text(text) for text in set(values)}
    return b"".join(map(written.__getitem__, values))


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _number(len(encoded)) + encoded


def _number(number: int) -> bytes:
    if number < 128:
        return number.to_bytes()
    return bytes((number & 127 | 128,)) + _number(number >> 7)
