"""Measure what the tracker costs: processor time of the page's main thread, and bytes.

`python -m tests.bench.tracker`. The time is the thread's own (`tdur` of Chromium's trace), not the
clock's, so that a busy machine matters less. Told apart are the task that compiles and runs the
script, the next one, which counts the page, and what is done while the page is left. Beside it, in
the same run, stand a script of the same size that does nothing, and a script that only sends a
beacon. Nobody drives the browser: whoever does makes it several times slower. Each page goes on to
the next, in one browser.

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
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from hatch_build import compressed_size, core, script
from tests.browser.conftest import FLAGS, SOURCE, Recorder, host_rules, recording_on
from tests.house.test_tracker_readme import section

SECONDS = 60
GOAL_US = 1000
PAGE = "http://example.org/"
BEACON = "navigator.sendBeacon('http://stats.example.net/api/event', '{\"n\": \"idle\"}')"


def main(others: Sequence[str]) -> None:
    """Print the processor time of the scripts, and the table of sizes."""
    tracker = script(SOURCE, "main.js")
    scripts = {"tracker": tracker, "idle": f"/*{'x' * (len(tracker) - 4)}*/", "beacon": BEACON}
    scripts |= {f"other{place}": script(Path(name), "main.js") for place, name in enumerate(others)}
    recorder = Recorder()
    for name, after in zip(scripts, [*list(scripts)[1:], "tracker"], strict=True):
        url = f"http://stats.example.net/{name}.js"
        recorder.files[url] = ("text/javascript", scripts[name], {})
        recorder.serve(f"{PAGE}{name}", page_with(name, after))
    events = traced(recorder)
    counted = len([post for post in recorder.posts if post.payload()["n"] == "pageview"])
    print(f"{counted} pageviews arrived; load {os.getloadavg()[0]:.0f}; goal: under {GOAL_US} µs")
    for name in scripts:
        loads = loads_of(events, name)
        for part in ("first", "second", "both", "leaving"):
            times = sorted(getattr(load, part) for load in loads)
            tenths = " ".join(f"p{share} {times[len(times) * share // 100]}" for share in (10, 90))
            median = statistics.median(times)
            print(f"{name}, {part}: median {median:.0f}, {tenths} µs, of {len(times)} loads")
    print(section("Size, and browsers"))
    print(f"now: {compressed_size(tracker)} bytes gzip, core {compressed_size(core(SOURCE))}")


def page_with(name: str, after: str) -> str:
    """Write a page of some length that loads a script as the snippet does, then goes on."""
    tag = (
        f"<script async data-domain=example.org src='http://stats.example.net/{name}.js'></script>"
    )
    on = f"addEventListener('load', () => setTimeout(() => {{ location = '/{after}' }}, 50))"
    text = "<p>Some words, as pages have them.</p>" * 200
    return f"<!doctype html><title>t</title>{tag}{text}<script>{on}</script>"


def traced(recorder: Recorder) -> list[dict[str, Any]]:
    """Let Chromium walk from page to page by itself, and give what its trace holds.

    Raises:
        RuntimeError: the trace was not written in time.
    """
    chromium = os.environ.get("FOOTFALL_CHROMIUM") or shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as folder, recording_on(recorder) as port:
        trace = Path(folder) / "trace.json"
        flags = [
            *(*FLAGS, "--headless", f"--user-data-dir={folder}/profile", host_rules(port)),
            *("--trace-startup=devtools.timeline", "--trace-startup-format=json"),
            *(f"--trace-startup-file={trace}", f"--trace-startup-duration={SECONDS}"),
        ]
        process = subprocess.Popen(
            [chromium, *flags, f"{PAGE}tracker"], stdout=DEVNULL, stderr=DEVNULL
        )
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
