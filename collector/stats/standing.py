"""Let answers stand for a while, where a profile asks for it.

Two answers a moment apart would show what one visit added. So a strict site's
answer is given again, unchanged, until its time is over. Knows the clock's
reading it is told and nothing of cells. Called by `report`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from collector.errors import QueryError

MOST_ANSWERS = 2000
"""How many answers stand at once; each is a few kilobytes."""

Answer = TypeVar("Answer")


class Standing:
    """The answers given in the present stretch of time; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[tuple[int, Hashable], tuple[int, Any]] = {}

    def answer(
        self, question: Hashable, seconds: int, now: float, find: Callable[[], Answer]
    ) -> Answer:
        """Give the answer that stands, or find one that will.

        Args:
            seconds: how long it stands, counted in whole stretches since 1970; 0 is not at all.
            now: in seconds since 1970.
            find: finds the answer anew; may run at the same time for other questions.

        Raises:
            QueryError: if more questions were asked than answers can stand.
        """
        if seconds == 0:
            return find()
        stretch = int(now) // seconds
        key = (seconds, question)
        with self._lock:
            self._forget_all_but(seconds, stretch)
            if key in self._given:
                standing: Answer = self._given[key][1]
                return standing
            if len(self._given) >= MOST_ANSWERS:
                raise QueryError(f"Too many different questions; ask again in {seconds} seconds.")
        found = find()
        with self._lock:
            # Of two that were found at the same time, the first stands for both.
            first: Answer = self._given.setdefault(key, (stretch, found))[1]
            return first

    def _forget_all_but(self, seconds: int, stretch: int) -> None:
        self._given = {
            key: given
            for key, given in self._given.items()
            if key[0] != seconds or given[0] == stretch
        }
