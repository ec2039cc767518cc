"""A file system in a file, and what a power cut would leave of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make(image: Path, size_mib: int = 512) -> None:
    """Make an image with an empty ext4 file system."""
    with image.open("wb") as file:
        file.truncate(size_mib << 20)
    _run("mkfs.ext4", "-q", "-F", str(image))


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount an image, replaying its journal as a machine does that comes back; needs root."""
    place = image.with_suffix(".mounted")
    place.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        _run("umount", str(place))


def cut(image: Path, copy: Path) -> None:
    """Copy what has reached the disk; whatever only the kernel's memory has is not in it.

    The process that writes has to be stopped, or the copy would not be of one moment. Holes stay
    holes, so that it does not stand still for longer than its senders wait for an answer.
    """
    _run("cp", "--sparse=always", str(image), str(copy))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
