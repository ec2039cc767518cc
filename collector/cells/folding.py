"""Write the statements that fold one closing instant's cells: sketches in, integers out.

Pure: returns SQL generated from `thresholds` and `views`, runs none. The work
is done inside the store, in tables that live in memory only, so that it costs
one pass over the cells and a few over their keys. Called by `sealing`.

A view with one dimension is a *list*; its small values become one "(other)".
A hierarchy is a list for each parent. A pair, or a dimension by hour, is a
*table* with rows and columns, whose folded cells are not stored at all: they
are marginal minus listed. In each group, row and column none or at least two
cells are folded, so that no folded cell can be had by one subtraction.

Source: docs/design/0007-folding.md.
"""

from __future__ import annotations

from collector.cells import folding_sql as sql
from collector.cells.folding_sql import HIERARCHY, LIST, OF_CHUNK, TABLE, TOTALS
from collector.cells.thresholds import CONTINUOUS_SUMS
from collector.cells.views import Grain
from collector.hit import OTHER, SUMS

RULES = "1"
"""The version of these rules; written beside every seal."""

_FOLDED = "id IN (SELECT id FROM closing_folds)"
_STRUCK = "id IN (SELECT id FROM closing_struck)"
_FEW = "id IN (SELECT id FROM closing_few)"
_TABLES = ("closing_cells", "closing_known", "closing_folds", "closing_few", "closing_struck")
_COUNTS = tuple(name for name in SUMS if name not in CONTINUOUS_SUMS)


def clear() -> tuple[str, ...]:
    """Return the statements that empty the tables of a closing."""
    return tuple(f"TRUNCATE TABLE {table}" for table in _TABLES)


def declare_known() -> str:
    """Return the statement that declares values of a view known; site 0 stands for all."""
    return (
        "INSERT INTO closing_known "
        "SELECT {site:UInt32}, {view:UInt16}, arrayJoin({values:Array(String)})"
    )


def declare_matching() -> str:
    """Return the statement that declares a site's paths known that fit a pattern."""
    paths = ", ".join(str(sql.id_of(name)) for name in sql.OWN_PATH_VIEWS)
    return (
        "INSERT INTO closing_known SELECT DISTINCT site, view, value FROM open_cells "
        "WHERE closes_at = toDateTime({closes_at:UInt32}, 'UTC') AND site = {site:UInt32} "
        f"AND view IN ({paths}) AND grain = {int(Grain.DAY)} AND match(value, {{pattern:String}})"
    )


def gather() -> str:
    """Return the statement that merges a chunk's open cells and marks the small ones.

    Parameters: `closes_at`, `sites` (of this chunk), `standard` (those of them
    with the standard profile). Minutes, receipts and the cells of a view that ended stay behind
    and die: of them no threshold is known.
    """
    # GROUP BY copies a sketch twice, FINAL once; but a cell's key does not name its day, and so
    # each partition is merged by itself.
    return (
        f"INSERT INTO closing_cells SELECT site, view, grain, at, value, other, day, "
        f"{', '.join(SUMS)}, visitors, {sql.weight()} AS weight, {sql.shape()} AS shape, "
        f"{sql.key('view', 'grain')} AS id, {sql.row()} AS row, {sql.col()} AS col, "
        f"{sql.above()} AS above, {sql.beside()} AS beside, "
        f"shape != {TOTALS} AND ({sql.is_thin()} OR weight < {sql.needed()}) AS small, "
        f"shape != {TOTALS} AND visitors < {sql.by_profile('small_sums')} AS slight "
        f"FROM (SELECT site, view, grain, at, value, other, day, {', '.join(SUMS)}, "
        "toInt64(finalizeAggregation(open_cells.visitors)) AS visitors FROM open_cells FINAL "
        f"WHERE {OF_CHUNK} AND view IN ({sql.declared_views()}) "
        f"AND grain != {int(Grain.MINUTE)}) "
        f"WHERE visitors != 0 OR {' OR '.join(f'{name} != 0' for name in SUMS)} "
        "SETTINGS max_block_size = 8192, do_not_merge_across_partitions_select_final = 1"
    )


def fold_lists() -> tuple[str, ...]:
    """Return the statements that fold lists, then hierarchies, whose parents may have folded."""
    return tuple(
        statement
        for shape in (LIST, HIERARCHY)
        for statement in (
            _fold(f"shape = {shape} AND (small OR {sql.is_orphan()})"),
            _complement_list("closing_folds", _FOLDED, f"shape = {shape}"),
        )
    )


