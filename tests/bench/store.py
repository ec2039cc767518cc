"""Measure the store: hits into all views, sealing, bytes, and questions beside raw rows.

`python -m tests.bench.store` invents days of a million pageviews; `--small`
does a fiftieth, for the daily check, and fails on what is wrong on any machine.
Raw rows are asked on the same engine.
Days after the first are copies of it under other dates; the numbers in cells
vary from day to day as counts do, or a value's days would compress to nothing.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from collector.cells.client import Store
from collector.cells.schema import HIT_COLUMNS
from collector.cells.sealing import Sealer, SealResult
from collector.cells.views import TOTAL
from collector.clock import SystemClock
from collector.hit import SUMS
from collector.privacy.day_secrets import DaySecrets
from collector.registry.sites import Site, Sites
from collector.service.scheduler import MEMORY_SECONDS
from collector.spool.spool import Spool
from tests.bench import raw_events
from tests.bench.picture import draw
from tests.bench.questions import YEAR, Took, ask_all, cpu_s
from tests.bench.traffic import invent

DAY = 20_775
BATCH = 5_000
BESIDE_RAW = "sealed, beside raw rows"
RAW_IS_AT_LEAST = 4
"""How many times as many bytes as sealed cells; missed only if something broke."""

CPU_AT_MOST_S = 200e-6
"""Of a hit into all views; 40 to 60 are usual."""


class Bench:
    """One run over one store in a folder of its own."""

    def __init__(self, folder: Path, pageviews: int, days: int, sites: int) -> None:
        self.folder = folder
        self.pageviews = pageviews
        self.days = days
        self.sites = Sites(Site(id=n, domain=f"site{n}.example") for n in range(1, sites + 1))
        self.store = Store(folder / "clickhouse")
        self.store.prepare()
        self._clock = SystemClock()

    def run(self, picture: Path | None = None) -> None:
        """Measure everything, print it as lines of a Markdown table, and draw the questions."""
        print(
            f"\n### {self.pageviews:,} pageviews a day, {self.days} days, {len(self.sites)} sites\n"
        )
        print("| what | figure |\n|---|---|")
        self._insert(DAY)
        result = self._seal(DAY)
        tell(
            "cells of the day, before and after", f"{result.open_cells:,} / {result.sealed_cells:,}"
        )
        self._require_totals()
        self._copy_days(1, self.days)
        # A series over a year reads the total's cells and no others.
        self._copy_days(self.days, YEAR, f"view = {TOTAL.id} AND grain = 0")
        self._questions("sealed only", DAY, DAY + 1)
        self._insert(DAY + 1)
        opened = self._questions("with an open day", DAY + 1, DAY + 1)
        self._zones()
        tell("peak memory in all", f"{peak_mb():,.0f} MiB")
        # Last, so that what they take of the same process counts for nothing of ours.
        self._raw_days()
        self._bytes()
        sealed = self._questions(BESIDE_RAW, DAY, DAY + 1)
        if picture:
            picture.write_text(draw(sealed, opened, "Milliseconds a question takes"))
        self.store.close()

    def _insert(self, day: int) -> None:
        blocks = self._generated(day)
        before, began = cpu_s(), time.perf_counter()
        released = began
        for number, block in enumerate(blocks):
            self.store.insert_block("hits", list(HIT_COLUMNS), block, token=f"{day}-{number}")
            if time.perf_counter() - released > MEMORY_SECONDS:
                self.store.release_memory()
                released = time.perf_counter()
        took, used = time.perf_counter() - began, cpu_s() - before
        require(used / self.pageviews < CPU_AT_MOST_S, "a hit costs too much processor time")
        tell("hits/s into all views", f"{self.pageviews / took:,.0f}")
        tell("CPU of a hit, merges included", f"{used / self.pageviews * 1e6:.1f} µs")
        tell("resident memory after inserting", f"{resident_mb():,.0f} MiB")

    def _generated(self, day: int) -> Iterator[bytes]:
        folder = self.folder / f"day-{day}"
        folder.mkdir()
        arguments = [str(folder), str(self.pageviews), str(day), str(len(self.sites))]
        # A process of its own, so that the memory measured here is the store's.
        subprocess.run(
            [sys.executable, "-m", "tests.bench.store", "generate", *arguments], check=True
        )
        return (path.read_bytes() for path in sorted(folder.glob("*.block")))

    def _seal(self, day: int) -> SealResult:
        spool = Spool(self.folder / "spool.sqlite3", self.folder / "keys", self._clock, 2**20)
        spool.start()
        secrets = DaySecrets(None, self._clock, "memory")
        sealer = Sealer(
            self.store, spool, secrets, lambda: self.sites, self._clock, queries_end_s=0
        )
        before = cpu_s()
        result = sealer.seal((day + 1) * 86_400)
        tell("sealing a day", f"{result.seconds:.2f} s, {cpu_s() - before:.1f} s of CPU")
        self.store.release_memory()
        tell("resident memory after sealing", f"{resident_mb():,.0f} MiB")
        tell("peak memory so far", f"{peak_mb():,.0f} MiB")
        spool.close()
        return result

    def _require_totals(self) -> None:
        """Refuse to measure a store that loses hits."""
        rows = self.store.query(
            f"SELECT sum(pageviews) FROM sealed_cells WHERE view = {TOTAL.id} AND grain = 0"
        )
        require([(self.pageviews,)] == rows, f"sealed pageviews are {rows}")

    def _copy_days(self, first: int, before: int, cells: str = "1") -> None:
        """Make the days that lie so many days back, of some cells."""
        sums = ", ".join(_varied(name) for name in (*SUMS, "visitors"))
        others = f"arrayJoin(range({first}, {before})) AS back"
        self.store.command(
            "INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, "
            f"{', '.join(SUMS)}, visitors, folded, struck) SELECT site, closes_at - back * 86400, "
            "day - back, grain, view, if(grain = 1, at - back * 86400, at), value, other, "
            f"{sums}, folded, struck FROM (SELECT *, {others} FROM sealed_cells "
            f"WHERE closes_at = {(DAY + 1) * 86_400} AND {cells})",
            {"async_insert": 0},
        )
        self.store.command(
            f"INSERT INTO seals SELECT {(DAY + 1) * 86_400} - back * 86400, 'copied', 0 "
            f"FROM (SELECT {others})",
            {"async_insert": 0},
        )
        self.store.command("OPTIMIZE TABLE sealed_cells FINAL")

    def _raw_days(self) -> None:
        raw_events.create(self.store)
        raw_events.insert(self.store, invent(self.pageviews, DAY, len(self.sites)), DAY)
        for back in range(1, self.days):
            self.store.command(
                f"INSERT INTO raw_events SELECT * REPLACE(at - {back * 86_400} AS at, "
                f"sipHash64(visitor, {back}) AS visitor) FROM raw_events "
                f"WHERE toDate(raw_events.at) = toDate({DAY})",
                {"async_insert": 0},
            )
        self.store.command("OPTIMIZE TABLE raw_events FINAL")

    def _bytes(self) -> None:
        rows: dict[str, int] = dict(
            self.store.query(
                "SELECT if(table = 'raw_events', 'raw', splitByChar('-', partition_id)[1]), "
                "sum(bytes_on_disk) FROM system.parts WHERE active AND database = "
                "currentDatabase() AND table IN ('raw_events', 'sealed_cells') GROUP BY 1"
            )
        )
        million = self.pageviews * self.days / 1e6
        raw, day, hour = (rows.get(name, 0) / million / 1e6 for name in ("raw", "0", "1"))
        tell("raw rows, MB per million pageviews", f"{raw:.1f}")
        tell("sealed by day, MB per million pageviews", f"{day:.2f} (1/{raw / day:.0f} of raw)")
        require(day * RAW_IS_AT_LEAST < raw, "sealed cells are too large beside raw rows")
        tell("sealed by hour, MB per million pageviews", f"{hour:.2f}")

    def _questions(self, shape: str, last_day: int, today: int) -> list[Took]:
        found = []
        raw = shape == BESIDE_RAW
        for took in ask_all(self.store, last_day, today, self.days, raw=raw):
            rows = f"; raw {took.raw:,.0f} ms, {took.raw / took.wall:.0f}×" if took.raw else ""
            cpu = f"CPU {took.cpu:.1f} ms, {took.again:.1f} ms again"
            tell(f"{took.name}, {shape}", f"{took.wall:.1f} ms, {cpu}{rows}")
            found.append(took)
        return found

    def _zones(self) -> None:
        """Insert what 100 hits/s in 24 zones are in 30 seconds: 24 batches of 125 hits."""
        traffic = invent(24 * 125, DAY + 5)
        before = cpu_s()
        for zone in range(24):
            block = traffic.block(zone * 125, (zone + 1) * 125, f"zone-{zone}")
            self.store.insert_block("hits", list(HIT_COLUMNS), block, token=f"zone-{zone}")
        used = cpu_s() - before
        tell("24 zones, 24 batches of 125 hits", f"{used * 1000:.0f} ms of CPU")
        tell("flush interval that keeps 24 zones within 30 % of a core", f"{used / 0.3:.1f} s")


def generate(folder: Path, pageviews: int, day: int, sites: int) -> None:
    """Write a day's batches as blocks, one file each."""
    traffic = invent(pageviews, day, sites)
    for number, start in enumerate(range(0, len(traffic), BATCH)):
        stop = min(start + BATCH, len(traffic))
        (folder / f"{number:06}.block").write_bytes(traffic.block(start, stop, f"{day}-{number}"))


