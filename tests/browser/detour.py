"""Lead every host that a browser asks for to servers of this process, by port.

Chromium takes a flag for that (`--host-resolver-rules`); other browsers take a SOCKS proxy
(RFC 1928, version 5, no authentication), and this is one.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

CHUNK = 65_536
_ANSWERED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
_NO_SUCH_HOST = b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"
_LENGTHS = {1: 4, 4: 16}
_NAMED = 3


class _Detour(socketserver.StreamRequestHandler):
    ports: Mapping[int, int]

    def handle(self) -> None:
        """Greet, read where the browser wants to go, and pass bytes on both ways."""
        self.rfile.read(self.rfile.read(2)[1])
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        self.rfile.read(self.rfile.read(1)[0] if kind == _NAMED else _LENGTHS[kind])
        wanted = int.from_bytes(self.rfile.read(2), "big")
        if wanted not in self.ports:
            self.wfile.write(_NO_SUCH_HOST)
            return
        with socket.create_connection(("127.0.0.1", self.ports[wanted])) as server:
            self.wfile.write(_ANSWERED)
            back = threading.Thread(target=_pump, args=(server, self.connection), daemon=True)
            back.start()
            _pump(self.connection, server)
            back.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser hangs up when it likes."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def detour(ports: Mapping[int, int]) -> Iterator[int]:
    """Run a detour and give its port.

    Args:
        ports: where to lead to on this machine, by the port that was asked for.
    """
    handler = type("Detour", (_Detour,), {"ports": ports})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
