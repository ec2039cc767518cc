"""Run the recipes of docs/tracker.md: on pages, behind proxies, in a bundle."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

import hatch_build
from tests.browser.conftest import SOURCE, Recorder
from tests.browser.recipes_read import recipe
from tests.browser.test_first_count import refusals
from tests.fault.proxies import _running
from tests.service import CHROME, Service, free_port

FULL_CHROMIUM = True
PAGE = "http://example.org/"
RECIPES = Path(__file__).parent / "recipes"
FILES = {"README.md", "dist/footfall.mjs", "footfall.d.ts", "package.json"}
ROUTED = """
import Navigo from 'navigo';
import { init } from 'footfall-tracker';
const router = new Navigo('/');
router.on('/', () => {}).on('/about', () => {}).on('/users/:id', () => {}).resolve();
init({ domain: 'example.org', api: 'http://stats.example.net/api/event' });
router.navigate('/about');
router.navigate('/users/7?tab=secret');
router.navigate('/users/7?tab=other');
"""
TYPED = """
import { init, optOut, track, type Payload, type Settings } from "footfall-tracker";
const hook = (payload: Payload) => (payload.u.includes("/draft") ? null : { ...payload, w: 0 });
const settings: Settings = { domain: "example.org", 404: true, downloads: "pdf", transform: hook };
init(settings);
track("Signup", { props: { plan: "pro" }, revenue: { amount: "9.90", currency: "EUR" } });
const over: Promise<void> = window.footfall("Signup", { callback: () => {}, interactive: false });
const refused: boolean = optOut(true) || window.footfall.optOut();
"""
MISTYPED = (
    'init({ domains: "example.org" })',
    'init({ transform: () => "text" })',
    'track("Signup", { revenue: { amount: 9 } })',
    'track("Signup", { props: { nested: { plan: "pro" } } })',
    'optOut("yes")',
    "window.footfall.optout()",
)
CAPNP = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01")),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
"""


def counted_from(html: str, recorder: Recorder, page: Page) -> list[dict[str, Any]]:
    """Show a page with a recipe in its head; give what one look at it sends."""
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    here = html.replace("https://stats.example.net", "http://stats.example.net")
    recorder.serve(PAGE, f"<!doctype html><head><title>t</title>{here}</head><p>Words")
    page.goto(PAGE)
    recorder.wait(1)
    sent = [post.payload() for post in recorder.settle(page)]
    assert [] == told
    return sent


@pytest.mark.parametrize("title", ["Static sites", "WordPress", "Google Tag Manager"])
def test_recipe_of_a_page_counts_it_once(title: str, page: Page, recorder: Recorder) -> None:
    """The line for static sites, what WordPress prints, and Tag Manager's tag each count."""
    language = "php" if title == "WordPress" else "html"
    text = re.sub(r"<\?php.*?\?>|<\?php.*", "", recipe(title, language), flags=re.DOTALL)

    sent = counted_from(text, recorder, page)

    assert [("pageview", PAGE, "example.org")] == [(hit["n"], hit["u"], hit["d"]) for hit in sent]


