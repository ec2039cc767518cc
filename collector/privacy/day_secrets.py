"""The day secrets: one random secret for each site and site-local day, destroyed after the day.

Each secret is a file of its own, so that destroying it touches no other; by default on tmpfs, where
it survives `kill -9` but not a reboot.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets as randomness
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from collector.clock import Clock
from collector.day import Day
from collector.errors import SettingsError

StoreKind = Literal["runtime", "memory", "disk"]
SIZE: Final = 32
GRACE_S: Final = 300
_FILE_NAME: Final = re.compile(r"(\d{1,10})-(\d{1,10})\.secret")
_MARK_NAME: Final = re.compile(r"(\d{1,10})-(\d{1,10})\.made")
_IN_MEMORY: Final = ("tmpfs", "ramfs")
_log = logging.getLogger(__name__)


class DaySecret(NamedTuple):
    """Which secret exists, without its value."""

    site: int
    closes_at: int


class DaySecrets:
    """The day secrets of this instance."""

    def __init__(
        self,
        directory: Path | None,
        clock: Clock,
        store: StoreKind = "runtime",
        *,
        forget: Callable[[], None] = lambda: None,
        marks: Path | None = None,
        on_loss: Callable[[int, Day], None] = lambda _site, _day: None,
    ) -> None:
        """Load the secrets of an earlier run, and destroy those that are due.

        Args:
            directory: the folder of the files; may be None for `memory`.
            store: `runtime` requires tmpfs, `disk` does not, `memory` writes no file.
            forget: empties all caches keyed by what visitors sent; called whenever secrets are
                destroyed.
            marks: a folder on disk, with an empty file for each site's day that has had a secret;
                None for no marks.
            on_loss: called with the site and day whose secret was lost, as by a reboot: visitors
                of before and after are counted twice.

        Raises:
            SettingsError: if `runtime` secrets would be on a disk.
        """
        self._clock = clock
        self._forget = forget
        self._marks = marks
        self._on_loss = on_loss
        self._held: dict[tuple[int, int], bytearray] = {}
        self._given: dict[tuple[int, int], bytes] = {}
        self._directory = None if store == "memory" else directory
        if marks is not None:
            marks.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep(clock.now())
        if self._directory is not None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if store == "runtime" and not lies_in_memory(self._directory):
                raise SettingsError(
                    "secrets.runtime_dir is not on tmpfs; choose a folder that is,"
                    " or set secrets.store to memory or disk"
                )
            self._load(self._directory)
            self.destroy(clock.now())

    def secret(self, site_id: int, day: Day) -> bytes:
        """Return the secret of a site's local day; it is created at the day's first hit.

        Returns:
            32 random bytes.
        """
        key = (site_id, day.closes_at)
        return self._given.get(key) or self._make(key, day)

    @property
    def outlive_process(self) -> bool:
        """Whether the next process will have the same secrets, and so the same pseudonyms."""
        return self._directory is not None

    def open(self) -> list[DaySecret]:
        """List the secrets that exist."""
        return [DaySecret(*key) for key in sorted(self._held)]

    def destroy(self, now: float) -> list[DaySecret]:
        """Destroy the secrets of all days that ended at least five minutes ago.

        They are overwritten in memory and in the file, which is deleted; caches derived from them
        are emptied.

        Args:
            now: seconds since 1970.

        Returns:
            The destroyed secrets.
        """
        due = [key for key in self._held if key[1] + GRACE_S <= now]
        if due:
            self._sweep(now)
        return self._destroy(due)

    def destroy_site(self, site_id: int) -> list[DaySecret]:
        """Destroy all secrets of a removed site.

        Returns:
            The destroyed secrets.
        """
        self._sweep(0, gone=site_id)
        return self._destroy([key for key in self._held if key[0] == site_id])

    @property
    def directory(self) -> Path | None:
        """The folder of the files; None if there are none."""
        return self._directory

    def _destroy(self, due: list[tuple[int, int]]) -> list[DaySecret]:
        for key in due:
            held = self._held.pop(key)
            self._given.pop(key, None)
            held[:] = bytes(SIZE)
            if self._directory is not None:
                _overwrite_and_unlink(_path(self._directory, key))
            _log.info("day secret destroyed: site %d, day ending at %d", *key)
        if due:
            self._forget()
        return [DaySecret(*key) for key in due]

    def _make(self, key: tuple[int, int], day: Day) -> bytes:
        secret = randomness.token_bytes(SIZE)
        if self._directory is not None:
            _write(_path(self._directory, key), secret)
        self._held[key] = bytearray(secret)
        self._given[key] = secret
        self._mark(key[0], day)
        return secret

    def _mark(self, site: int, day: Day) -> None:
        if self._marks is None:
            return
        try:
            (self._marks / f"{day.closes_at}-{site}.made").touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            _log.warning(
                "day secret lost and created again: site %d, day ending at %d", site, day.closes_at
            )
            self._on_loss(site, day)
        except OSError as failed:
            # A day without a mark is counted too; only the loss of its secret goes unnoticed.
            _log.error("cannot mark a day: %s", failed.strerror)

    def _sweep(self, now: float, gone: int = 0) -> None:
        """Delete the marks of days that are over, and of a removed site."""
        for path in self._marks.iterdir() if self._marks is not None else ():
            found = _MARK_NAME.fullmatch(path.name)
            if found and (int(found[1]) + GRACE_S <= now or int(found[2]) == gone):
                path.unlink(missing_ok=True)

    def _load(self, directory: Path) -> None:
        for path in directory.iterdir():
            found = _FILE_NAME.fullmatch(path.name)
            if found is None:
                continue
            secret = path.read_bytes()
            if len(secret) != SIZE:
                # The process was killed while writing it: no hit has used it yet.
                path.unlink()
                continue
            key = (int(found[2]), int(found[1]))
            self._held[key] = bytearray(secret)
            self._given[key] = secret


def runtime_directory(candidates: list[str]) -> Path | None:
    """Return the first folder that exists and is in memory.

    Args:
        candidates: paths in order of preference; empty ones are skipped.
    """
    for candidate in candidates:
        path = Path(candidate)
        if candidate and path.is_dir() and os.access(path, os.W_OK) and lies_in_memory(path):
            return path
    return None


def lies_in_memory(path: Path) -> bool:
    """Return True if a path is on tmpfs or ramfs; False if unknown."""
    where = str(path.resolve())
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            _, mount, filesystem, *_ = line.split(" ")
            inside = where == mount or where.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= len(best):
                best, kind = mount, filesystem
    return kind in _IN_MEMORY


def _path(directory: Path, key: tuple[int, int]) -> Path:
    site, closes_at = key
    return directory / f"{closes_at}-{site}.secret"


def _write(path: Path, secret: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, secret)
        os.fsync(file)
    finally:
        os.close(file)


def _overwrite_and_unlink(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        file = os.open(path, os.O_WRONLY)
        try:
            os.write(file, bytes(SIZE))
            os.fsync(file)
        finally:
            os.close(file)
        path.unlink()