def _varied(name: str) -> str:
    """Write a sum as it might have been on another day: off by up to 1.7 times its root."""
    by = f"(cityHash64(view, value, other, at, back, '{name}') % 2001 / 1000 - 1)"
    varied = f"toInt64({name} + {by} * 1.7 * sqrt(greatest({name}, 0)))"
    return f"if({name} > 0, greatest({varied}, 1), {name})"


def resident_mb() -> float:
    """Tell how much memory this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def peak_mb() -> float:
    """Tell how much memory this process held at most, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition
    """End the bench if something is not as it must be on any machine."""
    if not holds:
        sys.exit(f"bench of the store: {otherwise}")


def tell(what: str, figure: str) -> None:
    """Print one line of the table."""
    print(f"| {what} | {figure} |", flush=True)


def main(arguments: list[str]) -> None:
    """Run the bench, or generate a day for it."""
    if arguments[:1] == ["generate"]:
        generate(Path(arguments[1]), *map(int, arguments[2:]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pageviews", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--sites", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="20 000 pageviews, 5 days")
    parser.add_argument("--picture", type=Path, help="an SVG file to draw the questions into")
    asked = parser.parse_args(arguments)
    pageviews, days = (20_000, 5) if asked.small else (asked.pageviews, asked.days)
    with tempfile.TemporaryDirectory() as folder:
        Bench(Path(folder), pageviews, days, asked.sites).run(asked.picture)


if __name__ == "__main__":
    main(sys.argv[1:])
