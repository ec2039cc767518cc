"""A ClickHouse that keeps hits instead of cells, and fails at a moment of the story's choice.

It applies a batch wholly or not at all, answers for receipts and for statements
that still run, and knows of sealing what matters to a count: four statements
write a part of the day each, a row in `seals` commits, a partition is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.errors import Rejected, Unreachable
from collector.hit import VISIT_VALUES, Hit, VisitValues
from tests.blocks import rows_of

POISON = "poison"
PARTS_OF_A_DAY = 4
PLAIN = tuple(name for name in Hit.__struct_fields__ if name not in {"pseudonym", "visit"})


class FakeClickHouse:
    """The server.

    Attributes:
        applied: the hits of each batch in an open partition, one entry for each time.
        sealed: the hits whose counts stand in sealed rows, by `closes_at`.
        seals: the days whose sealing was committed.
        fault: what happens to the next INSERT of a batch: `refuse`, `lose reply`, `late`,
            `log only` (killed between its log of tokens and the part) or empty.
        stumbles: the same of the next statement of a sealing: `refuse`, `lose reply` or empty.
        late: INSERTs that nobody waits for and that still run, by query id.
        logged: the tokens that its log has and no part.
        rejected: the hits that it rejected alone, by path.
    """

    embedded = False

    def __init__(self) -> None:
        """Be empty."""
        self.applied: list[tuple[str, list[Hit]]] = []
        self.sealed: dict[int, list[Hit]] = {}
        self.seals: set[int] = set()
        self.counts: dict[tuple[int, str, int], int] = {}
        self.late: dict[str, tuple[str, list[Hit]]] = {}
        self.logged: set[str] = set()
        self.rejected: dict[str, Hit] = {}
        self.fault = self.stumbles = ""
        self.down = False
        self._gathered: list[Hit] = []
        self._written = 0

    def insert_block(
        self, table: str, columns: Sequence[str], block: bytes, *, token: str, query_id: str = ""
    ) -> None:
        """Insert, or do what the fault says."""
        self._answer()
        rows = rows_of(block)
        if table == "suppressed":
            for row in rows:
                key = (row["day"], row["reason"], row["site"])
                self.counts[key] = max(row["count"], self.counts.get(key, 0))
            return
        if any(POISON in str(value) for row in rows for value in row.values()):
            hits = [_hit(row) for row in rows if not row["receipt"]]
            if len(hits) == 1:
                self.rejected[hits[0].path] = hits[0]
            raise Rejected("poison")
        if token not in self.logged:
            self._take(rows, token, query_id)

    def _take(self, rows: list[dict[str, Any]], token: str, query_id: str) -> None:
        fault, self.fault = self.fault, ""
        receipt = next(row["receipt"] for row in rows if row["receipt"])
        batch = (receipt, [_hit(row) for row in rows if not row["receipt"]])
        if fault == "log only":
            self.logged.add(token)
        elif fault == "late":
            self.late[query_id] = batch
        elif fault != "refuse":
            self.applied.append(batch)
        if fault:
            raise Unreachable(fault)

    def query(self, sql: str, parameters: Any = None, settings: Any = None) -> list[Any]:
        """Answer for receipts, for statements that still run, and for days."""
        self._answer()
        values = parameters or {}
        if "token" in values:
            return self._about(values["token"], sql)
        return self._about_day(values.get("closes_at", 0), sql)

    def command(self, sql: str, settings: Any = None, parameters: Any = None) -> None:
        """Do what sealing asks for, or stumble."""
        self._answer()
        stumbles, self.stumbles = self.stumbles, ""
        if stumbles == "refuse":
            raise Unreachable("refused")
        self._obey(sql, (parameters or {}).get("closes_at", 0))
        if stumbles == "lose reply":
            raise Unreachable("connection reset")

    def let_one_arrive(self) -> None:
        """Apply an INSERT that no client waits for any more."""
        if self.late:
            self.applied.append(self.late.pop(next(iter(self.late))))

    def restart(self) -> None:
        """Lose what ran."""
        self.late.clear()

    def _obey(self, sql: str, closes_at: int) -> None:
        if sql.startswith("INSERT INTO closing_cells"):
            self._gathered = [hit for hit in self._open() if hit.closes_at == closes_at]
            self._written = 0
        elif sql.startswith("INSERT INTO sealed_cells"):
            part = self._gathered[self._written :: PARTS_OF_A_DAY]
            self._written += 1
            self.sealed.setdefault(closes_at, []).extend(part)
        elif sql.startswith("DELETE FROM sealed_cells"):
            del self.sealed[closes_at]
        elif sql.startswith("INSERT INTO seals"):
            self.seals.add(closes_at)
        elif sql.startswith("ALTER TABLE open_cells DROP PARTITION ID"):
            dropped = sql.split("'")[1]
            self.applied = [batch for batch in self.applied if _day_of(batch[0]) != dropped]

    def _about(self, token: str, sql: str) -> list[Any]:
        if sql.startswith("SELECT DISTINCT value"):
            return [(each,) for each, _ in self.applied if each.startswith(token)]
        if "open_cells" in sql:
            return [(sum(token == applied for applied, _ in self.applied),)]
        for query_id in [each for each in self.late if each.startswith(token)]:
            if sql.startswith("KILL"):
                del self.late[query_id]
        return [(sum(each.startswith(token) for each in self.late),)]

    def _about_day(self, closes_at: int, sql: str) -> list[Any]:
        sealed = self.sealed.get(closes_at, [])
        open_hits = [hit for hit in self._open() if hit.closes_at == closes_at]
        of_day = sealed if "sealed_cells" in sql else open_hits
        answers: dict[str, list[Any]] = {
            "DISTINCT partition_id": [
                (day,) for day in sorted({_day_of(token) for token, _ in self.applied})
            ],
            "max(closes_at)": [(max(self.seals, default=0),)],
            "FROM seals": [(1,)] * (closes_at in self.seals),
            "SELECT 1 FROM sealed_cells": [(1,)] * bool(sealed),
            "SELECT site, count()": [(1, len(open_hits))] * bool(open_hits),
            "SELECT site, grain": [(len(of_day),)],
            # Of what is folded: nothing.
            "count": [(0, 0, 0, 0)],
        }
        return next((rows for word, rows in answers.items() if word in sql), [])

    def _open(self) -> list[Hit]:
        return [hit for _, hits in self.applied for hit in hits]

    def _answer(self) -> None:
        if self.down:
            raise Unreachable("connection refused")


def _day_of(token: str) -> str:
    return token.split(".")[1]


def _hit(row: dict[str, Any]) -> Hit:
    lists = {name: tuple(row[name]) for name in ("properties", "goals")}
    return Hit(
        **{**{name: row[name] for name in PLAIN}, **lists},
        pseudonym=row["k0"].to_bytes(8, "little") + row["k1"].to_bytes(8, "little"),
        visit=VisitValues(**{name: row[name] for name in VISIT_VALUES}),
    )