def test_pinned_version_is_checked_by_the_browser(page: Page, recorder: Recorder) -> None:
    """The pinned snippet counts with the digest of the bytes, and other bytes are not run."""
    body = hatch_build.whole(SOURCE)
    integrity = base64.b64encode(hashlib.sha384(body.encode()).digest()).decode()
    text = recipe("A version that cannot change", "html").replace("INTEGRITY", integrity)
    anyone = {"Access-Control-Allow-Origin": "*"}
    url = "http://stats.example.net/js/footfall.DIGEST.js"
    recorder.files[url] = ("text/javascript", body, anyone)
    first = counted_from(text, recorder, page)
    recorder.files[url] = ("text/javascript", body + ";", anyone)
    recorder.posts.clear()

    page.goto(PAGE)
    other = recorder.settle(page)

    del recorder.files[url]
    assert ["pageview"] == [hit["n"] for hit in first]
    assert [] == [post for post in other if post.payload()["n"] == "pageview"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pack the tracker as npm publishes it, and install it beside a bundler and a router."""
    folder = tmp_path_factory.mktemp("recipes")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(RECIPES / name, folder)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
    run("npm", "ci", *quiet, folder=folder)
    package = folder / "package"
    shutil.copytree(SOURCE.parent, package, ignore=shutil.ignore_patterns("dist"))
    (package / "dist").mkdir()
    (package / "dist" / "footfall.mjs").write_text(hatch_build.module(SOURCE), "utf-8")
    packed = json.loads(run("npm", "pack", "--json", folder=package))
    (folder / "packed.json").write_text(json.dumps(packed))
    tarball = next(package.glob("*.tgz"))
    run("npm", "install", "--no-save", *quiet, str(tarball), folder=folder)
    return folder


def run(*words: str, folder: Path) -> str:
    """Run a program in a folder and give what it said."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.needs_system("npm", "node")
def test_package_holds_the_module_its_types_and_its_source(installed: Path) -> None:
    """What npm would publish is the built module, its types, the README and the source."""
    told = json.loads((installed / "packed.json").read_text())
    listed = told[0] if isinstance(told, list) else next(iter(told.values()))
    names = {one["path"] for one in listed["files"]}

    assert FILES | {f"src/{path.name}" for path in SOURCE.glob("*.js")} == names


@pytest.mark.needs_system("npm", "node")
def test_node_imports_the_package(installed: Path) -> None:
    """A server that renders pages can import it: nothing of a browser is touched by that."""
    asks = "import('footfall-tracker').then((all) => console.log(Object.keys(all).join()))"

    assert "init,optOut,track" == run("node", "--eval", asks, folder=installed).strip()


@pytest.mark.needs_system("npm", "node")
def test_bundled_with_a_router_each_path_counts_once(
    installed: Path, page: Page, recorder: Recorder
) -> None:
    """Bundled by esbuild with a real router, each path is one pageview, whatever its query."""
    (installed / "app.js").write_text(ROUTED)
    bundler = installed / "node_modules" / "esbuild" / "bin" / "esbuild"
    bundle = run("node", str(bundler), "app.js", "--bundle", "--minify", folder=installed)
    recorder.files[f"{PAGE}js/app.js"] = ("text/javascript", bundle, {})

    sent = counted_from("<script src='/js/app.js'></script>", recorder, page)

    del recorder.files[f"{PAGE}js/app.js"]
    pages = [hit["u"] for hit in sent if hit["n"] == "pageview"]
    assert sorted([PAGE, f"{PAGE}about", f"{PAGE}users/7"]) == sorted(pages)


@pytest.mark.needs_system("npm", "node")
def test_types_fit_what_may_be_said_and_nothing_else(installed: Path) -> None:
    """A strict TypeScript compiler takes each documented use, and refuses each slip."""
    slips = "".join(f"// @ts-expect-error\n{line};\n" for line in MISTYPED)
    (installed / "typed.ts").write_text(TYPED + slips)
    compiler = installed / "node_modules" / "typescript" / "bin" / "tsc"
    options = ("--strict", "--noEmit", "--target", "esnext", "--moduleResolution", "bundler")

    assert "" == run("node", str(compiler), *options, "typed.ts", folder=installed)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts this machine to forward."""
    data = tmp_path_factory.mktemp("service") / "data"
    with Service(data, environ={"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1/32"}) as runs:
        yield runs


def pageviews(service: Service) -> int:
    """Count the pageviews there are by now."""
    found: int = service.aggregate()["pageviews"]
    return found


@contextmanager
def proxied(kind: str, folder: Path, upstream: int) -> Iterator[int]:
    """Run a site's own server with the recipe in it, and one page; give its port."""
    port = free_port()
    text = recipe({"nginx": "nginx", "caddy": "Caddy"}[kind], kind)
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    snippet = recipe("Under the site's own host", "html").replace("example.org", "localhost")
    page = snippet.replace("async", "async data-allow-local").replace('"', "'").replace("\n", "")
    if kind == "nginx":
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}} http {{"
            f"client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;"
            f"fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;"
            f"server {{ listen 127.0.0.1:{port}; {text} location = / {{ access_log off;"
            f'default_type text/html; return 200 "{page}"; }} }} }}'
        )
        command = ["nginx", "-p", str(folder), "-e", str(folder / "error")]
        command += ["-c", str(folder / "nginx.conf")]
    else:
        (folder / "Caddyfile").write_text(
            f"{{\n admin off\n}}\nhttp://localhost:{port} {{\n{text}\nhandle / {{\n"
            f'header Content-Type text/html\nrespond "{page}"\n}}\n}}\n'
        )
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with _running(command, homes, folder):
        yield port


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.needs_system(kind)) for kind in ("nginx", "caddy")],
)
def test_own_host_serves_script_endpoint_and_opt_out(
    kind: str, service: Service, tmp_path: Path, page: Page
) -> None:
    """Behind the recipe the script, the hit and the opt-out are the site's own, and work."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    missing: list[str] = []
    page.on("response", lambda got: missing.append(got.url) if got.status > 399 else None)
    made = service.footfall("token", "create", kind, "--scope", "read")
    token = made.stdout.split()[-1]
    before, refused = pageviews(service), refusals(service, token)
    with proxied(kind, tmp_path, service.port) as port:
        origin = f"http://localhost:{port}"
        show(page, origin)
        service.wait_for(before + 1, lambda: pageviews(service))

        page.click("a")
        page.click("button[value=out]")
        said = page.inner_text("[role=status]")
        cookies = {cookie["name"]: cookie["httpOnly"] for cookie in page.context.cookies(origin)}
        show(page, origin)
        service.wait_for(refused + 1, lambda: refusals(service, token))
        page.goto(f"{origin}/opt-out/widget")
        framed = page.inner_text("[role=status]")

    assert "You have opted out." in said
    assert "are not counted" in framed
    assert cookies.get("optout") is True
    assert before + 1 == pageviews(service)
    assert [] == [url for url in asked if not url.startswith(origin)]
    assert [] == [url for url in missing if not url.endswith("/favicon.ico")]
    assert 2 <= len([url for url in asked if ".css" in url])


def answers(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def show(page: Page, origin: str) -> None:
    """Look at the site's page until its hit has been answered, trying until the proxy is up."""
    with page.expect_response("**/api/event") as answer:
        for _ in range(100):
            try:
                page.goto(origin + "/")
                break
            except Exception:
                page.wait_for_timeout(100)
    assert answer.value.status == 202


