"""Run the proxies that we describe in docker/, each with our own configuration."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.service import CHROME, free_port

DOCKER = Path(__file__).parents[2] / "docker"
START_SECONDS = 20


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs.

    Attributes:
        secure: whether it speaks TLS.
    """

    port: int
    secure: bool

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Send a hit on a connection of its own; return the status."""
        sent = {"User-Agent": CHROME, "Content-Type": "text/plain", **(headers or {})}
        connection = self._connect()
        try:
            connection.request("POST", "/api/event", body, sent)
            return connection.getresponse().status
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        if not self.secure:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=anyone)


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run docker/nginx/footfall.conf, with a certificate, port and upstream of the test's."""
    port = free_port()
    subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    pair = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(["openssl", "req", "-x509", *subject, *pair], check=True, capture_output=True)
    described = (DOCKER / "nginx" / "footfall.conf").read_text()
    changed = (
        described.replace("listen 443", f"listen 127.0.0.1:{port}")
        .replace("server 127.0.0.1:8000", f"server 127.0.0.1:{upstream}")
        .replace("/etc/ssl/footfall", str(folder))
    )
    (folder / "footfall.conf").write_text(changed)
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{name}_temp_path {folder}/{name};" for name in names)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log {folder}/error.log;"
        f"events {{}} http {{ {places} include {folder}/footfall.conf; }}"
    )
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log")]
    command += ["-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with _running(command, {}, folder):
        yield _answering(Proxy(port, secure=True))


@contextmanager
def caddy(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run docker/caddy/Caddyfile, without a certificate, for a port and upstream of the test's."""
    port = free_port()
    command = ["caddy", "run", "--adapter", "caddyfile"]
    command += ["--config", str(DOCKER / "caddy" / "Caddyfile")]
    environ = {
        "FOOTFALL_DOMAIN": f"http://127.0.0.1:{port}",
        "FOOTFALL_UPSTREAM": f"127.0.0.1:{upstream}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
    }
    with _running(command, environ, folder):
        yield _answering(Proxy(port, secure=False))


@contextmanager
def _running(command: list[str], environ: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / "proxy.log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answering(proxy: Proxy) -> Proxy:
    ends = time.monotonic() + START_SECONDS
    while True:
        connection = proxy._connect()
        try:
            connection.connect()
        except OSError:
            assert time.monotonic() < ends, "the proxy does not answer"
            time.sleep(0.05)
        else:
            return proxy
        finally:
            connection.close()
