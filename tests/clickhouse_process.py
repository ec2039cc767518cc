"""Run the ClickHouse front in a process of its own, or find the server that the tests are given."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.cells.client import Store
from tests.service import free_port

START_SECONDS = 30


class Front:
    """The front over one folder; may be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; nothing runs yet."""
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "tests.clickhouse_front", str(self.folder), str(self.port)]
        root = Path(__file__).parent.parent
        self._process = subprocess.Popen(command, cwd=root)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("the front does not answer")

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def dsn(self, database: str = "default", port: int | None = None) -> str:
        """Name a database of it, at its own port or that of a proxy before it."""
        return f"clickhouse://default:@127.0.0.1:{port or self.port}/{database}"

    def begin(self, fault: str, content: bytes = b"") -> None:
        """Begin one of the front's faults."""
        unfinished = self.folder / "unfinished"
        unfinished.write_bytes(content)
        unfinished.rename(self.folder / "faults" / fault)

    def end(self, fault: str) -> None:
        """End a fault."""
        (self.folder / "faults" / fault).unlink()

    def stalls(self) -> bool:
        """Tell whether a fault stalls every INSERT."""
        return any((self.folder / "faults" / fault).exists() for fault in ("before", "after"))

    def behave(self) -> None:
        """End every fault."""
        for fault in (self.folder / "faults").iterdir():
            fault.unlink()


@contextmanager
def a_front(folder: Path) -> Iterator[Front]:
    """Run a front while the context lasts."""
    front = Front(folder)
    front.start()
    try:
        yield front
    finally:
        front.kill()


def new_database(front: Front | None) -> str:
    """Make an empty database on the given server, or else on the front; return its DSN."""
    given = os.environ.get("FOOTFALL_TEST_CLICKHOUSE_DSN", "")
    name = f"footfall_test_{uuid.uuid4().hex[:12]}"
    dsn = given or (front.dsn() if front else "")
    server = Store(Path("/nonexistent"), dsn)
    server.command(f"CREATE DATABASE {name}")
    server.close()
    return f"{dsn.rpartition('/')[0]}/{name}"
