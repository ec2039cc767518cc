"""Invent a day of traffic, as columns: visitors with Zipf habits, the same for every store.

The shape is that of the day by which the store was chosen: for 1 000 000
pageviews 290 000 visitors and 385 000 visits over 2 000 paths, 300 sources,
3 000 referrers, 120 countries, 1 440 regions, 4 800 cities, 12 % of visits
with campaign tags. Called by the benches and by the tests of a large day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collector.cells import native_format
from collector.cells.schema import HIT_COLUMNS
from collector.hit import SUMS

Numbers = npt.NDArray[np.int64]
Column = npt.NDArray[Any]
VISITORS_PER_PAGEVIEW = 0.29
VISITS_PER_PAGEVIEW = 0.385
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Traffic:
    """One day of hits.

    Attributes:
        columns: by the names of `HIT_COLUMNS`; a row is a hit, in the order of time.
        visitors: who made each hit, a number; for the counts that cells must equal.
        seconds: when each hit was made, in seconds after the day's begin.
    """

    columns: dict[str, Column]
    visitors: Numbers
    seconds: Numbers

    def __len__(self) -> int:
        """Count the hits."""
        return len(self.visitors)

    def block(self, start: int, stop: int, receipt: str) -> bytes:
        """Write some of the hits and a receipt as a block of `HIT_COLUMNS`."""
        some = {name: column[start:stop].tolist() for name, column in self.columns.items()}
        last = {name: type(some[name][0])() for name in some}
        last |= {"closes_at": some["closes_at"][0], "receipt": receipt}
        return native_format.block(HIT_COLUMNS, {name: [*some[name], last[name]] for name in some})[
            1
        ]


def invent(pageviews: int, day: int, sites: int = 1, seed: int = 1) -> Traffic:
    """Invent the pageviews of one UTC day.

    Args:
        day: in days since 1970.
        sites: the hits are spread over sites 1 to `sites`, unevenly.
    """
    random = np.random.default_rng((seed, day))
    visits = max(1, int(pageviews * VISITS_PER_PAGEVIEW))
    visitors = max(1, int(pageviews * VISITORS_PER_PAGEVIEW))
    who = random.integers(0, visitors, visits)
    visit = np.sort(
        np.concatenate([np.arange(visits), random.integers(0, visits, pageviews - visits)])
    )
    begins = np.sort(random.integers(0, DAY_S - 1800, visits))
    first = np.concatenate([[True], visit[1:] != visit[:-1]])
    place_in_visit = np.arange(len(visit)) - np.maximum.accumulate(
        np.where(first, np.arange(len(visit)), 0)
    )
    seconds = begins[visit] + place_in_visit * 25
    order = np.argsort(seconds, kind="stable")
    habits = _habits(random, visitors, visits, who)
    columns = _columns(random, habits, visit, first, place_in_visit, sites, who)
    columns |= _times(seconds, day)
    arrays = {name: columns[name][order] for name in HIT_COLUMNS}
    return Traffic(arrays, who[visit][order], seconds[order])


def _habits(
    random: np.random.Generator, visitors: int, visits: int, who: Numbers
) -> dict[str, tuple[list[str], Numbers]]:
    country = _zipf(random, 120, visitors)
    browser, system = _zipf(random, 12, visitors, 1.6), _zipf(random, 8, visitors, 1.5)
    region = country * 12 + _zipf(random, 12, visitors)
    city = country * 40 + _zipf(random, 40, visitors)
    source = _zipf(random, 300, visits, 1.4)
    tagged = random.random(visits) < 0.12
    campaign = np.where(tagged, 1 + _zipf(random, 60, visits), 0)
    referrer = source * 10 + _zipf(random, 10, visits)
    return {
        "country": (_names("{:03d}", 120), country[who]),
        "region": ([f"{c:03d}-R{n}" for c in range(120) for n in range(12)], region[who]),
        "city": ([f"{c:03d}-City {n}" for c in range(120) for n in range(40)], city[who]),
        "browser": (_names("Browser{}", 12), browser[who]),
        "browser_version": (
            [f"Browser{b} {v}" for b in range(12) for v in range(100, 120)],
            (browser * 20 + _zipf(random, 20, visitors, 1.8))[who],
        ),
        "os": (_names("System{}", 8), system[who]),
        "os_version": (
            [f"System{s} {v}" for s in range(8) for v in range(10)],
            (system * 10 + _zipf(random, 10, visitors, 1.8))[who],
        ),
        "device": (["Desktop", "Mobile", "Tablet"], _zipf(random, 3, visitors)[who]),
        "screen": (_names("{} px", 6), _zipf(random, 6, visitors)[who]),
        "language": (_names("l{}", 40), _zipf(random, 40, visitors, 1.5)[who]),
        "source": (["(none)", *_names("Source {}", 299)], source),
        "channel": (_names("Channel {}", 12), source % 12),
        "referrer": (_names("referrer{}.example/page", 3000), referrer),
        "utm_source": (["(none)", *_names("tag{}", 60)], np.minimum(campaign, 20)),
        "utm_medium": (["(none)", *_names("medium{}", 60)], np.minimum(campaign, 5)),
        "utm_campaign": (["(none)", *_names("campaign{}", 60)], campaign),
        "utm_term": (["(none)", *_names("term{}", 60)], campaign),
        "utm_content": (["(none)", *_names("content{}", 60)], campaign),
    }


def _columns(  # noqa: PLR0917 - one day's draws, in the order they were made
    random: np.random.Generator,
    habits: dict[str, tuple[list[str], Numbers]],
    visit: Numbers,
    first: npt.NDArray[np.bool_],
    place_in_visit: Numbers,
    sites: int,
    who: Numbers,
) -> dict[str, Column]:
    hits, visits = len(visit), len(who)
    paths = ["/", *_names("/page/{}", 1999)]
    path = _zipf(random, 2000, hits)
    entry = path[first]
    zeros = np.zeros(hits, np.int64)
    event = np.where(random.random(hits) < 0.05, 1 + _zipf(random, 10, hits), 0)
    engaged = random.integers(500, 60_000, hits)
    left = np.where(first, 0, np.roll(path, 1) + 1)
    second = place_in_visit == 1
    who_keys = (
        np.random.default_rng(7).integers(0, 2**63, (int(who.max()) + 1, 2)).astype(np.uint64)
    )
    columns = {
        "site": (1 + _zipf(random, sites, visits, 1.0)[visit]).astype(np.uint32),
        "k0": who_keys[who[visit], 0],
        "k1": who_keys[who[visit], 1],
        "counts_visitor": np.ones(hits, np.uint8),
        "receipt": _words([""], zeros),
        "path": _words(paths, path),
        "hostname": _words(["example.org", "www.example.org"], path % 2),
        "event": _words(["", *_names("event{}", 10)], event),
        "search_query": _words([""], zeros),
        "currency": _words([""], zeros),
        "exit_path": _words(paths, path),
        "left_path": _words(["", *paths], left),
        "entry_path": _words(paths, entry[visit]),
        "properties": _words([(), ("plan=pro",)], (event > 0).astype(np.int64)),
        "goals": _words([()], zeros),
        **{name: _words(words, picks[visit]) for name, (words, picks) in habits.items()},
    }
    sums = {
        "pageviews": np.ones(hits, np.int64),
        "events": (event > 0).astype(np.int64),
        "visits": first.astype(np.int64),
        "bounces": first.astype(np.int64) - second.astype(np.int64),
        "visit_seconds": np.where(first, 0, 25),
        "engaged_ms": engaged,
        "engaged_pageviews": np.ones(hits, np.int64),
        "scroll_percent": random.integers(0, 101, hits),
        "revenue": zeros,
    }
    columns |= dict.fromkeys(("bounce_hour", "bounce_minute"), zeros.astype(np.uint32))
    return columns | {name: sums[name].astype(np.int64) for name in SUMS}


def _times(seconds: Numbers, day: int) -> dict[str, Column]:
    began = day * DAY_S
    hits = len(seconds)
    return {
        "closes_at": np.full(hits, began + DAY_S, np.uint32),
        "day": np.full(hits, day, np.uint16),
        "bounce_hour": np.zeros(hits, np.uint32),
        "bounce_minute": np.zeros(hits, np.uint32),
        "hour": (began + seconds // 3600 * 3600).astype(np.uint32),
        "minute": (began + seconds // 60 * 60).astype(np.uint32),
    }


def _zipf(random: np.random.Generator, values: int, size: int, power: float = 1.2) -> Numbers:
    weights = 1 / np.arange(1, values + 1) ** power
    return np.searchsorted(np.cumsum(weights / weights.sum()), random.random(size)).clip(
        0, values - 1
    )


def _names(pattern: str, count: int) -> list[str]:
    return [pattern.format(number) for number in range(count)]


def _words(words: Sequence[str | tuple[str, ...]], picks: Numbers) -> Column:
    values: Column = np.fromiter(words, object, len(words))
    return values[picks]
