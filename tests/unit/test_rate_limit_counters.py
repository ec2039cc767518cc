"""The cells that addresses share: exact for each alone, harmless in a collision."""

from __future__ import annotations

from functools import lru_cache

from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.rate_limit import _MASK, KEY_LIVES_S, Rate, RateLimiter, Rates

WIDE = Rate(1e9, 10**9)
BURST = 8
RATE = Rate(1, BURST)
KEY = b"a key of these tests"
# Quarters of a second are exact in binary, so that a model may be compared with `==`.
QUARTER = 0.25
pauses = st.lists(st.integers(0, 12), min_size=1, max_size=80)


def limits_of(rate: Rate) -> RateLimiter:
    """Build limits of addresses alone, under a key that is known."""
    limits = RateLimiter(Rates(address=rate, network=WIDE, site=WIDE, instance=WIDE))
    limits._key, limits._key_ends = KEY, float(KEY_LIVES_S)
    return limits


@lru_cache
def colliding() -> tuple[bytes, bytes, bytes]:
    """Find three addresses: the second shares the first's first cell, the third its second cell."""
    one = bytes([11, 0, 0, 0])
    others = (bytes([11, *number.to_bytes(3, "big")]) for number in range(1, 1 << 24))
    mine = cells_of(one)
    first = second = b""
    while not (first and second):
        other = next(others)
        theirs = cells_of(other)
        if theirs[0] == mine[0] and theirs[1] != mine[1]:
            first = other
        elif theirs[1] == mine[1] and theirs[0] != mine[0]:
            second = other
    return one, first, second


def cells_of(address: bytes) -> tuple[int, int]:
    """Tell an address's cells in both rows, as `Limits` chooses them."""
    number = hash(KEY + address)
    return number & _MASK, number >> 32 & _MASK


class Bucket:
    """The bucket of one sender, as a textbook has it."""

    def __init__(self, burst: int) -> None:
        self._burst, self._level, self._at = burst, 0.0, 0.0

    def has_room(self, now: float) -> bool:
        """Tell whether a hit fits."""
        self._level, self._at = max(0.0, self._level - (now - self._at)), now
        return self._level + 1 <= self._burst

    def fill(self) -> None:
        """Pour a hit in."""
        self._level += 1


@given(pauses, st.integers(1, 9))
def test_a_lone_sender_is_limited_exactly(waits: list[int], burst: int) -> None:
    """Whatever its rhythm, a hit gets through if, and only if, the textbook's bucket has room."""
    limits, bucket, now = limits_of(Rate(1, burst)), Bucket(burst), 1.0

    for wait in waits:
        now += wait * QUARTER
        expected = bucket.has_room(now)
        assert expected == limits.allows(colliding()[0], 1, now)
        if expected:
            bucket.fill()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 12)), max_size=30))
def test_nobody_gets_more_than_its_rate_by_a_collision(bursts: list[tuple[int, int, int]]) -> None:
    """However those who share cells send, what gets through of each fits its own bucket."""
    limits, buckets, now = limits_of(RATE), [Bucket(BURST) for _ in range(3)], 1.0

    for sender, wait, count in bursts:
        now += wait * QUARTER
        for _ in range(count):
            has_room = buckets[sender].has_room(now)
            if limits.allows(colliding()[sender], 1, now):
                assert has_room
                buckets[sender].fill()


@given(st.integers(0, 30))
def test_a_flood_in_the_first_cell_leaves_the_rate_and_half_the_burst(wait: int) -> None:
    """Who shares the first cell of a flood gets half a burst through, and goes on at its rate."""
    flood, sender, _ = colliding()

    burst, later = passed_beside(flood, sender, wait * QUARTER)

    assert BURST // 2 <= burst <= BURST
    assert all(later)


@given(st.integers(0, 30))
def test_a_flood_in_the_second_cell_takes_nothing(wait: int) -> None:
    """Who shares only the second cell of a flood gets all its burst through, and its rate."""
    flood, _, sender = colliding()

    burst, later = passed_beside(flood, sender, wait * QUARTER)

    assert BURST == burst
    assert all(later)


def passed_beside(flood: bytes, sender: bytes, began: float) -> tuple[int, list[bool]]:
    """Send two bursts at once beside a flood, then at the rate; tell what got through."""
    limits = limits_of(RATE)
    flooded(limits, flood, 0.0, until=began)
    burst = sum(limits.allows(sender, 1, began) for _ in range(2 * BURST))
    later = []
    for now in range(int(began) + 2, int(began) + 60):
        flooded(limits, flood, now - 1.0, until=now)
        later.append(limits.allows(sender, 1, now))
    return burst, later


def flooded(limits: RateLimiter, address: bytes, now: float, *, until: float) -> None:
    """Let an address send forty hits a second."""
    while now < until:
        for _ in range(10):
            limits.allows(address, 1, now)
        now += QUARTER
