"""Let commands reach the running service through a Unix socket in the data directory.

Knows one line of JSON a question and one an answer; refuses to know what a
command does. The embedded store belongs to one process, so commands that
need it ask the service while one runs. `ControlServer` is made by `app`,
`send_request` is called by `commands`.
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
QUESTION_SECONDS = 10
# The address of a Unix socket has 108 bytes, the last of them NUL.
_ADDRESS_BYTES = 107


class ControlError(CollectorError):
    """Raised if the running service could not do what a command asked; says why."""


class ControlRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a command asks of the service."""

    command: str
    arguments: dict[str, Any] = {}


class ControlResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What the service answers: a value, or a sentence of what went wrong."""

    value: Any = None
    error: str = ""


class ControlServer:
    """The service's side: answers each connection's one question, for its owner only.

    Args:
        path: of the socket; a dead one is replaced.
        handlers: by the command's name; each is given the arguments and returns
            what msgspec can write as JSON.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            StoreBusy: if another service listens there.
        """
        with _addressed(self._path) as address:
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
        # On a disk that turned read-only it stays; the next start takes its place.
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                line = await reader.readline()
            writer.write(msgspec.json.encode(await self._reply(line)) + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            # The command went away or never asked: there is nobody to tell.
            pass
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> ControlResponse:
        try:
            question = msgspec.json.decode(line, type=ControlRequest)
        except msgspec.MsgspecError as broken:
            return ControlResponse(error=f"not a question: {broken}")
        handler = self._handlers.get(question.command)
        if handler is None:
            return ControlResponse(
                error=f"the running service knows no command {question.command!r}"
            )
        try:
            return ControlResponse(value=await handler(question.arguments))
        except CollectorError as failed:
            return ControlResponse(error=str(failed))


def send_request(path: Path, command: str, **arguments: Any) -> ControlResponse | None:
    """Ask the running service, and wait as long as it takes.

    Returns:
        Its answer; None if no service runs.

    Raises:
        ControlError: if the service answered that it could not, or went away.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            with _addressed(path) as address:
                line.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as failed:
            raise ControlError(f"{path}: cannot be reached: {failed}") from failed
        return _exchange(line, ControlRequest(command, arguments))


def _exchange(line: socket.socket, question: ControlRequest) -> ControlResponse:
    try:
        line.sendall(msgspec.json.encode(question) + b"\n")
        with line.makefile("rb") as stream:
            answer = msgspec.json.decode(stream.readline(), type=ControlResponse)
    except (OSError, msgspec.MsgspecError) as broken:
        raise ControlError("the service went away before it answered") from broken
    if answer.error:
        raise ControlError(answer.error)
    return answer


def _bind(path: Path, address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Made 0600 from the start: a chmod afterwards would leave a moment for others.
    mask = os.umask(0o177)
    try:
        if _is_dead(address):
            path.unlink(missing_ok=True)
        listener.bind(address)
    except OSError as taken:
        listener.close()
        raise StoreBusy(f"{path}: another service listens there") from taken
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
def _addressed(path: Path) -> Iterator[str]:
    """Give an address that fits, for a path of any length."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