def fold_tables() -> str:
    """Return the statement that folds a table's small cells, and those of a folded marginal."""
    orphan = "above IN (SELECT id FROM closing_folds) OR beside IN (SELECT id FROM closing_folds)"
    return _fold(f"shape = {TABLE} AND (small OR {orphan})")


def complement_tables() -> str:
    """Return the statement that folds one cell more in each row and column with only one.

    To be repeated until `count_folds` stands still: a cell taken for its row
    may be the first of its column. Cells whose other line has folded cells
    already are preferred, which ends the chain.
    """
    return _complement_tables("closing_folds")


def count_folds() -> str:
    """Return the question how many cells are folded."""
    return "SELECT count() FROM closing_folds"


def strike_small() -> str:
    """Return the statement that strikes the fine sums of cells of few visitors or that folded."""
    return (
        "INSERT INTO closing_struck SELECT id, row, col FROM closing_cells "
        f"WHERE slight OR {_FOLDED}"
    )


def strike_lists() -> str:
    """Return the statement that strikes fine sums of large cells that would give away small ones.

    Where any cell of a group is struck, at least two are, and at least as many
    visitors stand behind them as one cell would need.
    """
    order = "PARTITION BY line ORDER BY struck DESC, weight, id"
    return (
        "INSERT INTO closing_struck SELECT id, row, col FROM ("
        f"SELECT id, row, col, struck, site, sum(visitors) OVER ({order} "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before, "
        f"row_number() OVER ({order}) AS place, max(struck) OVER (PARTITION BY line) AS any_struck "
        f"FROM (SELECT id, row AS line, row, col, site, visitors, weight, {_STRUCK} AS struck "
        f"FROM closing_cells WHERE shape IN ({LIST}, {HIERARCHY}))) "
        "WHERE NOT struck AND any_struck "
        f"AND (place <= 2 OR before < {sql.by_profile('small_sums')})"
    )


def strike_tables() -> str:
    """Return the statement that does for fine sums what `complement_tables` does for cells."""
    return _complement_tables("closing_struck")


def count_struck() -> str:
    """Return the question how many cells lose their fine sums."""
    return "SELECT count() FROM closing_struck"


def pick_few() -> tuple[str, ...]:
    """Return the statements that pick the cells of a visitor or two whose counts are averaged.

    One is never averaged with itself: the next smallest of its group goes along.
    """
    lists = f"shape IN ({LIST}, {HIERARCHY}) AND view IN ({sql.averaging_views()})"
    few = f"{lists} AND visitors < {sql.by_profile('averaged')} AND NOT {_FOLDED}"
    return (
        f"INSERT INTO closing_few SELECT id, row, col FROM closing_cells WHERE {few}",
        _complement_list("closing_few", _FEW, f"{lists} AND NOT {_FOLDED}"),
    )


def count_outcome() -> str:
    """Return the question how many sites, cells, rows to be written and folded cells there are."""
    others = f"uniqExactIf({sql.other_name()}, {_FOLDED} AND shape IN ({LIST}, {HIERARCHY}))"
    tables = f"uniqExactIf((site, view), {_FOLDED} AND shape = {TABLE} AND grain = 0)"
    return (
        "SELECT toInt64(uniqExact(site)), toInt64(count()), "
        f"toInt64(countIf(NOT {_FOLDED}) + {others} + {tables}), "
        f"toInt64(countIf({_FOLDED})) FROM closing_cells"
    )


def settle() -> tuple[str, ...]:
    """Return the statements that write the listed cells and every "(other)" as sealed rows."""
    return _write_listed(), _write_averages(), _write_others(), _write_folded_counts()


def learn_own_paths() -> str:
    """Return the statement that remembers paths seen by enough visitors as the site's own.

    They count as known from the next closing instant on, for a path that many
    have seen is not one visitor's secret.
    """
    return (
        "INSERT INTO own_paths SELECT site, value, toDateTime({closes_at:UInt32}, 'UTC') "
        f"FROM closing_cells WHERE view = {sql.id_of('path')} AND grain = {int(Grain.DAY)} "
        f"AND visitors >= {sql.by_profile('open')}"
    )


