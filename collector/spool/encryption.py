"""Encrypt the spool's frames under one random key per `closes_at`.

A frame is the msgpack array of the hits of one `closes_at` that one group commit wrote, under
AES-GCM with `closes_at` as associated data, so a frame cannot pass for one of another day.
A key is synced to the disk, file and folder, before its first use, and is overwritten and
unlinked when the spool holds nothing more of its day. It is no day secret: no pseudonym can be
made with it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.hit import Hit
from collector.spool import durable_files

KEY_BYTES = 32
NONCE_BYTES = 12
DESTROYED = bytes(KEY_BYTES)

encode_hit = msgspec.msgpack.Encoder().encode
_decode_hits = msgspec.msgpack.Decoder(list[Hit]).decode


class SpoolKeys:
    """The keys in one folder, each in a file of mode 0600 named after its `closes_at`.

    Every method may raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path
        self._ciphers: dict[int, AESGCM] = {}

    def cipher(self, closes_at: int) -> AESGCM:
        """Return the cipher of a day, with a new key if there is none."""
        return self.known(closes_at) or self._keep(closes_at, self._create(closes_at))

    def known(self, closes_at: int) -> AESGCM | None:
        """Return the cipher of a day; None if it has no key."""
        found = self._ciphers.get(closes_at)
        if found is None and (key := self._read(closes_at)) is not None:
            return self._keep(closes_at, key)
        return found

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


def encrypt_hits(cipher: AESGCM, closes_at: int, encoded: Sequence[bytes]) -> bytes:
    """Encrypt hits, each already encoded by `encode_hit`, as one frame."""
    plain = b"\xdd" + len(encoded).to_bytes(4, "big") + b"".join(encoded)
    return encrypt(cipher, closes_at, plain)


def decrypt_hits(cipher: AESGCM, closes_at: int, frame: bytes) -> list[Hit]:
    """Decrypt a frame; empty if it is damaged or belongs to another day or key."""
    plain = decrypt(cipher, closes_at, frame)
    if plain is None:
        return []
    try:
        return _decode_hits(plain)
    except msgspec.DecodeError:
        return []


def encrypt(cipher: AESGCM, closes_at: int, plain: bytes) -> bytes:
    """Encrypt bytes under a fresh nonce, bound to a day."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, _associated_data(closes_at))


def decrypt(cipher: AESGCM, closes_at: int, encrypted: bytes) -> bytes | None:
    """Decrypt what `encrypt` made; None if it is damaged or bound to another day or key."""
    nonce, body = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, body, _associated_data(closes_at))
    except (InvalidTag, ValueError):
        return None


def _associated_data(closes_at: int) -> bytes:
    return b"footfall frame 1 %d" % closes_at
