"""Services, owners' pages around them, and the truth about the next hit.

One service answers by https and one by plain http. Sites are example.org (whose collector is
stats.example.net, another site, or stats.example.org, the same) and proxied.example, under whose
own host the collector answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from collector.registry.store import Registry
from tests.asgi import found, some_settings
from tests.browser.front import PROXIED, front
from tests.service import Service

SITES = ("example.org", PROXIED)
PUBLIC = {"https": "https://stats.example.net", "http": ""}

TRACKER = """<script async src="{base}/js/footfall.js" data-domain="{site}"></script>
<noscript><img alt="" src="{base}/pixel.gif?d={site}&amp;u={scheme}://{site}/"></noscript>"""
FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Privacy</title>
<main><h1>Privacy</h1><iframe title="Counting visits" width="600" height="300"
src="{base}/opt-out/widget{query}"></iframe></main>"""
SCRIPT = """<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta http-equiv="Content-Security-Policy"
content="default-src 'none'; img-src 'self'; script-src {base}; connect-src {base}">
<title>Privacy</title><main><h1>Privacy</h1><script src="{base}/opt-out/widget.js"></script>
</main>"""
FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Privacy</title>
<h1>Privacy</h1><form method="post" action="{base}/opt-out">
<button name="choice" value="out">Do not count me</button>
<button name="choice" value="in">Count me</button></form></html>"""


@dataclass(frozen=True)
class Place:
    """Where the collector of a site's pages answers.

    Attributes:
        site: the site's domain.
        collector: the collector's host.
    """

    site: str
    collector: str


PLACES = {
    "cross-site": Place("example.org", "stats.example.net"),
    "same-site": Place("example.org", "stats.example.org"),
    "proxied": Place(PROXIED, PROXIED),
}
CROSS = PLACES["cross-site"]


@dataclass
class World:
    """A service and the owners' pages around it.

    Attributes:
        scheme: `https` or `http`.
        token: reads the service's own measures.
        pages: the owners' pages, by host and path.
        port: of the front that is the whole world to browsers; 0 until it stands.
    """

    scheme: str
    service: Service
    token: str
    pages: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def owners_page(
        self, place: Place, template: str, query: str = "", language: str = "en"
    ) -> str:
        """Publish an owner's page and give its address."""
        base = f"{self.scheme}://{place.collector}"
        name = f"/{len(self.pages)}"
        self.pages[place.site + name] = template.format(
            base=base,
            site=place.site,
            scheme=self.scheme,
            query=query,
            language=language,
            direction="rtl" if language == "ar" else "ltr",
        )
        return f"{self.scheme}://{place.site}{name}"

    def collector(self, place: Place, path: str) -> str:
        """Give an address of the collector."""
        return f"{self.scheme}://{place.collector}{path}"

    def totals(self) -> dict[str, int]:
        """Read from the service's own measures what became of hits so far."""
        answer = self.service.get("/metrics", {"Authorization": f"Bearer {self.token}"})
        assert answer.status == 200, answer
        told = re.findall(
            r'^footfall_hits_total\{outcome="(\w+)",reason="(\w*)"\} ([\d.]+)',
            answer.body.decode(),
            re.MULTILINE,
        )
        return {reason or "counted": int(float(count)) for _, reason, count in told}


@contextmanager
def standing(folder: Path) -> Iterator[dict[str, World]]:
    """Run both services, each behind its front; they start side by side."""
    with ExitStack() as stack:
        worlds = {scheme: _world(scheme, folder / scheme) for scheme in PUBLIC}
        for world in worlds.values():
            world.service.start(wait=False)
            stack.callback(world.service.stop)
        for scheme, world in worlds.items():
            world.service.wait_ready()
            keeps = folder if scheme == "https" else None
            world.port = stack.enter_context(front(world.service.port, world.pages, keeps))
        yield worlds


def _world(scheme: str, data_dir: Path) -> World:
    settings = some_settings(data_dir)
    found(settings, *SITES)
    with Registry(settings.registry_path) as registry:
        token = registry.create_token("probe", None, ["read"])
    environ = {"FOOTFALL_PUBLIC_URL": PUBLIC[scheme]} if PUBLIC[scheme] else {}
    return World(scheme, Service(data_dir, SITES, environ=environ), token)
