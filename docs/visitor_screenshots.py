"""Take the pictures of what visitors look at: their choice, the notice, the widget.

Starts `footfall serve` in a new folder with one site, and an owner's page of its own beside it,
and writes docs/pictures/visitor-*.png. With `--all FOLDER` it takes every page in three
languages, light and dark, at both widths, to be looked at. Needs Chromium (the one named by
FOOTFALL_CHROMIUM, the system's, or Playwright's own); pngquant, if there, makes them small.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector.visitors.translations import direction_of, words_of
from tests.browser.front import front
from tests.conftest import program
from tests.service import CHROME, Service

PICTURES = Path(__file__).parent / "pictures"
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
DESK, PHONE = (1440, 900), (390, 844)
SITE = "example.org"
CONTROLLER = "Example Ltd, 1 High Street, Dublin, privacy@example.org"
URL = "https://stats.example.net"
SETTLE_MS = 300

OWNERS_PAGE = """<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>:root {{ color-scheme: light dark }} body {{ max-width: 720px; margin: 40px auto;
padding: 0 20px; font: 17px/1.6 Georgia, serif }} iframe {{ width: 100%; height: 240px; border: 0 }}
</style><h1>{title}</h1><script src="{url}/opt-out/widget.js"></script><h2>iframe</h2>
<iframe title="{title}"
src="{url}/opt-out/widget?language={language}&amp;background=fff8e7&amp;color=3b2a14"></iframe>
<iframe title="{title}" src="{url}/opt-out/widget?language={language}"></iframe></html>"""


class Shot(NamedTuple):
    """One picture: the page, and how it is looked at."""

    page: str
    language: str
    size: tuple[int, int]
    scheme: str
    whole: bool = True

    @property
    def name(self) -> str:
        """What the picture is called."""
        return f"visitor-{self.page}-{self.language}-{self.size[0]}-{self.scheme}"


PAGES = ("opt-out", "widget", "notice", "me")
LOOKS = (
    ("en", DESK, "light"),
    ("ar", DESK, "dark"),
    ("ar", PHONE, "light"),
    ("de", PHONE, "dark"),
)
KEPT = tuple(
    Shot(page, language, size, scheme, whole=False)
    for page, (language, size, scheme) in product(PAGES, LOOKS)
)
ALL = tuple(
    Shot(page, language, size, scheme)
    for page, language, size, scheme in product(
        (*PAGES, "missing"), ("en", "de", "ar"), (DESK, PHONE), ("light", "dark")
    )
)
PATHS = {
    "opt-out": "/opt-out?language={language}",
    "notice": f"/privacy/{SITE}?language={{language}}",
    "me": f"/privacy/{SITE}/me?language={{language}}&path=/blog/hello",
    "missing": "/privacy/nobody.example?language={language}",
}


def main() -> None:
    """Take the pictures that are kept, or all of them into a folder."""
    everything = sys.argv[1:2] == ["--all"]
    folder = Path(sys.argv[2]) if everything else PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        found = program("chromium")
        service = Service(Path(data) / "data", (SITE,), environ={"FOOTFALL_PUBLIC_URL": URL})
        pages = {
            f"{SITE}/{language}": OWNERS_PAGE.format(
                url=URL,
                language=language,
                direction=direction_of(language),
                title=words_of(language)["widget"]["title"],
            )
            for language in ("en", "de", "ar")
        }
        with service, front(service.port, pages, Path(data)) as port:
            service.footfall("site", "set", SITE, "--controller", CONTROLLER)
            world = f"--host-resolver-rules=MAP *:443 127.0.0.1:{port}"
            chromium = playwright.chromium.launch(executable_path=found, args=[*FLAGS, world])
            for shot in ALL if everything else KEPT:
                take(chromium, shot, folder)
            chromium.close()


def take(browser: Browser, shot: Shot, folder: Path) -> None:
    """Take one picture, at two pixels a CSS pixel on a phone and one on a desk."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        device_scale_factor=2 if width < 600 else 1,
        user_agent=CHROME,
        locale=shot.language,
        ignore_https_errors=True,
    )
    page = context.new_page()
    path = PATHS.get(shot.page, "").format(language=shot.language)
    page.goto(URL + path if path else f"https://{SITE}/{shot.language}")
    page.wait_for_timeout(SETTLE_MS)
    picture = folder / f"{shot.name}.png"
    page.screenshot(path=picture, full_page=shot.whole)
    context.close()
    quantise = shutil.which("pngquant")
    if quantise:
        subprocess.run([quantise, "--force", "--ext=.png", "--speed=1", picture], check=True)  # noqa: S603 - ours
    print(picture)


if __name__ == "__main__":
    main()
