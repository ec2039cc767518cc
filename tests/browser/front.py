"""Stand before a service as its owner's proxy does: own hosts, own pages, with or without TLS.

`stats.` hosts are the collector; on `proxied.example` the collector answers under the site's own
host; everything else is an owner's page, from `pages`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROXIED = "proxied.example"
FORWARDED = ("/js/", "/api/", "/opt-out", "/pixel.gif", "/privacy/", "/static/")
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: Mapping[str, str]
    port: int

    def do_GET(self) -> None:
        """Forward to the service, or show an owner's page."""
        host = self.headers.get("Host", "").partition(":")[0]
        path = self.path.partition("?")[0]
        if host.startswith("stats.") or (host == PROXIED and path.startswith(FORWARDED)):
            self._forward()
        elif path == "/favicon.ico":
            self._answer(200, [("Content-Type", "image/x-icon")], b"")
        else:
            found = self.pages.get(host + path)
            kind = [("Content-Type", "text/html; charset=utf-8")]
            self._answer(404 if found is None else 200, kind, (found or "").encode())

    def do_POST(self) -> None:
        """Forward what is posted."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {
            name: ", ".join(self.headers.get_all(name) or ())
            for name in self.headers
            if name.lower() not in _HOP_BY_HOP
        }
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as service:
            service.request(self.command, self.path, body or None, headers)
            answer = service.getresponse()
            told = answer.read()
        given = [pair for pair in answer.getheaders() if pair[0].lower() not in _HOP_BY_HOP]
        self._answer(answer.status, given, told)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser hangs up when it likes."""


@contextmanager
def front(service_port: int, pages: Mapping[str, str], folder: Path | None) -> Iterator[int]:
    """Run a front and give its port.

    Args:
        pages: the owner's pages, by host and path.
        folder: where to keep a certificate made now; None: plain HTTP.
    """
    handler = type("Answers", (_Answers,), {"pages": pages, "port": service_port})
    server = _Server(("127.0.0.1", 0), handler)
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that signs itself, good for a day; give its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "footfall tests")])
    now = datetime.now(UTC)
    hosts = ("example.org", "*.example.org", "stats.example.net", PROXIED, "localhost")
    names = [x509.DNSName(host) for host in hosts]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "front.pem", folder / "front.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, secret