@pytest.mark.needs_system("npm", "node")
def test_worker_forwards_script_hit_and_opt_out(
    installed: Path, service: Service, tmp_path: Path
) -> None:
    """Cloudflare's worker, run by its own runtime, forwards all three."""
    port = free_port()
    code = recipe("Cloudflare Workers", "js").replace("https://stats.example.net", service.url)
    (tmp_path / "worker.js").write_text(code)
    (tmp_path / "config.capnp").write_text(CAPNP.replace("PORT", str(port)))
    binary = next((installed / "node_modules" / "@cloudflare").glob("workerd-*/bin/workerd"))
    worker = Service(tmp_path / "data", port=port)
    headers = {"CF-Connecting-IP": "81.2.69.142", "X-Forwarded-For": "1.2.3.4"}
    before = pageviews(service)
    with _running([str(binary), "serve", str(tmp_path / "config.capnp")], {}, tmp_path):
        worker.wait_for(True, lambda: answers(port))
        script = worker.get("/js/footfall.js").body
        first = worker.hit("/", headers=headers)
        form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": CHROME}
        out = worker.post("/opt-out", b"choice=out", form)
        cookie = next(value for name, value in out.headers.items() if name.lower() == "set-cookie")
        second = worker.hit("/", headers={**headers, "Cookie": cookie.partition(";")[0]})

    assert script == service.get("/js/footfall.js").body
    assert (202, 202) == (first.status, second.status)
    assert "optout=1" in cookie
    service.wait_for(before + 1, lambda: pageviews(service))
