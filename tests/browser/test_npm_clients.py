"""The peers' published clients, unchanged, count on a real service.

Plausible's two run in a real browser on a site's page, Umami's in Node, and
GoatCounter's pixel and API as its documentation shows them. npm installs them
by the lock beside this file, which names versions and hashes.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import WAIT_SECONDS, Recorder
from tests.service import CHROME, Service

FULL_CHROMIUM = True
pytestmark = pytest.mark.needs_system("npm", "node", "curl")
CLIENTS = Path(__file__).parent / "clients"
OLD, NEW, UMAMI, GOAT = (f"{name}.example.org" for name in ("old", "new", "umami", "goat"))
COUNTED = ("visitors", "visits", "pageviews", "events")
UMAMI_CALLS = """
import {{ Umami }} from "@umami/node";
const umami = new Umami({{ hostUrl: "{url}", websiteId: "{site}" }});
const answers = [
  await umami.track({{ hostname: "{site}", url: "/docs", title: "Docs", screen: "1920x1080" }}),
  await umami.track("order", {{ plan: "pro" }}),
  await umami.identify({{ name: "nobody" }}),
];
for (const answer of answers) console.log(answer.status, (await answer.json()).cache);
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the clients as their users do, in a folder of their own."""
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CLIENTS / name, folder)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a site for each client."""
    data = tmp_path_factory.mktemp("service") / "data"
    with Service(data, public_sites=(OLD, NEW, UMAMI, GOAT)) as runs:
        yield runs


def run(*words: str, folder: Path | None = None) -> str:
    """Run a program and give what it said."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counted(service: Service, site: str, **expected: int) -> dict[str, Any]:
    """Read a site's numbers once they are what is expected, or after half a minute."""
    wanted = {name: expected.get(name, 0) for name in COUNTED}
    ends = time.monotonic() + WAIT_SECONDS
    found: dict[str, Any] = {}
    while found != wanted and time.monotonic() < ends:
        time.sleep(0.1)
        found = service.aggregate(site, ",".join(COUNTED))
    return found


def with_script(recorder: Recorder, site: str, package: Path, script: str) -> str:
    """Serve a page with a module script, and the package that it imports; return its address."""
    for path in package.rglob("*.js"):
        name = path.relative_to(package).as_posix()
        kept: tuple[str, str, dict[str, str]] = (
            "text/javascript",
            path.read_text(encoding="utf-8"),
            {},
        )
        # Bundlers add what an import of this age leaves out.
        recorder.files |= {f"http://{site}/p/{name}": kept}
        recorder.files |= {f"http://{site}/p/{name.removesuffix('.js')}": kept}
    recorder.serve(f"http://{site}/", f'<!doctype html><script type="module">{script}</script>')
    return f"http://{site}/"


def test_plausible_tracker(clients: Path, service: Service, recorder: Recorder, page: Page) -> None:
    """`plausible-tracker` reports a pageview and an event, and hears that they arrived."""
    package = clients / "node_modules/plausible-tracker/build/module"
    script = f"""
        import Plausible from "/p/index.js";
        const {{ trackPageview, trackEvent }} = Plausible({{
            domain: "{OLD}", apiHost: "{service.url}" }});
        trackPageview();
        trackEvent("Signup", {{ props: {{ plan: "pro" }},
            callback: () => {{ document.title = "arrived" }} }});"""

    page.goto(with_script(recorder, OLD, package, script))
    page.wait_for_function("document.title === 'arrived'")

    expected = {"visitors": 1, "visits": 1, "pageviews": 1, "events": 1}
    assert expected == counted(service, OLD, **expected)


def test_plausible_analytics_tracker(
    clients: Path, service: Service, recorder: Recorder, page: Page
) -> None:
    """`@plausible-analytics/tracker` reports by itself, an event with revenue, and is answered."""
    package = clients / "node_modules/@plausible-analytics/tracker"
    script = f"""
        import {{ init, track }} from "/p/plausible.js";
        init({{ domain: "{NEW}", endpoint: "{service.url}/api/event" }});
        track("Purchase", {{ revenue: {{ amount: 9.9, currency: "EUR" }}, interactive: false,
            callback: (answer) => {{ document.title = answer.status }} }});"""

    page.goto(with_script(recorder, NEW, package, script))
    page.wait_for_function("document.title === '202'")

    expected = {"visitors": 1, "visits": 1, "pageviews": 1, "events": 1}
    assert expected == counted(service, NEW, **expected)


def test_umami_node(clients: Path, service: Service) -> None:
    """`@umami/node` tracks a page and an event; its identities are taken and not counted."""
    calls = UMAMI_CALLS.format(url=service.url, site=UMAMI)

    said = run("node", "--input-type=module", "--eval", calls, folder=clients)

    assert ["200 footfall"] * 3 == said.splitlines()
    expected = {"visitors": 1, "visits": 1, "pageviews": 1, "events": 1}
    assert expected == counted(service, UMAMI, **expected)


def test_goatcounters_pixel_and_curl(service: Service, recorder: Recorder, page: Page) -> None:
    """Its tracking pixel and the API call of its documentation count, each answered as there."""
    policy = 'referrerpolicy="no-referrer-when-downgrade"'
    pixel = f'<img src="{service.url}/count?p=/test-img" {policy}>'
    recorder.serve(f"http://{GOAT}/", f"<!doctype html>{pixel}")
    token = service.footfall("token", "create", "goat", "--site", GOAT, "--scope", "ingest")
    assert token.returncode == 0, token.stderr
    hits = '{"no_sessions": true, "hits": [{"path": "/one"}, {"path": "/two"}]}'

    page.goto(f"http://{GOAT}/")
    answer = run(
        *("curl", "-sS", "-X", "POST", f"{service.url}/api/v0/count", "-A", CHROME),
        *("-H", "Content-Type: application/json"),
        *("-H", f"Authorization: Bearer {token.stdout.split()[-1]}", "--data", hits),
    )

    assert '{"status":"ok"}' == answer
    assert 1 == page.evaluate("document.images[0].naturalWidth")
    expected = {"visitors": 2, "visits": 2, "pageviews": 3}
    assert {**expected, "events": 0} == counted(service, GOAT, **expected)
