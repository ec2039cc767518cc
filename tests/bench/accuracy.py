"""Print how right the rules are, and what a call costs, on corpora of this very moment.

Corpora: crawlers from PyPI's `crawler-user-agents` (a test dependency); browsers
from npm's `user-agents`, fetched with npm if there is one; the scrub corpus and
ordinary paths as `tests.corpora` generates them. Run by `make bench`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import timeit
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from collector.ingest.enrich import device, page
from collector.ingest.enrich.acquisition import classify_source
from collector.ingest.enrich.bots import bot_of
from collector.ingest.enrich.device import parse_device
from collector.ingest.enrich.geo import GeoDatabase
from collector.ingest.enrich.page import parse_page, path_of
from collector.privacy import scrub
from collector.privacy.scrub import scrub_path, scrub_text
from tests.corpora import crawlers, is_scrubbed, ordinary_paths, positives

# What a browser's string ends up meaning, by the order in which browsers pile names up: another
# way than ua-parser's, to judge it by. Names are ours; versions follow the token.
_JUDGE: tuple[tuple[str, str], ...] = (
    (r"(?:Edg|EdgA|EdgiOS|Edge)/(\d+)", "Edge"),
    (r"(?:OPR|OPX|OPT)/(\d+)", "Opera"),
    (r"SamsungBrowser/(\d+)", "Samsung Internet"),
    (r"YaBrowser/(\d+)", "Yandex Browser"),
    (r"Vivaldi/(\d+)", "Vivaldi"),
    (r"(?:DuckDuckGo|Ddg)/(\d+)", "DuckDuckGo"),
    (r"GSA/(\d+)", "Google App"),
    (r"Instagram (\d+)", "Instagram"),
    (r"Snapchat/(\d+)", "Snapchat"),
    (r"FxiOS/(\d+)", "Firefox"),
    (r"Firefox/(\d+)", "Firefox"),
    (r"CriOS/(\d+)", "Chrome"),
    (r"; wv\).*Chrome/(\d+)", "Android WebView"),
    (r"Chrome/(\d+)", "Chrome"),
    (r"Version/(\d+).*Safari/", "Safari"),
)


_PARTS = (
    "a a- 1- 1 a@ a. %25 %2525 a: : 1.1. eyJ a(at) key= / /a é ﷺ aB3- ( a[ deadbeef DE12AAAA ~a gh"
    " -a1 aA1 a~ @a _- ip- +1 1: :: 0a0b %4"
)
_FLOODS = (*_PARTS.split(), "DE12 ", "0 ", "\u200b", "\ud800")


def judged(user_agent: str) -> tuple[str, str]:
    """Name browser and version by the judge's way; empty if the judge has no opinion."""
    for pattern, name in _JUDGE:
        if found := re.search(pattern, user_agent):
            return name, f"{name} {found[1]}"
    return "", ""


def browsers() -> list[dict[str, Any]]:
    """Fetch npm's `user-agents`; empty without npm or network."""
    npm = shutil.which("npm")
    if npm is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", "user-agents@2"], cwd=folder, capture_output=True, check=False
        )
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            return []
        with tarfile.open(packed) as package:
            member = package.extractfile("package/dist/user-agents.json")
            return json.loads(member.read()) if member else []


def main() -> None:
    """Print the figures."""
    _bots(list(crawlers()))
    if known := browsers():
        _browsers(known)
    else:
        print("browsers                    skipped: npm could not fetch user-agents")
    _scrubbing()
    _floods()
    _costs()


def _share(name: str, hits: Iterable[bool], goal: str) -> None:
    verdicts = list(hits)
    share = 100 * sum(verdicts) / max(len(verdicts), 1)
    print(f"{name:28s}{share:8.2f} %  of {len(verdicts):6d}   goal {goal}")


def _bots(strings: list[str]) -> None:
    _share("bots caught", (bool(bot_of(text)) for text in strings), ">= 99")


def _browsers(records: list[dict[str, Any]]) -> None:
    texts = [record["userAgent"] for record in records]
    _share("browsers taken for bots", (bool(bot_of(text)) for text in texts), "0")
    opinions = [(parse_device(text), judged(text)) for text in texts]
    told = [(seen, judge) for seen, judge in opinions if judge[0]]
    _share("browser family", (seen.browser == judge[0] for seen, judge in told), ">= 97")
    _share("browser and major", (seen.browser_version == judge[1] for seen, judge in told), ">= 97")
    _share(
        "device class",
        (parse_device(r["userAgent"]).device.lower() == r["deviceCategory"] for r in records),
        ">= 98",
    )


def _scrubbing() -> None:
    corpus = positives()
    _share("scrubbed texts", (not scrub_text(line.written, 2000) for line in corpus), "100")
    paths = ((line, path_of(f"/a/{line.written}/b")) for line in corpus)
    _share("scrubbed paths", (is_scrubbed(line, path) for line, path in paths), "100")
    ordinary = ordinary_paths()
    _share("ordinary paths changed", (":" in path_of(path) for path in ordinary), "<= 0.5")


def _floods() -> None:
    """Time the worst of a megabyte of each of many patterns, and of what fits the limits."""
    worst = max(
        (
            min(
                timeit.repeat(
                    partial(rule, flood[:length]), _forget, process_time, number=1, repeat=3
                )
            )
            * 1e3,
            flood[:6],
            length,
        )
        for flood in (part * (1_000_000 // len(part)) for part in _FLOODS)
        for length in (1_000_000, 2048)
        for rule in (scrub_text, scrub_path, parse_page, _page_and_tag)
    )
    print(f"worst of {len(_FLOODS)} floods          {worst[0]:8.2f} ms  {worst[1:]}   goal < 5")


def _forget() -> None:
    scrub.forget()
    page.forget()


def _page_and_tag(flood: str) -> object:
    return parse_page(f"https://example.org/{flood}?utm_source={flood}")


def _costs() -> None:
    safari = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
    )
    tags = {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring-sale"}
    network, places = bytes([8, 8, 8, 0]), GeoDatabase()
    calls: dict[str, Callable[[], object]] = {
        "page_of, no query": lambda: parse_page("https://example.org/blog/how-to-build-a-house"),
        "page_of, three tags": lambda: parse_page(
            "https://example.org/?utm_source=a&utm_medium=b&utm_campaign=c"
        ),
        "scrub_path, ordinary": lambda: scrub_path("/blog/how-to-build-a-house-in-2024"),
        "scrub_text, ordinary": lambda: scrub_text("spring-sale"),
        "origin_of, referrer": lambda: classify_source("https://www.google.de/", _foreign, {}),
        "origin_of, tagged": lambda: classify_source("", _foreign, tags),
        "device_of, known": lambda: parse_device(safari),
        "bot_of": lambda: bot_of(safari),
        "place": lambda: places.locate(network),
    }
    for name, call in calls.items():
        took = timeit.timeit(call, timer=process_time, number=20_000)
        print(f"{name:28s}{took / 20_000 * 1e6:8.2f} µs")
    new = timeit.timeit(
        "device.forget(); device.parse_device(safari)",
        timer=process_time,
        globals={"device": device, "safari": safari},
        number=2_000,
    )
    print(f"{'device_of, new':28s}{new / 2_000 * 1e6:8.2f} µs")


def _foreign(hostname: str) -> bool:
    return hostname == "example.org"


if __name__ == "__main__":
    main()
