"""Write the SELECTs that read the cells of an answer: sealed ones as they are, open ones folded.

Pure. What sealing folds and strikes in a list, reading an open day folds and
strikes too (see `cells.folding`, whose tables it cannot use); of a table it
leaves out the small cells. Called by `plan`.
"""

from __future__ import annotations

from typing import NamedTuple

from collector.cells.grouping import other_other, other_value
from collector.cells.schema import SKETCH
from collector.cells.thresholds import CONTINUOUS_SUMS, is_hierarchy
from collector.cells.views import TOTAL, Grain
from collector.hit import OTHER
from collector.stats.parts import Part

KEPT_APART = {"timed_visits": "visits", "read_pageviews": "engaged_pageviews"}
"""Counts of those cells alone that keep continuous sums: what such a sum is divided by."""

_MERGE = SKETCH.replace("(", "Merge(", 1)
_CELL = "view, origin, day, at, value, other"
_LINE = "PARTITION BY origin, day, called, further"

_SEALED_DAYS = (
    "(SELECT groupArray(closes_at) FROM seals WHERE closes_at BETWEEN "
    "toDateTime({first:Date}, 'UTC') AND toDateTime({last:Date}, 'UTC') + INTERVAL 3 DAY)"
)


def scalars(parts: tuple[Part, ...], table: str) -> str:
    """Write what is asked once and holds for the whole statement: which days are sealed or thin.

    Args:
        table: the one that open days are read from.
    """
    small = " ".join(part.small for part in parts)
    asked = {"sealed": _SEALED_DAYS}
    asked |= {name: _thin(name, table) for name in ("thin_days", "thin_hours") if name in small}
    return ", ".join(f"{question} AS {name}" for name, question in asked.items())


class Kinds(NamedTuple):
    """Which kinds of day a question is about; what it is not about costs it nothing."""

    sealed: bool
    open: bool


BOTH = Kinds(sealed=True, open=True)


def cells(parts: tuple[Part, ...], sums: tuple[str, ...], table: str, kinds: Kinds = BOTH) -> str:
    """Write the SELECT of all cells of the parts.

    Args:
        table: the one that open days are read from.

    Returns:
        A statement whose rows are `origin` (the part's place in `parts`), `day`, `at`, `value`,
        `other`, the sums, `visitors` and `folded` (how many values were folded into it; add
        it up over the rows of a day).
    """
    if not kinds.open:
        return _sealed(parts, sums)
    if not kinds.sealed:
        return _folded(parts, sums, table)
    return f"{_sealed(parts, sums)} UNION ALL {_folded(parts, sums, table)}"


def _sealed(parts: tuple[Part, ...], sums: tuple[str, ...]) -> str:
    sealed = "".join(f"{_kept('sealed_cells', name, 'NOT struck')} AS {name}, " for name in sums)
    either = " OR ".join(f"({part.of_its_view} AND {part.wanted})" for part in parts)
    return (
        f"SELECT {_origin(parts)} AS origin, day, at, toString(value) AS value, "
        f"toString(other) AS other, {sealed}visitors, toInt64(folded) AS folded FROM sealed_cells "
        f"WHERE {_OF_PERIOD} AND ({either}) AND has(sealed, closes_at)"
    )


_OF_PERIOD = "site = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date}"


def _thin(name: str, table: str) -> str:
    grain, key = (Grain.HOUR, "at") if name == "thin_hours" else (Grain.DAY, "day")
    return (
        f"(SELECT groupArray({key}) FROM (SELECT {key} FROM {table} WHERE {_OF_PERIOD} "
        f"AND view = {TOTAL.id} AND grain = {int(grain)} "
        f"GROUP BY {key} HAVING {_MERGE}(visitors) < {{{name}:Int64}}))"
    )


def _folded(parts: tuple[Part, ...], sums: tuple[str, ...], table: str) -> str:
    """Call folded cells by their "(other)", then keep what the filters want."""
    if not any(part.view.dimensions for part in parts):
        plain = "".join(f"{_kept('cell', name, '1')} AS {name}, " for name in sums)
        return (
            f"SELECT origin, day, at, value, other, {plain}visitors, toInt64(0) AS folded "
            f"FROM ({_open(parts, sums, table)}) AS cell"
        )
    kept = "".join(f"{_kept('cell', name, 'NOT struck')} AS {name}, " for name in sums)
    return (
        "SELECT origin, day, at, if(gone, called, cell.value) AS value, "
        f"if(gone, further, cell.other) AS other, {kept}visitors, toInt64(gone) AS folded "
        f"FROM ({_struck(parts, sums, table)}) AS cell "
        f"WHERE (listed OR NOT gone) AND {_each(parts, 'wanted', '0')}"
    )


