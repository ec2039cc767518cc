"""A real disk that fails when it is told to: an ext4 file system in a file that has holes.

Its file lies on a tmpfs. Once that is full, every block that was never written
before fails as on a dying disk: the write is taken, and `fsync` says EIO.
Needs root, for it mounts; the suite runs as root in CI.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BACKING_MIB, DISK_MIB = 40, 64
BLOCK_BYTES = 4096


class FailingDisk:
    """The disk, mounted at a folder."""

    def __init__(self, place: Path, ballast: Path) -> None:
        """Know where it is mounted, and what fills its backing."""
        self.place = place
        self._ballast = ballast

    def fail(self) -> None:
        """Let writes to new blocks fail with EIO from now on."""
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(BLOCK_BYTES))

    def heal(self) -> None:
        """Let writes succeed again."""
        self._ballast.unlink()

    def turn_read_only(self) -> None:
        """Let the kernel find an error in the file system: EROFS, until it is mounted anew."""
        source = _run("findmnt", "-n", "-o", "SOURCE", str(self.place)).strip()
        Path(f"/sys/fs/ext4/{Path(source).name}/trigger_fs_error").write_text("1")

    def mount_anew(self) -> None:
        """Do what a person does: unmount, check, mount."""
        image = self._ballast.with_name("image")
        _run("umount", str(self.place))
        subprocess.run(["e2fsck", "-f", "-y", str(image)], capture_output=True, check=False)
        _mount(image, self.place)


@contextmanager
def a_failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Mount such a disk at `data` below a folder; it works at first."""
    backing, place = folder / "backing", folder / "data"
    backing.mkdir()
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={BACKING_MIB}m", "none", str(backing))
    try:
        image = backing / "image"
        with image.open("wb") as file:
            file.truncate(DISK_MIB << 20)
        # Without a journal of its own the file system survives what its files do not; its
        # tables are written beforehand, so that they fail with no block.
        options = ["-O", "^has_journal", "-E", "lazy_itable_init=0"]
        _run("mkfs.ext4", "-q", "-F", *options, str(image))
        _mount(image, place)
        try:
            yield FailingDisk(place, backing / "ballast")
        finally:
            _run("umount", str(place))
    finally:
        _run("umount", str(backing))


def _mount(image: Path, place: Path) -> None:
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(place))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
