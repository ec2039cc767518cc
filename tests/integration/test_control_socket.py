"""The control socket: one question, one answer, for the service's owner only."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from collector.errors import SealError, StoreBusy
from collector.service.control_socket import (
    ControlError,
    ControlResponse,
    ControlServer,
    send_request,
)

Result = TypeVar("Result")


async def _echo(arguments: dict[str, Any]) -> Any:
    return arguments


async def _refuse(_: dict[str, Any]) -> Any:
    raise SealError("the day stays open")


HANDLERS = {"echo": _echo, "refuse": _refuse}


def while_serving(path: Path, question: Callable[[], Result]) -> Result:
    """Run a server around a question asked from another thread, as a command would."""

    async def serve_and_ask() -> Result:
        server = ControlServer(path, HANDLERS)
        await server.start()
        try:
            return await asyncio.to_thread(question)
        finally:
            await server.close()

    return asyncio.run(serve_and_ask())


def test_a_question_is_answered(tmp_path: Path) -> None:
    """Arguments arrive as they were sent, and the answer comes back."""
    path = tmp_path / "control.sock"

    answer = while_serving(path, lambda: send_request(path, "echo", days=[1, 2], name="é"))

    assert answer == ControlResponse(value={"days": [1, 2], "name": "é"})


def test_nobody_answers_when_no_service_runs(tmp_path: Path) -> None:
    """Without a socket, or with one that a crash left, there is no answer and no error."""
    path = tmp_path / "control.sock"
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))

    assert send_request(path, "echo") is None
    assert send_request(dead, "echo") is None


def test_a_dead_socket_is_replaced(tmp_path: Path) -> None:
    """A service starts where another was killed."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    answer = while_serving(path, lambda: send_request(path, "echo"))

    assert answer == ControlResponse(value={})


def test_a_second_service_is_refused(tmp_path: Path) -> None:
    """Where one service listens, another does not start, and the first goes on."""
    path = tmp_path / "control.sock"

    def start_another() -> ControlResponse | None:
        with pytest.raises(StoreBusy, match="another service"):
            asyncio.run(ControlServer(path, HANDLERS).start())
        return send_request(path, "echo")

    assert while_serving(path, start_another) == ControlResponse(value={})


def test_a_path_of_any_length_works(tmp_path: Path) -> None:
    """The 108 bytes of a socket's address are no limit of the data directory."""
    folder = tmp_path / ("d" * 120) / ("é" * 60)
    folder.mkdir(parents=True)
    path = folder / "control.sock"

    answer = while_serving(path, lambda: send_request(path, "echo", n=1))

    assert answer == ControlResponse(value={"n": 1})


def test_only_the_owner_may_connect(tmp_path: Path) -> None:
    """The socket is made for its owner, and gone when the service ends."""
    path = tmp_path / "control.sock"

    mode = while_serving(path, lambda: stat.S_IMODE(path.stat().st_mode))

    assert mode == 0o600
    assert not path.exists()


@pytest.mark.parametrize(
    ("command", "said"), [("refuse", "the day stays open"), ("unknown", "has no command")]
)
def test_a_failed_command_is_told_why(tmp_path: Path, command: str, said: str) -> None:
    """An error of the service becomes an error of the command, in the same words."""
    path = tmp_path / "control.sock"

    def fail() -> str:
        with pytest.raises(ControlError) as failed:
            send_request(path, command)
        return str(failed.value)

    assert said in while_serving(path, fail)


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"command": 3}\n', b"\xff\n", b'{"command":'])
def test_a_broken_question_does_no_harm(tmp_path: Path, line: bytes) -> None:
    """What is no question is told so, and the next one is answered."""
    path = tmp_path / "control.sock"

    def break_and_ask() -> tuple[bytes, ControlResponse | None]:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(path))
            wire.sendall(line)
            wire.shutdown(socket.SHUT_WR)
            said = wire.recv(1000)
        return said, send_request(path, "echo")

    said, answer = while_serving(path, break_and_ask)

    assert b"malformed request" in said
    assert answer == ControlResponse(value={})