def _struck(parts: tuple[Part, ...], sums: tuple[str, ...], table: str) -> str:
    """Strike continuous sums of small cells, and of as many more as hide them in their list."""
    if not any(name in CONTINUOUS_SUMS for name in sums):
        return _gone(parts, sums, table)
    # Slim cells come first, so that whoever has one before it shares a list with one.
    before = (
        f"OVER ({_LINE} ORDER BY slim DESC, weight, id "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    hides = (
        f"(listed AND max(slim) {before} AND (count() {before} < 2 "
        f"OR sum(visitors) {before} < {{small_sums:Int64}}))"
    )
    struck = f"slim OR {hides}" if _any_list(parts) else "slim"
    slim = f"gone OR (view != {TOTAL.id} AND visitors < {{small_sums:Int64}})"
    cells_gone = _gone(parts, sums, table)
    return f"SELECT *, {struck} AS struck FROM (SELECT *, {slim} AS slim FROM ({cells_gone}))"


def _gone(parts: tuple[Part, ...], sums: tuple[str, ...], table: str) -> str:
    """Fold what is small, and the next smallest of a list where one cell would go alone."""
    line = (
        f"OVER ({_LINE} ORDER BY small, weight, id "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    )
    hides = (
        f"(listed AND row_number() {line} = 1 AND countIf(small) {line} = 1 AND count() {line} > 1)"
    )
    called, further = _other_of(parts)
    return (
        f"SELECT *, {f'small OR {hides}' if _any_list(parts) else 'small'} AS gone FROM ("
        f"SELECT *, {_each(parts, 'is_list', '0')} AS listed, {_each(parts, 'small', '0')} "
        f"AS small, {_each(parts, 'weight', 'visitors')} AS weight, {called} AS called, "
        f"{further} AS further, cityHash64({{site:UInt32}}, view, toUInt8({int(Grain.DAY)}), "
        f"value, other, at) AS id FROM ({_open(parts, sums, table)}))"
    )


def _other_of(parts: tuple[Part, ...]) -> tuple[str, str]:
    """Name the "(other)" that a cell would go into; shorter where no part has parents."""
    if any(is_hierarchy(part.view) for part in parts):
        return other_value(whole=False), other_other(whole=False)
    return f"'{OTHER}'", "''"


def _open(parts: tuple[Part, ...], sums: tuple[str, ...], table: str) -> str:
    # Visits are read whether asked for or not: exit pages are judged by them.
    read = dict.fromkeys((*(KEPT_APART.get(name, name) for name in sums), "visits"))
    summed = "".join(f"sum({name}) AS {name}, " for name in read)
    either = " OR ".join(f"({part.to_read})" for part in parts)
    # A page that every visit moved on from is no exit page: it hides nothing when folded.
    left = " HAVING visits != 0" if any(part.weight == "visits" for part in parts) else ""
    return (
        f"SELECT view, {_origin(parts)} AS origin, day, at, value, other, {summed}"
        f"toInt64({_MERGE}(cells.visitors)) AS visitors FROM {table} AS cells "
        f"WHERE {_OF_PERIOD} AND ({either}) AND NOT has(sealed, closes_at) GROUP BY {_CELL}{left}"
    )


def _kept(table: str, name: str, keeps: str) -> str:
    if name in KEPT_APART or name in CONTINUOUS_SUMS:
        return f"if({keeps}, {table}.{KEPT_APART.get(name, name)}, 0)"
    return f"{table}.{name}"


def _origin(parts: tuple[Part, ...]) -> str:
    return f"toUInt8(NOT ({parts[0].of_its_view}))"


def _each(parts: tuple[Part, ...], what: str, otherwise: str) -> str:
    cases = ", ".join(f"origin = {n}, {getattr(part, what)}" for n, part in enumerate(parts))
    return f"multiIf({cases}, {otherwise})"


def _any_list(parts: tuple[Part, ...]) -> bool:
    return any(part.is_list for part in parts)
