"""Measure what the tracker costs: processor time of the page's main thread, and bytes.

`python -m tests.bench.tracker`. The time is the thread's own (`tdur` of the browser's trace), not
the clock's, so that a busy machine matters little; it covers compiling and running the script,
the first pageview with it. Beside it, in the same run, stands a script of the same size that does
nothing. Loads are cold: each is a context of its own, without a cache.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from hatch_build import compressed_size, core, script
from tests.browser.conftest import NO_WEBDRIVER, SOURCE, Recorder, chromium_for, recording_on
from tests.house.test_tracker_readme import section

LOADS = 60
GOAL_US = 1000
PAGE = "http://example.org/"
TRACED = ["devtools.timeline"]


def main() -> None:
    """Print the processor time of both scripts, and the table of sizes."""
    tracker = script(SOURCE, "main.js")
    scripts = {"tracker": tracker, "idle": f"/*{'x' * (len(tracker) - 4)}*/"}
    recorder = Recorder()
    for name, text in scripts.items():
        recorder.files[f"http://stats.example.net/{name}.js"] = ("text/javascript", text, {})
        recorder.serve(f"{PAGE}{name}", page_with(name))
    took: dict[str, list[int]] = {name: [] for name in scripts}
    with sync_playwright() as playwright, recording_on(recorder) as port:
        browser = chromium_for(playwright, port)
        for _ in range(LOADS):
            for name in scripts:
                took[name].append(thread_us(browser, name))
        version = browser.version
        browser.close()
    counted = len([post for post in recorder.posts if post.payload()["n"] == "pageview"])
    print(f"Chromium {version}, {LOADS} loads each, interleaved; {counted} pageviews arrived")
    for name, times in took.items():
        ninth = statistics.quantiles(times, n=10)[8]
        print(
            f"{name}: median {statistics.median(times):.0f} µs of the main thread, p90 {ninth:.0f}"
        )
    print(f"goal: under {GOAL_US} µs\n\n{section('Size, and browsers')}")
    print(f"now: {compressed_size(tracker)} bytes gzip, core {compressed_size(core(SOURCE))}")


def page_with(name: str) -> str:
    """Write a page of some length that loads a script as the snippet does."""
    text = "<p>Some words, as pages have them.</p>" * 200
    tag = (
        f"<script async data-domain=example.org src='http://stats.example.net/{name}.js'></script>"
    )
    return f"<!doctype html><title>t</title>{tag}{text}"


def thread_us(browser: Browser, name: str) -> int:
    """Load a page and sum the main thread's time in its script, in microseconds."""
    context = browser.new_context()
    context.add_init_script(NO_WEBDRIVER)
    page = context.new_page()
    browser.start_tracing(page=page, categories=TRACED)
    page.goto(PAGE + name)
    page.wait_for_load_state()
    traced: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    context.close()
    found = [event for event in traced if event["name"] == "EvaluateScript" and is_of(event, name)]
    assert len(found) == 1, found
    return int(found[0]["tdur"])


def is_of(event: dict[str, Any], name: str) -> bool:
    """Tell whether an event of the trace is the script's."""
    return str(event["args"]["data"]["url"]).endswith(f"/{name}.js")


if __name__ == "__main__":
    main()
