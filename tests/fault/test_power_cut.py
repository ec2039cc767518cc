"""The power goes: what was acknowledged is on the disk, and the store opens."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.fault import disk_image
from tests.fault.senders import TRUSTING, Stream
from tests.service import Service

pytestmark = pytest.mark.needs_system("root", "mkfs.ext4")
CUTS = 2
UNSYNCED = "what nobody synced is not there, or the power was never cut"


def a_service(data_dir: Path, memory: str) -> Service:
    """Describe a service on a disk, its day secrets in a folder on tmpfs."""
    return Service(data_dir, environ={**TRUSTING, "FOOTFALL_SECRETS__RUNTIME_DIR": memory})


def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Copies of a disk in use, started with an empty tmpfs, hold every acknowledged hit once."""
    image = tmp_path / "disk.img"
    copies: list[tuple[Path, set[str]]] = []
    disk_image.make(image)

    with disk_image.mounted(image) as disk, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        service = a_service(disk / "data", memory).start()
        stream = Stream(service)
        stream.start()
        for number in range(CUTS):
            stream.wait_for(110)
            copies.append(_cut(service, stream, image, tmp_path / f"cut{number}.img"))
        service.kill()
        stream.stop()
    survived = [_survives(copy, stream, acknowledged) for copy, acknowledged in copies]

    assert all(len(acknowledged) > 100 for _, acknowledged in copies)
    assert len(copies[0][1]) < len(copies[1][1])
    assert [[]] * CUTS == survived


def _cut(service: Service, stream: Stream, image: Path, copy: Path) -> tuple[Path, set[str]]:
    assert service.process is not None
    os.kill(service.process.pid, signal.SIGSTOP)
    acknowledged = set(stream.acknowledged)
    (service.data_dir.parent / copy.stem).write_text(UNSYNCED)
    disk_image.cut(image, copy)
    os.kill(service.process.pid, signal.SIGCONT)
    return copy, acknowledged


def _survives(copy: Path, stream: Stream, acknowledged: set[str]) -> list[str]:
    """Start on a copy, and say everything that is wrong with it."""
    with disk_image.mounted(copy) as disk, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        service = a_service(disk / "data", memory).start()
        code = service.stop()
        wrong = stream.verdict_on(service, acknowledged)
        unsynced = disk / copy.stem
        uncut = unsynced.exists() and unsynced.read_text() == UNSYNCED
        broken = [str(left) for left in disk.rglob("detached/*") if left.is_dir()]
    return [
        *([f"exit code {code}"] if code else []),
        *wrong,
        *(["the power was not cut"] if uncut else []),
        *(f"left broken: {part}" for part in broken),
    ]
