"""Speak ClickHouse's HTTP protocol over chDB, in a process of its own, for tests only.

`python -m tests.clickhouse_front FOLDER PORT`. Statements, settings, parameters,
error codes, KILL QUERY and system.processes are a server's; compression,
sessions, users and progress are left out. Files in FOLDER/faults make inserts
misbehave: `before` and `after` stall them for as long as the file is there,
`refuse` holds an error code to answer, `reject` bytes that no batch may hold.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import chdb

NO_SETTINGS = frozenset({"query", "query_id", "database", "wait_end_of_query"})
CANCELLED, CANNOT_PARSE = 394, 27


class Failed(Exception):
    """An error that has a code of ClickHouse's."""

    def __init__(self, code: int, text: str) -> None:
        """Say which and why."""
        super().__init__(text)
        self.code = code


class Server(ThreadingHTTPServer):
    """The front: one thread a connection, one chDB handle a request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, port: int) -> None:
        """Open the engine and listen."""
        self.store = str(folder / "store")
        self.faults = folder / "faults"
        self.faults.mkdir(parents=True, exist_ok=True)
        self.inserts: dict[str, threading.Event] = {}
        self.engine = chdb.connect(self.store)
        super().__init__(("127.0.0.1", port), Handler)

    def run(self, statement: str, body: bytes, params: dict[str, str]) -> bytes:
        """Run one statement as a server would."""
        token = params.get("param_token", "")
        attempts = [each for each in self.inserts if each.startswith(token)]
        if statement.startswith("KILL QUERY"):
            for attempt in attempts:
                self.inserts[attempt].set()
            while any(attempt in self.inserts for attempt in attempts):
                time.sleep(0.01)
            return b""
        if "FROM system.processes" in statement:
            statement = f"SELECT toUInt64({len(attempts)}) FORMAT Native"
        if statement.startswith("INSERT") and body:
            return self.insert(statement, body, params)
        return self.ask(statement, params)

    def insert(self, statement: str, body: bytes, params: dict[str, str]) -> bytes:
        """Run an INSERT with its data, or have the fault that a file asks for."""
        attempt = params.get("query_id", str(threading.get_ident()))
        cancelled = self.inserts[attempt] = threading.Event()
        try:
            self.stall("before", cancelled)
            if (code := self.fault("refuse")) is not None:
                raise Failed(int(code), "refused as the test asked")
            if (bytes_at_fault := self.fault("reject")) is not None and bytes_at_fault in body:
                raise Failed(CANNOT_PARSE, "rejected as the test asked")
            before, _, form = statement.rpartition(" FORMAT ")
            data = os.memfd_create("body")
            with os.fdopen(data, "wb") as file:
                file.write(body)
                file.flush()
                source = f"FROM INFILE '/proc/self/fd/{data}' FORMAT {form}"
                answer = self.ask(f"{before} {source}", params)
            self.stall("after", cancelled)
            return answer
        finally:
            del self.inserts[attempt]

    def fault(self, name: str) -> bytes | None:
        """Read what a fault asks for; None if it is not there."""
        path = self.faults / name
        return path.read_bytes() if path.exists() else None

    def stall(self, name: str, cancelled: threading.Event) -> None:
        """Wait while a fault lasts; a killed statement ends with an error."""
        while self.fault(name) is not None and not cancelled.is_set():
            time.sleep(0.01)
        if cancelled.is_set():
            raise Failed(CANCELLED, "Query was cancelled")

    def ask(self, statement: str, params: dict[str, str]) -> bytes:
        """Run a statement in a handle of its own."""
        handle = chdb.connect(self.store)
        try:
            if database := params.get("database"):
                handle.query(f"USE `{database}`", "TabSeparated")
            for name, value in params.items():
                if name not in NO_SETTINGS and not name.startswith("param_"):
                    handle.query(f"SET {name} = '{value}'", "TabSeparated")
            values = {
                name[6:]: value for name, value in params.items() if name.startswith("param_")
            }
            return bytes(handle.query(statement, "TabSeparated", params=values).bytes())
        except RuntimeError as refused:
            code = re.search(r"Code: (\d+)", str(refused))
            raise Failed(int(code[1]) if code else 1002, str(refused)) from refused
        finally:
            handle.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer a ping."""
        self.answer(200, b"Ok.\n", {})

    def do_POST(self) -> None:
        """Run the statement of a request, from its address or its body."""
        params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        statement = params.get("query", "")
        if not statement:
            statement, body = body.decode(), b""
        try:
            self.answer(200, self.server.run(statement, body, params), {})
        except Failed as failed:
            text = f"Code: {failed.code}. DB::Exception: {failed}".encode()
            self.answer(500, text, {"X-ClickHouse-Exception-Code": str(failed.code)})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send an answer; whoever asked may have gone."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """Serve the connection until either side goes."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Server(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
