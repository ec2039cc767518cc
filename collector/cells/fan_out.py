"""Write the materialized view that fans every hit out into cells; see docs/sql/fan_out.sql.

Each hit becomes a hundred rows, so the cost of a row decides the cost of a hit. A row carries its
view, grain, time and marks in one number; everything else that differs between views is decided
once per cell, after grouping.

Source: docs/design/0015-fan-out.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import IntFlag
from typing import NamedTuple

from collector.cells.schema import SKETCH
from collector.cells.views import (
    DIMENSIONS,
    LIST_DIMENSIONS,
    RECEIPT_VIEW,
    VIEWS,
    Grain,
    MeasureGroup,
    Scope,
    View,
    measures,
)
from collector.hit import SUMS

TAG = (
    "sipHash64Keyed((k0, k1), "
    "concat(value, '\\0', other, reinterpretAsFixedString(bitAnd(cell, {named}))))"
)
"""The tag of a visitor in a cell: keyed by the pseudonym, over everything that identifies the cell.

No two cells hash the same message: the number has a fixed length and no value has a zero byte.
"""

_VIEW_BIT, _GRAIN_BIT, _MARKS_BIT = 48, 40, 32
_VISIT_SUMS = ("visits", "bounces", "visit_seconds")
_AT = {Grain.DAY: "", Grain.HOUR: "hour", Grain.MINUTE: "minute"}
_EARLIER_AT = {Grain.HOUR: "bounce_hour", Grain.MINUTE: "bounce_minute"}


class _Mark(IntFlag):
    """What a cell counts of a hit.

    Attributes:
        VALUE: nothing if its value is empty; `OTHER`: nothing if its second value is empty.
        VISIT: the sums of the visit as well.
        OWN_BOUNCES: only bounces that were added in this hour or minute.
        ARRIVED: only one visit that now ends here; `LEFT`: minus one that no longer does.
        EARLIER: only a bounce that was added in this earlier hour or minute and is taken back.
    """

    VALUE = 1
    OTHER = 2
    VISIT = 4
    OWN_BOUNCES = 8
    ARRIVED = 16
    LEFT = 32
    EARLIER = 64


_PARTIAL = _Mark.ARRIVED | _Mark.LEFT | _Mark.EARLIER
_NAMED = 2**64 - 1 - (0xFF << _MARKS_BIT)


class _Cell(NamedTuple):
    """One cell of the fan-out; `at`, `value` and `other` are columns of `hits` or empty."""

    view: int
    grain: Grain
    marks: _Mark
    at: str = ""
    value: str = "''"
    other: str = "''"

    @property
    def number(self) -> int:
        """View, grain and marks; the time is added for each hit."""
        return (
            (self.view << _VIEW_BIT)
            | (int(self.grain) << _GRAIN_BIT)
            | (int(self.marks) << _MARKS_BIT)
        )


def select() -> str:
    """Turn every hit into its cells, and a receipt row into its receipt."""
    numbers, values, others = _arrays()
    whole = f"NOT {_marked(_PARTIAL)}"
    plain = ", ".join(
        f"if({whole}, sum(hits.{name}), 0) AS {name}" for name in SUMS if name not in _VISIT_SUMS
    )
    visits = (
        f"multiIf({_marked(_Mark.VISIT)}, sum(hits.visits), {_marked(_Mark.ARRIVED)}, "
        f"toInt64(count()), {_marked(_Mark.LEFT)}, -toInt64(count()), 0)"
    )
    bounces = (
        f"multiIf({_marked(_Mark.OWN_BOUNCES)}, sum(hits.bounces * (bounce_minute = 0)), "
        f"{_marked(_Mark.VISIT | _Mark.EARLIER)}, sum(hits.bounces), 0)"
    )
    return (
        "SELECT site, toDateTime(closes_at, 'UTC') AS closes_at, "
        f"toUInt16(bitShiftRight(cell, {_VIEW_BIT})) AS view, "
        f"toUInt8(bitShiftRight(cell, {_GRAIN_BIT})) AS grain, toUInt32(cell) AS at, "
        f"value, other, toDate(any(hits.day)) AS day, {plain}, {visits} AS visits, "
        f"{bounces} AS bounces, "
        f"if({_marked(_Mark.VISIT)}, sum(hits.visit_seconds), 0) AS visit_seconds, "
        f"{SKETCH.replace('(', 'StateIf(')}({TAG.format(named=_NAMED)}, "
        f"counts_visitor = 1 AND {whole}) AS visitors "
        f"FROM hits ARRAY JOIN {numbers} AS cell, {values} AS value, {others} AS other "
        f"WHERE (value != '' OR NOT {_marked(_Mark.VALUE)} AND receipt = '') "
        f"AND (other != '' OR NOT {_marked(_Mark.OTHER)}) "
        "GROUP BY site, closes_at, cell, value, other"
    )


def statement() -> str:
    """Create the materialized view, with its fingerprint as the comment."""
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS fan_out TO open_cells AS {select()} "
        f"COMMENT '{fingerprint()}'"
    )


def fingerprint() -> str:
    """Identify this version of the fan-out; changes when a view is added or ended."""
    return hashlib.sha256(select().encode()).hexdigest()[:16]


def _marked(marks: _Mark) -> str:
    return f"(bitAnd(cell, {int(marks) << _MARKS_BIT}) != 0)"


def _arrays() -> tuple[str, str, str]:
    """Write the cells of a hit as three arrays of equal length: number, value, other."""
    plain = _by_time([cell for view in VIEWS for cell in _scalar_cells(view)])
    earlier = _by_time([cell for view in VIEWS for cell in _earlier_cells(view)])
    receipt = [_Cell(RECEIPT_VIEW, Grain.DAY, _Mark.VALUE, value="receipt")]
    columns = [
        (
            write(plain),
            *(
                f"arrayFlatten(arrayMap(one -> {write(cells)}, {field}))"
                for name, field in LIST_DIMENSIONS.items()
                if (cells := _list_cells(name))
            ),
            f"if(bounce_minute = 0, [], {write(earlier)})",
            f"if(receipt = '', [], {write(receipt)})",
        )
        for write in (_numbers, _values, _others)
    ]
    numbers, values, others = (f"arrayConcat({', '.join(parts)})" for parts in columns)
    return numbers, values, others


def _by_time(cells: list[_Cell]) -> list[_Cell]:
    return sorted(cells, key=lambda cell: cell.at)


def _numbers(cells: Sequence[_Cell]) -> str:
    """Write the numbers of cells sorted by their time column, which is added to each group."""
    groups = []
    for at in sorted({cell.at for cell in cells}):
        some = ", ".join(str(cell.number) for cell in cells if cell.at == at)
        constant = f"CAST([{some}], 'Array(UInt64)')"
        groups.append(f"arrayMap(number -> number + {at}, {constant})" if at else constant)
    return groups[0] if len(groups) == 1 else f"arrayConcat({', '.join(groups)})"


def _values(cells: Sequence[_Cell]) -> str:
    return f"[{', '.join(cell.value for cell in cells)}]"


def _others(cells: Sequence[_Cell]) -> str:
    return f"[{', '.join(cell.other for cell in cells)}]"


def _scalar_cells(view: View) -> list[_Cell]:
    if any(name in LIST_DIMENSIONS for name in view.dimensions):
        return []
    if any(DIMENSIONS[name].scope is Scope.EXIT for name in view.dimensions):
        return [
            _Cell(view.id, Grain.DAY, _Mark.VALUE | _Mark.ARRIVED, value="exit_path"),
            _Cell(view.id, Grain.DAY, _Mark.VALUE | _Mark.LEFT, value="left_path"),
        ]
    return [_cell(view, grain, view.dimensions) for grain in view.grains]


def _earlier_cells(view: View) -> list[_Cell]:
    """Return the cells of the hour and minute in which a bounce was counted that is taken back."""
    if MeasureGroup.VISITS not in measures(view):
        return []
    cells = [_cell(view, grain, view.dimensions) for grain in view.grains if grain in _EARLIER_AT]
    needs = _Mark.VALUE | _Mark.OTHER
    return [
        cell._replace(at=_EARLIER_AT[cell.grain], marks=cell.marks & needs | _Mark.EARLIER)
        for cell in cells
    ]


def _list_cells(listed: str) -> list[_Cell]:
    """Return the cells of all views of a dimension with several values per hit, for one value."""
    return [
        _cell(view, grain, ["one" if name == listed else name for name in view.dimensions])
        for view in VIEWS
        if listed in view.dimensions
        for grain in view.grains
    ]


def _cell(view: View, grain: Grain, columns: Sequence[str]) -> _Cell:
    value, other = (*columns, "''", "''")[:2]
    marks = (_Mark(0), _Mark.VALUE, _Mark.VALUE | _Mark.OTHER)[len(columns)]
    if MeasureGroup.VISITS in measures(view):
        marks |= _Mark.VISIT if grain is Grain.DAY else _Mark.VISIT | _Mark.OWN_BOUNCES
    return _Cell(view.id, grain, marks, _AT[grain], value, other)
