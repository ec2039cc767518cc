"""Frames: hits, encrypted, bound to their day."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.spool.encryption import decrypt, decrypt_hits, encode_hit, encrypt, encrypt_hits
from tests.builders import a_hit

CIPHER = AESGCM(bytes(range(32)))


def test_a_frame_gives_back_its_hits() -> None:
    """What went in comes out, in order and whole."""
    hits = [a_hit(path=f"/{number}", properties=("plan=pro",)) for number in range(300)]

    frame = encrypt_hits(CIPHER, 7, [encode_hit(hit) for hit in hits])

    assert hits == decrypt_hits(CIPHER, 7, frame)


def test_a_frame_shows_nothing_of_its_hits() -> None:
    """No value and no pseudonym can be read in the bytes of a frame."""
    hit = a_hit(path="/marked-path", pseudonym=b"marked-pseudonym")

    frame = encrypt_hits(CIPHER, 7, [encode_hit(hit)])

    assert b"marked" not in frame


def test_the_same_hits_make_different_frames() -> None:
    """Nonces are never used twice."""
    encoded = [encode_hit(a_hit())]

    assert encrypt_hits(CIPHER, 7, encoded) != encrypt_hits(CIPHER, 7, encoded)


def test_a_frame_of_another_day_is_not_read() -> None:
    """A frame moved to another day's row is damage, not hits of that day."""
    frame = encrypt_hits(CIPHER, 7, [encode_hit(a_hit())])

    assert [] == decrypt_hits(CIPHER, 8, frame)


def test_a_frame_of_another_key_is_not_read() -> None:
    """Without the day's key a frame is nothing."""
    frame = encrypt_hits(CIPHER, 7, [encode_hit(a_hit())])

    assert [] == decrypt_hits(AESGCM(bytes(32)), 7, frame)


@pytest.mark.parametrize("position", [0, 5, 12, 40, -1])
def test_a_flipped_bit_is_noticed(position: int) -> None:
    """One changed bit anywhere makes the whole frame unreadable, never different."""
    frame = bytearray(encrypt_hits(CIPHER, 7, [encode_hit(a_hit())]))

    frame[position] ^= 1

    assert [] == decrypt_hits(CIPHER, 7, bytes(frame))


@pytest.mark.parametrize("length", [0, 5, 12, 30])
def test_a_truncated_frame_is_noticed(length: int) -> None:
    """A frame cut short is unreadable."""
    frame = encrypt_hits(CIPHER, 7, [encode_hit(a_hit())])

    assert [] == decrypt_hits(CIPHER, 7, frame[:length])


def test_what_is_no_hit_is_not_read() -> None:
    """Bytes that decrypt but are no hits give none."""
    assert [] == decrypt_hits(CIPHER, 7, encrypt(CIPHER, 7, b"\xc1 no msgpack"))


def test_any_bytes_can_be_encrypted() -> None:
    """`decrypt` returns what `encrypt` was given, under the same day only."""
    encrypted = encrypt(CIPHER, 7, b"visits")

    assert b"visits" == decrypt(CIPHER, 7, encrypted)
    assert decrypt(CIPHER, 6, encrypted) is None
