"""Floods are shed in constant memory, and no address is kept."""

from __future__ import annotations

import gc
import sys
from array import array
from socket import AF_INET, AF_INET6, inet_pton
from types import FunctionType, ModuleType

import pytest

from collector.ingest.rate_limit import KEY_LIVES_S, Rate, RateLimiter, Rates, is_private, rates_of
from collector.settings import load

WIDE = Rate(1e6, 10**6)
ADDRESS = inet_pton(AF_INET, "198.51.100.7")


def some_rates(**changes: Rate) -> Rates:
    """Build rates of which nothing limits but what is given."""
    wide = {"address": WIDE, "network": WIDE, "site": WIDE, "instance": WIDE}
    return Rates(**{**wide, **changes})


def allowed(limits: RateLimiter, times: int, address: bytes = ADDRESS, now: float = 1000.0) -> int:
    """Count how many of so many hits at one instant get through."""
    return sum(limits.allows(address, 1, now) for _ in range(times))


def reached_from(start: object) -> bytes:
    """Give the bytes of all values that an object refers to; modules, classes, code left out."""
    seen: dict[int, object] = {}
    waiting: list[object] = [start]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, type | ModuleType | FunctionType):
            seen[id(one)] = one
            waiting += gc.get_referents(one)
    return b"|".join(map(as_bytes, seen.values()))


def as_bytes(one: object) -> bytes:
    """Give the bytes of a value; none of what only holds others."""
    match one:
        case bytes() | bytearray() | array():
            return bytes(one)
        case str():
            return one.encode()
        case int():
            return one.to_bytes(24, "big", signed=True)
    return b""


def test_a_burst_passes_and_no_more() -> None:
    """As many hits at once as the burst says get through."""
    assert 10 == allowed(RateLimiter(some_rates(address=Rate(1, 10))), 50)


def test_the_bucket_leaks_at_its_rate() -> None:
    """After a burst, one hit a second gets through at one a second."""
    limits = RateLimiter(some_rates(address=Rate(1, 10)))
    allowed(limits, 50)

    passed = [allowed(limits, 5, now=1000.0 + second) for second in range(1, 6)]

    assert [1, 1, 1, 1, 1] == passed


def test_addresses_do_not_shed_one_another() -> None:
    """A flood of one address leaves its neighbours alone."""
    limits = RateLimiter(some_rates(address=Rate(1, 10)))
    allowed(limits, 1000)

    others = [inet_pton(AF_INET, f"203.0.113.{number}") for number in range(200)]

    assert 200 == sum(allowed(limits, 1, other) for other in others)


def test_a_network_is_limited_as_one() -> None:
    """Many addresses of one /24, or of one /48, share its bucket."""
    limits = RateLimiter(some_rates(network=Rate(1, 20)))
    v4 = [inet_pton(AF_INET, f"203.0.113.{number}") for number in range(100)]
    v6 = [inet_pton(AF_INET6, f"2001:db8:1:{number:x}::1") for number in range(100)]

    assert 20 == sum(allowed(limits, 1, address) for address in v4)
    assert 20 == sum(allowed(limits, 1, address) for address in v6)


def test_addresses_of_one_v6_host_are_one() -> None:
    """Privacy extensions do not multiply what a host may send: a /64 is one address."""
    limits = RateLimiter(some_rates(address=Rate(1, 20)))
    addresses = [inet_pton(AF_INET6, f"2001:db8:1:2::{number:x}") for number in range(100)]

    assert 20 == sum(allowed(limits, 1, address) for address in addresses)


def test_a_site_and_the_instance_are_limited() -> None:
    """What one site may take does not concern another; the instance's limit concerns all."""
    limits = RateLimiter(some_rates(site=Rate(1, 10), instance=Rate(1, 15)))

    first = sum(limits.allows(b"", 1, 1000.0) for _ in range(50))
    second = sum(limits.allows(b"", 2, 1000.0) for _ in range(50))

    assert (10, 5) == (first, second)


def test_a_shed_hit_fills_no_other_bucket() -> None:
    """A flood that its address's bucket sheds takes nothing from the site's."""
    limits = RateLimiter(some_rates(address=Rate(1, 10), site=Rate(1, 30)))
    allowed(limits, 1000)

    assert 20 == sum(limits.allows(b"", 1, 1000.0) for _ in range(50))


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "127.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "172.31.9.9",
        "100.64.0.1",
        "169.254.1.1",
        "::1",
        "fd00::1",
        "fe80::1",
    ],
)
def test_private_addresses_are_proxies(address: str) -> None:
    """All the world may come through one, so they are not limited by themselves."""
    family = AF_INET6 if ":" in address else AF_INET
    limits = RateLimiter(some_rates(address=Rate(1, 10), network=Rate(1, 10)))

    assert is_private(inet_pton(family, address))
    assert 100 == allowed(limits, 100, inet_pton(family, address))


@pytest.mark.parametrize("address", ["172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1"])
def test_public_addresses_are_no_proxies(address: str) -> None:
    """Neighbours of the private networks are public."""
    assert not is_private(inet_pton(AF_INET6 if ":" in address else AF_INET, address))


def test_memory_is_constant() -> None:
    """A million addresses of as many networks allocate nothing that stays."""
    limits = RateLimiter(some_rates())
    limits.allows(ADDRESS, 1, 1000.0)
    size, blocks = sys.getsizeof(limits._cells), sys.getallocatedblocks()

    for number in range(1_000_000):
        limits.allows(b"\x0b" + (number * 7919 & 0xFFFFFF).to_bytes(3, "big"), 1, 1000.0)

    assert sys.getallocatedblocks() - blocks < 100
    assert size == sys.getsizeof(limits._cells)
    assert {1} == set(limits._sites)


def test_no_address_is_found_in_what_the_limits_hold() -> None:
    """All memory that is reached from them is scanned for the bytes and texts of addresses."""
    limits = RateLimiter()
    texts = [f"203.0.{third}.77" for third in range(100)] + ["2001:db8:5:6::7"]
    packed = [inet_pton(AF_INET6 if ":" in text else AF_INET, text) for text in texts]

    for address in packed:
        limits.allows(address, 1, 1000.0)

    held = reached_from(limits)
    kept = reached_from({packed[0]: 1.0, "at": int.from_bytes(packed[1], "big")})
    sought = [*packed, *(text.encode() for text in texts), packed[-1][:8]]
    assert limits._key in held
    assert all(one in kept for one in packed[:2])
    assert [] == [one for one in sought if one in held]


def test_the_key_is_thrown_away() -> None:
    """Every ten minutes the array begins anew under another key."""
    limits = RateLimiter(some_rates(address=Rate(0.001, 5)))
    allowed(limits, 50)
    key = limits._key

    passed = allowed(limits, 50, now=1000.0 + KEY_LIVES_S)

    assert key != limits._key
    assert passed == 5


def test_settings_name_the_rates() -> None:
    """The operator's settings decide how many hits of one address are taken at once."""
    chosen = load({"FOOTFALL_LIMITS__ADDRESS_BURST": "4", "FOOTFALL_LIMITS__SITE_PER_SECOND": "9"})
    limits = RateLimiter(rates_of(chosen.limits))

    taken = [limits.allows(bytes([192, 0, 2, 1]), 1, 0.0) for _ in range(6)]

    assert [True] * 4 + [False] * 2 == taken
    assert Rate(9, 100_000) == rates_of(chosen.limits).site
