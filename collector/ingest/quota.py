"""Bound how many batches the bearer of a token may send to a peer's API.

Pure: knows spans of time and a bound; refuses to know tokens, of which it is
given hashes. Called by `door_hits` for the format that promises such a bound.

Source: facts of GoatCounter's API in its public documentation (2026-11).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

MOST: Final = 60
SPAN_S: Final = 120


class Left(NamedTuple):
    """What is left of a span.

    Attributes:
        requests: how many more may come; -1 if this one was too many.
        seconds: until the span ends.
    """

    requests: int
    seconds: int


class Quota:
    """The requests of each bearer in the span that began with the first of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._spans: dict[bytes, tuple[float, int]] = {}

    def take(self, bearer: bytes, now: float) -> Left:
        """Take one request of a bearer into account.

        Args:
            bearer: tells those with a good token apart, so there are few.
            now: seconds of a steady clock.
        """
        began, taken = self._spans.get(bearer, (now, 0))
        if not 0 <= now - began < SPAN_S or not taken:
            began, taken = now, 0
            self._spans = {of: span for of, span in self._spans.items() if now < span[0] + SPAN_S}
        left = MOST - taken - 1
        self._spans[bearer] = (began, min(taken + 1, MOST))
        return Left(left, math.ceil(began + SPAN_S - now))
