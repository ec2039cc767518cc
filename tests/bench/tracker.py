"""Measure what the tracker costs: processor time of the page's main thread, and bytes.

`python -m tests.bench.tracker`. The time is the thread's own (`tdur` of Chromium's trace), not the
clock's, so that a busy machine matters less; it covers compiling and running the script, and with
that the first pageview. Beside it, in the same run, stand a script of the same size that does
nothing, and a script that only sends a beacon. Nobody drives the browser: whoever does makes it
several times slower. Each page goes on to the next, in one browser.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
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


def main() -> None:
    """Print the processor time of the scripts, and the table of sizes."""
    tracker = script(SOURCE, "main.js")
    scripts = {"tracker": tracker, "idle": f"/*{'x' * (len(tracker) - 4)}*/", "beacon": BEACON}
    recorder = Recorder()
    for name, after in zip(scripts, [*list(scripts)[1:], "tracker"], strict=True):
        url = f"http://stats.example.net/{name}.js"
        recorder.files[url] = ("text/javascript", scripts[name], {})
        recorder.serve(f"{PAGE}{name}", page_with(name, after))
    events = traced(recorder)
    counted = len([post for post in recorder.posts if post.payload()["n"] == "pageview"])
    print(f"{counted} pageviews arrived; load {os.getloadavg()[0]:.0f}; goal: under {GOAL_US} µs")
    for name in scripts:
        times = sorted(int(event["tdur"]) for event in events if is_of(event, name))
        median, tenth = statistics.median(times), times[len(times) // 10]
        print(f"{name}: median {median:.0f} µs, p10 {tenth} µs, of {len(times)} loads")
    print(section("Size, and browsers"))
    print(f"now: {compressed_size(tracker)} bytes gzip, core {compressed_size(core(SOURCE))}")


def page_with(name: str, after: str) -> str:
    """Write a page of some length that loads a script as the snippet does, then goes on."""
    tag = (
        f"<script async data-domain=example.org src='http://stats.example.net/{name}.js'></script>"
    )
    on = f"addEventListener('load', () => setTimeout(() => {{ location = '/{after}' }}, 200))"
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


def is_of(event: dict[str, Any], name: str) -> bool:
    """Tell whether an event of the trace is the evaluation of a script of ours."""
    if event["name"] != "EvaluateScript":
        return False
    return str(event["args"].get("data", {}).get("url", "")).endswith(f"/{name}.js")


if __name__ == "__main__":
    main()
