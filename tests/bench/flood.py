"""Flood a site with random values, and show what stays bounded (S-18).

`python -m tests.bench.flood` sends a million hits with as many paths, referrers
and properties, every tenth of a real page, through the caps into a real store.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from collector.cells.cardinality import CAPS, Caps
from collector.cells.client import Store
from collector.cells.receipts import hits_block
from collector.cells.views import VIEW_BY_DIMENSIONS
from collector.hit import OTHER, Hit
from tests.builders import a_hit

HITS = 1_000_000
BATCH = 5_000
REAL = 50
FLOODED = ("path", "referrer", "property")


def flood(count: int) -> Iterator[Hit]:
    """Invent hits, each with a path, a referrer and a property never seen; a tenth of real pages.

    The real pages are read from the start on, as on a day that was quiet before.
    """
    choose, base = random.Random(3), a_hit()
    for number in range(count):
        real = number % 10 == 0
        path = f"/real/{number // 10 % REAL}" if real else f"/{choose.random()}"
        visit = msgspec.structs.replace(base.visit, referrer=f"r{number}.example", entry_path=path)
        yield msgspec.structs.replace(
            base,
            path=path,
            exit_path=path,
            event="opened",
            properties=(f"p={number}",),
            pseudonym=number.to_bytes(16, "little"),
            visit=visit,
        )


def measure(store: Store, count: int) -> dict[str, int]:
    """Send so many hits.

    Returns:
        Cells of each flooded dimension, pageviews of the real pages, hits that were turned,
        parts and rows of the store, microseconds of CPU a hit, and the caps' share of them.
    """
    caps, turned, capping = Caps(), 0, 0.0
    stream, began = flood(count), time.process_time()
    while batch := list(islice(stream, BATCH)):
        before = time.process_time()
        kept = list(caps.apply(batch))
        capping += time.process_time() - before
        turned += sum(OTHER in (hit.path, hit.visit.referrer) for hit in kept)
        token = f"{kept[0].pseudonym.hex()}"
        columns, block = hits_block(kept, token, kept[0].closes_at)
        store.insert_block("hits", columns, block, token=token)
    spent = time.process_time() - began
    cells = {name: _cells(store, name) for name in FLOODED}
    real = store.query(
        "SELECT sum(pageviews) FROM open_cells WHERE view = 10 AND grain = 0 "
        "AND startsWith(value, '/real/')"
    )
    (parts, rows), *_ = store.query(
        "SELECT count(), sum(rows) FROM system.parts WHERE active AND table = 'open_cells' "
        "AND database = currentDatabase()"
    )
    return cells | {
        "real": int(real[0][0]),
        "turned": turned,
        "parts": int(parts),
        "rows": int(rows),
        "micros": round(spent / count * 1e6),
        "capping": round(capping / count * 1e6),
    }


def _cells(store: Store, dimension: str) -> int:
    names = ("event", dimension) if dimension == "property" else (dimension,)
    view = VIEW_BY_DIMENSIONS[frozenset(names)].id
    column = "other" if dimension == "property" else "value"
    found = store.query(
        f"SELECT uniqExact({column}) FROM open_cells WHERE view = {view} AND grain = 0"
    )
    return int(found[0][0])


def main() -> None:
    """Print what a flood leaves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=HITS)
    count = parser.parse_args().hits
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "clickhouse")
        store.prepare()
        found = measure(store, count)
        store.close()
    for name in FLOODED:
        print(f"{name}: {found[name]} values of {count}; the cap is {CAPS[name]}, twice at most")
    print(f"real pages: {found['real']} pageviews counted of {count // 10}")
    print(f"hits of which a path or referrer became {OTHER}: {found['turned']}")
    print(f"open cells: {found['rows']} rows in {found['parts']} parts")
    print(f"CPU a hit: {found['micros']} µs, of them {found['capping']} µs to cap")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"resident memory at most: {peak} MiB")


if __name__ == "__main__":
    main()
