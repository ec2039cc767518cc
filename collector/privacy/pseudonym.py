"""The pseudonym of a visitor: a keyed hash that is valid for one site and site-local day."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

SIZE: Final = 16
MAX_USER_AGENT: Final = 512
_PERSON: Final = b"footfall-visitor"


def pseudonym(day_secret: bytes, network: bytes, user_agent: bytes) -> bytes:
    """Return a visitor's pseudonym; it is anonymous once the day's secret is destroyed.

    Args:
        day_secret: 32 bytes, of the hit's (site, day).
        network: the address truncated by `address.network_of`; at most 255 bytes.
        user_agent: as sent; its first 512 bytes count; may be empty.

    Returns:
        16 bytes. Kept in memory and in the encrypted spool only.

    Source: docs/design/0004-pseudonyms.md
    """
    name = _keyed(day_secret).copy()
    name.update(b"%c%b%b" % (len(network), network, user_agent[:MAX_USER_AGENT]))
    return name.digest()


def forget() -> None:
    """Empty the cache, which holds day secrets."""
    _keyed.cache_clear()


@lru_cache(maxsize=4096)
def _keyed(day_secret: bytes) -> blake2b:
    # Copying a keyed hash costs half of keying one: 0.6 instead of 1.1 us (2026-11).
    return blake2b(key=day_secret, digest_size=SIZE, person=_PERSON)
