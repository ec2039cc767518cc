"""Keep the random keys that the spool's frames are encrypted with, one for each `closes_at`.

Knows files of 32 bytes; refuses to know what they encrypt. A key is on the
disk, file and folder, before its first use, and is overwritten and unlinked
when the spool holds nothing more of its day. It is no day secret: pseudonyms
cannot be made with it. Called by the journal only. Every method may raise
OSError.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.spool import durable_files

KEY_BYTES = 32
DESTROYED = bytes(KEY_BYTES)


class SpoolKeys:
    """The keys in one folder, each in a file of mode 0600 named after its `closes_at`."""

    def __init__(self, path: Path) -> None:
        self._folder = path
        self._ciphers: dict[int, AESGCM] = {}

    def cipher(self, closes_at: int) -> AESGCM:
        """Give the cipher of a day, with a new key if there is none."""
        return self.known(closes_at) or self._keep(closes_at, self._create(closes_at))

    def known(self, closes_at: int) -> AESGCM | None:
        """Give the cipher of a day; None if it has no key."""
        found = self._ciphers.get(closes_at)
        if found is None and (key := self._read(closes_at)) is not None:
            return self._keep(closes_at, key)
        return found

    def days(self) -> list[int]:
        """Return every `closes_at` that has a key, in order."""
        if not self._folder.exists():
            return []
        return sorted(int(key.name) for key in self._folder.iterdir() if key.name.isdecimal())

    def destroy(self, closes_at: int) -> None:
        """Overwrite and unlink a day's key; nothing happens if there is none."""
        self._ciphers.pop(closes_at, None)
        path = self._path(closes_at)
        if path.exists():
            durable_files.write(path, DESTROYED)
            path.unlink()
            durable_files.sync(self._folder)

    def _keep(self, closes_at: int, key: bytes) -> AESGCM:
        cipher = self._ciphers[closes_at] = AESGCM(key)
        return cipher

    def _read(self, closes_at: int) -> bytes | None:
        try:
            key = self._path(closes_at).read_bytes()
        except FileNotFoundError:
            return None
        # A torn key was never used: the first frame waits until the whole of it is synced.
        return key if len(key) == KEY_BYTES and key != DESTROYED else None

    def _create(self, closes_at: int) -> bytes:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = os.urandom(KEY_BYTES)
        unfinished = self._folder / f"{closes_at}.new"
        durable_files.write(unfinished, key)
        unfinished.rename(self._path(closes_at))
        durable_files.sync(self._folder)
        durable_files.sync(self._folder.parent)
        return key

    def _path(self, closes_at: int) -> Path:
        return self._folder / str(closes_at)
