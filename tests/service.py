"""Run the real service as its owner does: `footfall serve` in a process of its own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from collector.registry.store import Registry

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
START_SECONDS = 60


def free_port() -> int:
    """Find a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def runtime_folder() -> Path:
    """Make a folder on tmpfs that goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="footfall-test-", dir="/dev/shm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


@dataclass
class Service:
    """A running `footfall serve`; a context manager that ends it cleanly.

    Attributes:
        data_dir: its data directory.
        runtime: the folder of its day secrets, on tmpfs; gone when the tests end.
        public_sites: the sites it has from the start, readable by all.
        options: further arguments of `serve`.
        environ: further environment, such as FOOTFALL_SEAL__GRACE_S.
        command: what runs `footfall`; `serve` and the options follow.
    """

    data_dir: Path
    public_sites: tuple[str, ...] = ("localhost",)
    options: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = (sys.executable, "-m", "collector.cli")
    port: int = field(default_factory=free_port)
    runtime: Path = field(default_factory=runtime_folder)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The service's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file both output streams of the service go to."""
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def footfall(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one `footfall` command on the same data directory."""
        return subprocess.run(
            [sys.executable, "-m", "collector.cli", *arguments],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def prepare(self) -> None:
        """Make the data directory with the public sites, without a process of its own for each."""
        self.data_dir.mkdir(parents=True)
        with Registry(self.data_dir / "registry.sqlite3") as registry:
            for site in self.public_sites:
                registry.add_site(site, public=True)

    def start(self, *, wait: bool = True) -> Service:
        """Start the process and wait until it accepts hits."""
        if not self.data_dir.exists():
            self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", *self.options],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until /readyz answers 200; fails with the service's output if it never does."""
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            if self.process is not None and self.process.poll() is not None:
                break
            try:
                if self.get("/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the service did not start:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Ask for a clean stop and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process = None
        return code

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Send a GET; redirects are not followed."""
        return self._send(urllib.request.Request(self.url + path, headers=headers or {}))

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """Send a POST with a body."""
        return self._send(
            urllib.request.Request(self.url + path, data=body, headers=headers or {}, method="POST")
        )

    def hit(
        self,
        path: str = "/",
        *,
        site: str = "localhost",
        user_agent: str = CHROME,
        headers: dict[str, str] | None = None,
        **payload: object,
    ) -> Answer:
        """Report one pageview in the tracker's own format."""
        body = json.dumps({"n": "pageview", "u": f"http://{site}{path}", "d": site, **payload})
        return self.post(
            "/api/event",
            body.encode(),
            {"User-Agent": user_agent, "Content-Type": "text/plain", **(headers or {})},
        )

    def aggregate(self, site: str = "localhost", metrics: str = "visitors,visits,pageviews") -> Any:
        """Read today's totals through the reading API."""
        answer = self.get(f"/api/v1/stats/aggregate?site_id={site}&period=day&metrics={metrics}")
        assert answer.status == 200, answer
        return {name: cell["value"] for name, cell in answer.json()["results"].items()}

    def breakdown(self, dimension: str, metric: str, site: str = "localhost") -> dict[str, Any]:
        """Read today's breakdown of one metric through the reading API."""
        answer = self.get(
            f"/api/v1/stats/breakdown?site_id={site}&period=day&property={dimension}"
            f"&metrics={metric}&limit=1000"
        )
        assert answer.status == 200, answer
        name = dimension.split(":")[1]
        return {row[name]: row[metric] for row in answer.json()["results"]}

    def wait_for(self, expected: Any, ask: Any, seconds: float = 60) -> None:
        """Ask until the answer is the expected one; fails with the last answer."""
        ends = time.monotonic() + seconds
        answer = ask()
        while answer != expected and time.monotonic() < ends:
            time.sleep(0.1)
            answer = ask()
        assert expected == answer

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, if still running."""
        if self.process is not None:
            self.stop()

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FOOTFALL_")}
        return {
            **kept,
            "FOOTFALL_DATA_DIR": str(self.data_dir),
            "FOOTFALL_PORT": str(self.port),
            "FOOTFALL_SECRETS__RUNTIME_DIR": str(self.runtime),
            **self.environ,
        }

    @staticmethod
    def _send(request: urllib.request.Request) -> Answer:
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, dict(refused.headers.items()), refused.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
