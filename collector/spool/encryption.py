"""Turn hits into the encrypted frames of the spool, and back; say what a batch is.

Pure but for the randomness of nonces. A frame is the msgpack array of the hits
of one `closes_at` that one group commit wrote, under AES-GCM with `closes_at`
as associated data, so that no frame can pass for one of another day. Called by
the journal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.hit import Hit

NONCE_BYTES = 12

encode_hit = msgspec.msgpack.Encoder().encode
_decode_hits = msgspec.msgpack.Decoder(list[Hit]).decode


class Batch(NamedTuple):
    """Hits of one `closes_at` that are sent together, for ever the same under one token.

    Attributes:
        id: the journal's number for it.
        closes_at: when the day of all its hits ends, in seconds since 1970.
        token: its receipt's value in the store; fixed before the first send.
        count: how many hits it holds.
        state: what of its hits is sent; `poison` names the states.
    """

    id: int
    closes_at: int
    token: str
    # "count" is the contract's word; a tuple's own method of that name is of no use here.
    count: int  # type: ignore[assignment]
    state: str


class SpoolStats(NamedTuple):
    """How full the spool is.

    Attributes:
        rows: hits that are not yet in the store.
        bytes: the size of their frames.
        oldest: when the oldest frame was written, in seconds since 1970; None if empty.
        acknowledged: hits made durable since the start of this process.
    """

    rows: int
    bytes: int
    oldest: float | None
    acknowledged: int = 0


def frame_of(cipher: AESGCM, closes_at: int, encoded: Sequence[bytes]) -> bytes:
    """Encrypt hits, each already encoded by `encode_hit`, as one frame."""
    plain = b"\xdd" + len(encoded).to_bytes(4, "big") + b"".join(encoded)
    return seal(cipher, closes_at, plain)


def hits_of(cipher: AESGCM, closes_at: int, frame: bytes) -> list[Hit]:
    """Decrypt a frame; empty if it is damaged or belongs to another day or key."""
    plain = unseal(cipher, closes_at, frame)
    if plain is None:
        return []
    try:
        return _decode_hits(plain)
    except msgspec.DecodeError:
        return []


def seal(cipher: AESGCM, closes_at: int, plain: bytes) -> bytes:
    """Encrypt bytes under a fresh nonce, bound to a day."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, _bound_to(closes_at))


def unseal(cipher: AESGCM, closes_at: int, sealed: bytes) -> bytes | None:
    """Decrypt what `seal` made; None if it is damaged or bound to another day or key."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(closes_at))
    except (InvalidTag, ValueError):
        return None


def _bound_to(closes_at: int) -> bytes:
    return b"footfall frame 1 %d" % closes_at
