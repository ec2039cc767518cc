"""Compare every cell with an independent count from the list of hits."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from collector.cells.client import Store
from collector.cells.schema import SKETCH
from collector.cells.views import VIEWS, Grain
from collector.hit import SUMS, Hit
from tests.integration.seeding import hit, insert

HITS = 10_000
OF_HITS = {"path", "hostname", "event", "search_query", "property", "goal", "currency"}
VISIT_SUMS = {"visits", "bounces", "visit_seconds"}
EARLIER = 1_795_000_020 // 60 * 60
Key = tuple[int, int, int, int, str, str]
Counted = tuple[Key, dict[str, int], bool]


def invented(count: int) -> list[Hit]:
    """Generate hits of every kind and dimension, with some values unset."""
    choose = random.Random(20261123)
    return [_one(choose, number) for number in range(count)]


def test_every_cell_equals_an_independent_count(store: Store) -> None:
    """For ten thousand hits every sum and visitor count of every cell is exact."""
    hits = invented(HITS)
    expected = counted(hits)

    insert(store, hits)

    stored = cells_of(store)
    assert expected.keys() == stored.keys()
    assert [key for key in expected if expected[key] != stored[key]] == []


def test_many_batches_give_the_same_cells_as_one(store: Store) -> None:
    """The division of hits into batches changes no cell."""
    hits = invented(1_000)
    expected = counted(hits)

    for start in range(0, len(hits), 97):
        insert(store, hits[start : start + 97])

    assert expected == cells_of(store)


def cells_of(store: Store) -> dict[Key, list[int]]:
    """Read every open cell: its sums, then its visitors."""
    sums = ", ".join(f"sum({name})" for name in SUMS)
    merged = SKETCH.replace("(", "Merge(")
    return {
        tuple(row[:6]): [int(number) for number in row[6:]]
        for row in store.query(
            f"SELECT site, view, grain, at, value, other, {sums}, {merged}(visitors) "
            "FROM open_cells WHERE view != 0 GROUP BY site, view, grain, at, value, other"
        )
    }


def counted(hits: list[Hit]) -> dict[Key, list[int]]:
    """Count cells the slow way, following design.md and not the store's statements."""
    sums: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    visitors: dict[Key, set[bytes]] = defaultdict(set)
    for one in hits:
        for key, added, counts in _cells(one):
            for name, number in added.items():
                sums[key][name] += number
            if counts:
                visitors[key].add(one.pseudonym)
    return {key: [*(sums[key][name] for name in SUMS), len(visitors[key])] for key in sums}


def _cells(one: Hit) -> list[Counted]:
    found = []
    for view in VIEWS:
        if view.dimensions == ("exit_path",):
            moves = ((one.exit_path, 1), (one.left_path, -1))
            found += [
                ((one.site, view.id, 0, 0, path, ""), {"visits": move}, False)
                for path, move in moves
                if path
            ]
            continue
        skipped = VISIT_SUMS if OF_HITS & set(view.dimensions) else set()
        added = {name: getattr(one, name) for name in SUMS if name not in skipped}
        for grain in view.grains:
            at = {Grain.DAY: 0, Grain.HOUR: one.hour, Grain.MINUTE: one.minute}[grain]
            found += [
                ((one.site, view.id, int(grain), at, value, other), added, one.counts_visitor)
                for value, other in _values(one, view.dimensions)
            ]
    return [moved for cell in found for moved in _bounce_moved(one, cell)]


def _bounce_moved(one: Hit, cell: Counted) -> list[Counted]:
    """Take a bounce back in the hour and minute that counted it."""
    key, added, counts = cell
    earlier = {int(Grain.HOUR): one.bounce_hour, int(Grain.MINUTE): one.bounce_minute}
    if not one.bounce_minute or key[2] not in earlier or "bounces" not in added:
        return [(key, added, counts)]
    there = (*key[:3], earlier[key[2]], *key[4:])
    here = {name: number for name, number in added.items() if name != "bounces"}
    return [(key, here, counts), (there, {"bounces": one.bounces}, False)]


def _values(one: Hit, dimensions: tuple[str, ...]) -> list[tuple[str, str]]:
    if not dimensions:
        return [("", "")]
    columns = [_of(one, name) for name in dimensions] + [[""]] * (2 - len(dimensions))
    pairs = [(value, other) for value in columns[0] for other in columns[1]]
    return [pair for pair in pairs if all(pair[: len(dimensions)])]


def _of(one: Hit, dimension: str) -> list[str]:
    if dimension == "property":
        return list(one.properties)
    if dimension == "goal":
        return list(one.goals)
    source: Any = one if hasattr(one, dimension) else one.visit
    return [getattr(source, dimension)]


def _one(choose: random.Random, number: int) -> Hit:
    kind = choose.choices(("pageview", "event", "engagement"), (6, 2, 2))[0]
    first = kind != "engagement" and choose.random() < 0.3
    country = choose.choice(("DE", "FR", "IS", "(none)"))
    path = choose.choice(("/", "/a", "/b", f"/p/{choose.randint(0, 60)}"))
    columns: dict[str, Any] = {
        "site": choose.choice((1, 1, 1, 2)),
        "path": path,
        "hostname": choose.choice(("example.org", "www.example.org")),
        "entry_path": choose.choice(("/", "/a", "/land'ing\\")),
        "source": choose.choice(("Google", "Bing", "(none)")),
        "channel": choose.choice(("Organic Search", "Direct")),
        "referrer": choose.choice(("", "news.example/é漢字", "(none)")),
        "country": country,
        "region": choose.choice(("", f"{country}-BE", f"{country}-BY")),
        "city": choose.choice(("", f"{country}-Town")),
        "browser": choose.choice(("Firefox", "Chrome")),
        "browser_version": choose.choice(("Firefox 142", "Chrome 150")),
        "os": choose.choice(("Linux", "Windows")),
        "os_version": choose.choice(("", "Windows 11")),
        "device": choose.choice(("Desktop", "Mobile")),
        "screen": choose.choice(("", "S", "M")),
        "language": choose.choice(("de", "fr", "")),
        "utm_source": choose.choice(("", "(none)", "mail")),
        "utm_campaign": choose.choice(("(none)", "spring")),
        "counts_visitor": kind != "engagement",
        "pageviews": int(kind == "pageview"),
        "events": int(kind == "event"),
        "visits": int(first),
        "bounces": choose.choice((-1, 0)) if not first else 1,
        "visit_seconds": choose.randint(0, 600),
        "engaged_ms": choose.randint(0, 60_000),
        "engaged_pageviews": int(kind == "engagement"),
        "scroll_percent": choose.randint(0, 100),
    }
    if kind == "pageview":
        columns |= {"exit_path": path, "left_path": "" if first else choose.choice(("/", "/a"))}
        columns["search_query"] = choose.choice(("", "", "shoes"))
    if kind == "event":
        columns |= {
            "event": choose.choice(("signup", "buy")),
            "properties": tuple(
                choose.sample(("plan=pro", "plan=free", "colour=red"), choose.randint(0, 2))
            ),
            "goals": tuple(choose.sample(("Signup", "Buyers"), choose.randint(0, 2))),
            "currency": choose.choice(("", "EUR", "USD")),
            "revenue": choose.randint(0, 9_999),
        }
    when = (
        f"2026-11-{choose.choice((20, 21))} {choose.randint(0, 23):02}:{choose.randint(0, 59):02}"
    )
    return hit(f"visitor {choose.randint(0, 900)}", when, **columns)