def _write_listed() -> str:
    sums = ", ".join(
        f"if({_STRUCK} AND shape != {TOTALS}, 0, {name})" if name in CONTINUOUS_SUMS else name
        for name in SUMS
    )
    return (
        f"{_into_sealed()} SELECT site, toDateTime({{closes_at:UInt32}}, 'UTC'), day, grain, view, "
        f"at, value, other, {sums}, visitors, 0, shape != {TOTALS} AND {_STRUCK} "
        "FROM closing_cells "
        f"WHERE NOT {_FOLDED} AND NOT {_FEW}"
    )


def _write_averages() -> str:
    """Spread each count over a group's small cells by their visitors; rounded, sums as before."""
    spread = ", ".join(
        f"intDiv({name}_of_all * upto * 2 + people, people * 2) "
        f"- intDiv({name}_of_all * (upto - visitors) * 2 + people, people * 2)"
        if name in _COUNTS
        else "0"
        for name in SUMS
    )
    line = "PARTITION BY line"
    pooled = ", ".join(f"sum({name}) OVER ({line}) AS {name}_of_all" for name in _COUNTS)
    return (
        f"{_into_sealed()} SELECT site, toDateTime({{closes_at:UInt32}}, 'UTC'), day, grain, view, "
        f"at, value, other, {spread}, visitors, 0, 1 FROM (SELECT *, {pooled}, "
        f"sum(visitors) OVER ({line}) AS people, sum(visitors) OVER ({line} ORDER BY id) AS upto "
        f"FROM (SELECT *, {sql.other_name()} AS line FROM closing_cells WHERE {_FEW}))"
    )


def _write_others() -> str:
    sums = ", ".join("0" if name in CONTINUOUS_SUMS else f"sum({name})" for name in SUMS)
    names = f"{sql.other_value()} AS called, {sql.other_other()} AS further"
    return (
        f"{_into_sealed()} SELECT site, toDateTime({{closes_at:UInt32}}, 'UTC'), any(day), grain, "
        f"view, 0, {names}, {sums}, "
        f"sum(visitors), count(), 1 FROM closing_cells WHERE shape IN ({LIST}, {HIERARCHY}) "
        f"AND {_FOLDED} GROUP BY site, grain, view, called, further"
    )


def _write_folded_counts() -> str:
    zeros = ", ".join("0" for _ in SUMS)
    return (
        f"{_into_sealed()} SELECT site, toDateTime({{closes_at:UInt32}}, 'UTC'), any(day), grain, "
        f"view, 0, '{OTHER}', '{OTHER}', {zeros}, 0, count(), 1 FROM closing_cells "
        f"WHERE shape = {TABLE} AND grain = {int(Grain.DAY)} AND {_FOLDED} "
        "GROUP BY site, grain, view"
    )


def _into_sealed() -> str:
    return (
        "INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, "
        f"{', '.join(SUMS)}, visitors, folded, struck)"
    )


def _fold(condition: str) -> str:
    return f"INSERT INTO closing_folds SELECT id, row, col FROM closing_cells WHERE {condition}"


def _complement_list(target: str, state: str, cells: str) -> str:
    return (
        f"INSERT INTO {target} SELECT tupleElement(next, 2), 0, 0 FROM ("
        "SELECT argMinIf((weight, id), (weight, id), NOT done) AS next FROM ("
        f"SELECT id, weight, {state} AS done, {sql.other_name()} AS line "
        f"FROM closing_cells WHERE {cells}) "
        "GROUP BY line HAVING countIf(done) = 1 AND count() > 1)"
    )


def _complement_tables(marked: str) -> str:
    """Mark one cell more in each row and column with only one; other lines are not grouped.

    Args:
        marked: the table of marked cells, which holds each of them once.
    """
    halves = (
        "SELECT argMinIf((id, row, col), (calm, weight, id), NOT done) AS next FROM ("
        f"SELECT id, row, col, weight, id IN (SELECT id FROM {marked}) AS done, "
        f"{across} NOT IN (SELECT {across} FROM {marked}) AS calm "
        f"FROM closing_cells WHERE shape = {TABLE} AND {along} IN "
        f"(SELECT {along} FROM {marked} GROUP BY {along} HAVING count() = 1)) "
        f"GROUP BY {along} HAVING countIf(done) = 1 AND count() > 1"
        for along, across in (("row", "col"), ("col", "row"))
    )
    return (
        f"INSERT INTO {marked} SELECT DISTINCT next.1, next.2, next.3 "
        f"FROM ({' UNION ALL '.join(halves)})"
    )
