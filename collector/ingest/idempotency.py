"""Remember answers to batches by their idempotency key, so that a repeated batch counts once.

Of a batch only the hashes of its key and body and its answer are kept, in memory, for an
hour. The hashes are keyed with a secret that ends with the process.

Source: the IETF draft "The Idempotency-Key HTTP Header Field" (07), sections 2.6 and 2.7.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from collector.ingest.handler import Answer

KEYS_LIVE_S: Final = 3600
MAX_KEYS: Final = 10_000


class CachedBatch:
    """The answer to one batch, once there is one.

    Attributes:
        lock: held while the batch is appended.
        answer: None until it was appended.
        digest: of its body.
    """

    __slots__ = ("answer", "digest", "lock", "received_at")

    def __init__(self, now: float) -> None:
        """Start without an answer."""
        self.received_at = now
        self.lock = asyncio.Lock()
        self.answer: Answer | None = None
        self.digest = b""


class IdempotencyCache:
    """The batches of the last hour."""

    def __init__(self) -> None:
        """Start empty, with a secret of its own."""
        self._batches: OrderedDict[bytes, CachedBatch] = OrderedDict()
        self._secret = secrets.token_bytes(32)

    def digest(self, text: bytes) -> bytes:
        """Hash a text so that nobody can find out later what it was."""
        return blake2b(text, digest_size=16, key=self._secret).digest()

    def batch(self, sender: bytes, key: bytes, now: float) -> CachedBatch:
        """Return the cached batch of a key, a new one if there is none.

        Args:
            sender: who sends it: two senders may use the same key.
            key: the sender's.
            now: seconds of a steady clock.
        """
        while self._batches:
            oldest = next(iter(self._batches.values()))
            if now - oldest.received_at < KEYS_LIVE_S and len(self._batches) < MAX_KEYS:
                break
            self._batches.popitem(last=False)
        # The first of the two has a fixed length, so that no two pairs make the same text.
        name = self.digest(self.digest(sender) + key)
        return self._batches.setdefault(name, CachedBatch(now))
