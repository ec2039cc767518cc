"""Token buckets: bursts, refills, and bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.token_bucket import TokenBuckets


def test_a_full_bucket_allows_a_burst() -> None:
    """Every token can be taken at once; the next caller is told how long to wait."""
    buckets = TokenBuckets(burst=3, refill_s=10.0)

    assert [0.0, 0.0, 0.0, 10.0] == [buckets.take(b"a", 100.0) for _ in range(4)]


def test_tokens_come_back_one_by_one() -> None:
    """The wait shrinks with time, and one token is there when it is over."""
    buckets = TokenBuckets(burst=1, refill_s=10.0)
    buckets.take(b"a", 0.0)

    assert [6.0, 0.0, 10.0] == [buckets.take(b"a", now) for now in (4.0, 10.0, 10.0)]


def test_keys_do_not_share_tokens() -> None:
    """An empty bucket affects its own key only, and can be refilled."""
    buckets = TokenBuckets(burst=1, refill_s=10.0)
    buckets.take(b"a", 0.0)

    assert [10.0, 0.0] == [buckets.take(key, 0.0) for key in (b"a", b"b")]
    buckets.refill(b"a")
    assert 0.0 == buckets.take(b"a", 0.0)


def test_memory_is_bounded() -> None:
    """The least recently used bucket is forgotten, so that its key starts full again."""
    buckets = TokenBuckets(burst=1, refill_s=10.0, max_keys=2)
    for key in (b"a", b"b", b"c"):
        buckets.take(key, 0.0)

    assert 2 == len(buckets)
    assert [10.0, 0.0] == [buckets.take(key, 0.0) for key in (b"c", b"a")]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_no_key_exceeds_its_rate(times: list[float]) -> None:
    """Within any time, at most a burst and what was refilled since can be taken."""
    buckets = TokenBuckets(burst=5, refill_s=2.0)
    times.sort()

    taken = sum(not buckets.take(b"a", now) for now in times)

    assert taken <= 5 + (times[-1] - times[0]) / 2.0 + 1e-6
