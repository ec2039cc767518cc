"""Stand between delivery and a server, and cut or hold what passes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

CHUNK = 65_536
INSERT = b"INSERT+INTO+hits"


class Proxy:
    """A TCP proxy on a port of its own.

    Attributes:
        cut_replies: how many replies to INSERTs are still to be cut off.
        cut_requests: how many INSERTs are still to be cut off half-way.
        hold: set while INSERTs that arrive wait before they are passed on.
        held: how many INSERTs were held.
    """

    def __init__(self, target: int) -> None:
        """Listen, and pass everything on to a local port."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_replies = self.cut_requests = self.held = 0
        self.hold = threading.Event()
        self._go_on = threading.Event()
        self._holding = list[threading.Thread]()
        threading.Thread(target=self._accept, daemon=True).start()

    def release(self) -> None:
        """Pass on what is held, wait until all of it is answered, and hold no more."""
        self.hold.clear()
        self._go_on.set()
        for thread in self._holding:
            thread.join()

    def holds(self) -> bool:
        """Tell whether INSERTs that arrive are held."""
        return self.hold.is_set()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            server = socket.create_connection(("127.0.0.1", self._target))
            doomed = threading.Event()
            back = threading.Thread(target=self._reply, args=(server, client, doomed), daemon=True)
            back.start()
            with server:
                while chunk := client.recv(CHUNK):
                    if INSERT in chunk and not self._may_pass(server, chunk, doomed):
                        return
                    server.sendall(chunk)
                # Whoever asked may be gone; what was passed on is answered all the same.
                server.shutdown(socket.SHUT_WR)
                back.join()

    def _may_pass(self, server: socket.socket, chunk: bytes, doomed: threading.Event) -> bool:
        if self.cut_requests:
            self.cut_requests -= 1
            server.sendall(chunk[: len(chunk) // 2])
            return False
        if self.cut_replies:
            self.cut_replies -= 1
            doomed.set()
        if self.hold.is_set():
            self._holding.append(threading.current_thread())
            self.held += 1
            self._go_on.wait()
        return True

    def _reply(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while chunk := server.recv(CHUNK):
                if doomed.is_set():
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(chunk)
            client.shutdown(socket.SHUT_RDWR)
