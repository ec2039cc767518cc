"""Limit how often each key may do something, with token buckets of bounded number."""

from __future__ import annotations

from collections import OrderedDict

MAX_KEYS = 10_000


class TokenBuckets:
    """One bucket for each key, full at first; the least recently used ones are forgotten.

    Args:
        burst: tokens in a full bucket.
        refill_s: seconds in which a bucket gains one token.
    """

    def __init__(self, burst: int, refill_s: float, max_keys: int = MAX_KEYS) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._max_keys = max_keys
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._buckets)

    def take(self, key: bytes, now: float) -> float:
        """Take one token.

        Args:
            now: seconds of a monotonic clock.

        Returns:
            0.0 if there was a token, else the seconds until there is one.
        """
        tokens, at = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) / self._refill_s)
        taken = tokens >= 1
        self._buckets[key] = (tokens - taken, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - tokens) * self._refill_s

    def refill(self, key: bytes) -> None:
        """Fill the bucket of a key."""
        self._buckets.pop(key, None)
