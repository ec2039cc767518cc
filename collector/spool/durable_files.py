"""Lock a data directory against a second process, and make changes to a folder durable."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from collector.errors import StoreBusy


def lock(path: Path) -> int:
    """Take a lock file, created with its folder if need be; the kernel frees it with the process.

    Returns:
        The descriptor that holds the lock; closing it releases the lock.

    Raises:
        StoreBusy: if another process holds it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        os.close(descriptor)
        raise StoreBusy(
            f"another process of Footfall has the data directory {path.parent}; stop it first"
        ) from held
    return descriptor


def create(path: Path) -> None:
    """Create a file that only its owner can read, unless it exists; durable on return."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync(path.parent)


def write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, and sync it; its name may still be lost."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
