"""Measure what the tracker costs: processor time of the page's main thread, and bytes.

`python -m tests.bench.tracker`. The time is the thread's own (`tdur` of Chromium's trace), not the
clock's, so that a busy machine matters less. Told apart are the task that compiles and runs the
script, the next one, which counts the page, and what is done while the page is left. Beside it, in
the same run, stand a script of the same size that does nothing, which is what the browser takes for
any script, and a script that only sends a beacon. Nobody drives the browser: whoever does makes it
several times slower. Each page goes on to the next, in one browser.

Pages are of two kinds: bare ones, where all that the tracker touches is touched for the first time,
and ones that have used elements, storage, address, history and a listener themselves, as pages do.
And they are come to in two ways: as one more page of a site, whose process has run the script
before and kept its compiled functions, and as the first page of a site, in a process of its own.

`python -m tests.bench.tracker FOLDER` measures the tracker made of the modules in a folder, such as
an older version's, in the same run.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from hatch_build import compressed_size, core, script, whole
from tests.browser.conftest import FLAGS, SOURCE, Recorder, host_rules, recording_on
from tests.house.test_tracker_readme import section

SECONDS = 60
GOAL_US = 1000
BEACON = "navigator.sendBeacon('http://stats.example.net/api/event', '{\"n\": \"idle\"}')"
KINDS = {
    "bare": "",
    "busy": "<script>localStorage.theme, document.querySelector('title').textContent,"
    " location.pathname, history.state, addEventListener('resize', () => {})</script>",
}
FIRST_PAGES = 1000


def main(others: Sequence[str]) -> None:
    """Print the processor time of the scripts, and the table of sizes."""
    tracker = whole(SOURCE)
    scripts = {"tracker": tracker, "idle": f"/*{'x' * (len(tracker) - 4)}*/", "beacon": BEACON}
    scripts |= {f"other{place}": script(Path(name), "main.js") for place, name in enumerate(others)}
    cases = [(kind, name) for kind in KINDS for name in scripts]
    ways = {
        "one more page": [f"http://example.org/{place}" for place in range(len(cases))],
        "first page": [f"http://site{place}.example/" for place in range(FIRST_PAGES)],
    }
    print(f"µs, goal: under {GOAL_US}; net: without what a comment of that size (idle) takes")
    for way, urls in ways.items():
        recorder = recorder_of(scripts, cases, urls)
        events = traced(recorder, urls[0])
        counted = len([post for post in recorder.posts if post.payload()["n"] == "pageview"])
        print(f"{way}: {counted} pageviews arrived; load {os.getloadavg()[0]:.0f}")
        for kind in KINDS:
            tell(events, kind, scripts)
    print(section("Size, and browsers"))
    print(f"now: {compressed_size(tracker)} bytes gzip, core {compressed_size(core(SOURCE))}")


def tell(events: Sequence[dict[str, Any]], kind: str, scripts: Iterable[str]) -> None:
    """Print what each script took in one kind of page."""
    idle = statistics.median(load.both for load in loads_of(events, f"{kind}-idle"))
    for name in scripts:
        loads = loads_of(events, f"{kind}-{name}")
        for part in ("first", "second", "longest", "both", "leaving"):
            times = sorted(getattr(load, part) for load in loads)
            tenths = " ".join(f"p{share} {times[len(times) * share // 100]}" for share in (10, 90))
            median = statistics.median(times)
            net = f", net {median - idle:.0f}" if part == "both" else ""
            print(f"{kind}, {name}, {part}: median {median:.0f}{net}, {tenths}, {len(loads)} loads")


def recorder_of(
    scripts: Mapping[str, str], cases: Sequence[tuple[str, str]], urls: Sequence[str]
) -> Recorder:
    """Serve scripts, and pages that go on to each other, with a kind and a script in turn."""
    recorder = Recorder()
    for kind, name in cases:
        url = f"http://stats.example.net/{kind}-{name}.js"
        recorder.files[url] = ("text/javascript", scripts[name], {})
    for place, url in enumerate(urls):
        kind, name = cases[place % len(cases)]
        recorder.serve(url, page_with(kind, name, urls[(place + 1) % len(urls)]))
    return recorder


def page_with(kind: str, name: str, after: str) -> str:
    """Write a page of some length that loads a script as the snippet does, then goes on."""
    src = f"http://stats.example.net/{kind}-{name}.js"
    tag = f"{KINDS[kind]}<script async data-domain=example.org src='{src}'></script>"
    on = f"addEventListener('load', () => setTimeout(() => {{ location = '{after}' }}, 50))"
    text = "<p>Some words, as pages have them.</p>" * 200
    return f"<!doctype html><title>t</title>{tag}{text}<script>{on}</script>"


def traced(recorder: Recorder, start: str) -> list[dict[str, Any]]:
    """Let Chromium walk from page to page by itself, and give what its trace holds.

    Raises:
        RuntimeError: the trace was not written in time.
    """
    chromium = os.environ.get("FOOTFALL_CHROMIUM") or shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as folder, recording_on(recorder) as port:
        trace = Path(folder) / "trace.json"
        flags = [
            *(*FLAGS, "--headless", f"--user-data-dir={folder}/profile"),
            f"{host_rules(port)},MAP *.example:80 127.0.0.1:{port}",
            *("--trace-startup=devtools.timeline", "--trace-startup-format=json"),
            *(f"--trace-startup-file={trace}", f"--trace-startup-duration={SECONDS}"),
        ]
        process = subprocess.Popen([chromium, *flags, start], stdout=DEVNULL, stderr=DEVNULL)
        try:
            return _written(trace)
        finally:
            process.terminate()
            process.wait()


def _written(trace: Path) -> list[dict[str, Any]]:
    ends = time.monotonic() + 3 * SECONDS
    while time.monotonic() < ends:
        time.sleep(1)
        try:
            events: list[dict[str, Any]] = json.loads(trace.read_bytes())["traceEvents"]
        except (OSError, ValueError):
            continue
        return events
    raise RuntimeError("Chromium wrote no trace")


@dataclass
class Load:
    """What one load of a page took of its main thread, in µs.

    Attributes:
        first: the task that compiles and runs the script.
        second: the task it puts off.
        leaving: all that listens to the page being left.
    """

    first: int
    second: int = 0
    leaving: int = 0

    @property
    def both(self) -> int:
        """What the page had to give until it was counted."""
        return self.first + self.second

    @property
    def longest(self) -> int:
        """What the page could not answer for at a time."""
        return max(self.first, self.second)


def loads_of(events: Sequence[dict[str, Any]], name: str) -> list[Load]:
    """Find what each load of a script took, in a trace with one load after another."""
    loads: list[Load] = []
    timer: dict[str, Any] = {}
    for event in sorted((one for one in events if "tdur" in one), key=itemgetter("ts")):
        if event["name"] == "TimerFire":
            timer = event
        if not str(event["args"].get("data", {}).get("url", "")).endswith(f"/{name}.js"):
            continue
        if event["name"] == "EvaluateScript":
            loads.append(Load(event["tdur"]))
        elif event["name"] == "FunctionCall" and timer and is_within(event, timer):
            loads[-1].second += timer["tdur"]
        elif event["name"] == "FunctionCall":
            loads[-1].leaving += event["tdur"]
    return loads


def is_within(event: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether an event of the trace is part of another, which began before it."""
    ends: bool = event["ts"] + event["dur"] <= other["ts"] + other["dur"]
    return ends and (event["pid"], event["tid"]) == (other["pid"], other["tid"])


if __name__ == "__main__":
    main(sys.argv[1:])
