"""Let commands reach the running service through a Unix socket in the data directory.

A request is one line of JSON, and so is a response. The embedded store belongs to one process:
commands that need it send a request while a service runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from collector.errors import CollectorError, StoreBusy

Handler = Callable[[dict[str, Any]], Awaitable[Any]]

LINE_BYTES = 1 << 24
REQUEST_SECONDS = 10
# The address of a Unix socket has 108 bytes, the last of them NUL.
_ADDRESS_BYTES = 107


class ControlError(CollectorError):
    """Raised if the running service failed to do what a command asked; says why."""


class ControlRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation to run, with its arguments."""

    command: str
    arguments: dict[str, Any] = {}


class ControlResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an operation, or a sentence that says why it failed."""

    value: Any = None
    error: str = ""


class ControlServer:
    """The server: answers one request per connection, from processes of its own user only.

    Args:
        path: of the socket; a dead one is replaced.
        handlers: by the operation's name; each takes the arguments and returns JSON types.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            StoreBusy: if another service listens on the socket.
        """
        with _short_address(self._path) as address:
            listener = _bind(self._path, address)
        self._server = await asyncio.start_unix_server(
            self._answer, sock=listener, limit=LINE_BYTES
        )

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        await self._server.wait_closed()
        self._server = None
        # On a disk that became read-only it stays; the next start replaces it.
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                line = await reader.readline()
            writer.write(msgspec.json.encode(await self._reply(line)) + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            # The command disconnected or sent no request: there is no one to answer.
            pass
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> ControlResponse:
        try:
            request = msgspec.json.decode(line, type=ControlRequest)
        except msgspec.MsgspecError as broken:
            return ControlResponse(error=f"malformed request: {broken}")
        handler = self._handlers.get(request.command)
        if handler is None:
            return ControlResponse(error=f"the running service has no command {request.command!r}")
        try:
            return ControlResponse(value=await handler(request.arguments))
        except CollectorError as failed:
            return ControlResponse(error=str(failed))


def send_request(path: Path, command: str, **arguments: Any) -> ControlResponse | None:
    """Send a request to the running service, and wait for its response without a time limit.

    Returns:
        The response; None if no service runs.

    Raises:
        ControlError: if the operation failed, or the service disconnected.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            with _short_address(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as failed:
            raise ControlError(f"{path}: cannot connect: {failed}") from failed
        return _exchange(connection, ControlRequest(command, arguments))


def _exchange(connection: socket.socket, request: ControlRequest) -> ControlResponse:
    try:
        connection.sendall(msgspec.json.encode(request) + b"\n")
        with connection.makefile("rb") as stream:
            response = msgspec.json.decode(stream.readline(), type=ControlResponse)
    except (OSError, msgspec.MsgspecError) as broken:
        raise ControlError("the service disconnected before it answered") from broken
    if response.error:
        raise ControlError(response.error)
    return response


def _bind(path: Path, address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Created with mode 0600: with a chmod afterwards others could connect in between.
    mask = os.umask(0o177)
    try:
        if _is_dead(address):
            path.unlink(missing_ok=True)
        listener.bind(address)
    except OSError as taken:
        listener.close()
        raise StoreBusy(f"{path}: another service is running") from taken
    finally:
        os.umask(mask)
    return listener


def _is_dead(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return True
    return False


@contextlib.contextmanager
def _short_address(path: Path) -> Iterator[str]:
    """Return an address of at most 107 bytes, for a path of any length."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
