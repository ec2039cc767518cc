"""Limit the rate of hits by address, network, site and instance, in constant memory.

No address is kept: fixed arrays of times are indexed by a keyed hash, whose key is random
and replaced every ten minutes.
"""

from __future__ import annotations

import secrets
from array import array
from typing import Final

import msgspec

from collector import settings

KEY_LIVES_S: Final = 600
_WIDTH: Final = 1 << 16
_MASK: Final = _WIDTH - 1
_V4_BYTES: Final = 4
_PRIVATE_FIRST: Final = frozenset({10, 100, 127, 169, 172, 192})


class Rate(msgspec.Struct, frozen=True):
    """A permitted rate.

    Attributes:
        per_second: hits a second in the long run.
        burst: hits at once.
        interval: seconds between two hits at that rate; worked out.
        span: seconds of a full bucket; worked out.
        half: seconds of a bucket that is half full; worked out.
    """

    per_second: float
    burst: int
    interval: float = 0.0
    span: float = 0.0
    half: float = 0.0

    def __post_init__(self) -> None:
        """Work out what each hit needs, once."""
        msgspec.structs.force_setattr(self, "interval", 1 / self.per_second)
        msgspec.structs.force_setattr(self, "span", self.burst / self.per_second)
        msgspec.structs.force_setattr(self, "half", self.span / 2)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of everything that is limited."""

    address: Rate
    network: Rate
    site: Rate
    instance: Rate


def rates_of(chosen: settings.LimitsSettings) -> Rates:
    """Return the rates that settings name."""
    return Rates(
        address=Rate(chosen.address_per_second, chosen.address_burst),
        network=Rate(chosen.network_per_second, chosen.network_burst),
        site=Rate(chosen.site_per_second, chosen.site_burst),
        instance=Rate(chosen.instance_per_second, chosen.instance_burst),
    )


class RateLimiter:
    """Buckets that leak at a steady rate, held as the instants at which they run empty.

    Addresses share two rows of cells (a count-min sketch, whose second row is touched by
    few): the first says how full a bucket is, the second what it holds above its half.
    Cells only tell too much, as others share them. So a hit is shed when both say that
    there is no room, and nobody gets through more than its rate allows. Who shares its
    first cell with a flood keeps its rate and half its burst; who shares its second, all.
    """

    def __init__(self, rates: Rates | None = None) -> None:
        """Begin with empty buckets."""
        self._rates = rates or rates_of(settings.LimitsSettings())
        self._cells = array("d", bytes(8 * 2 * _WIDTH))
        self._sites: dict[int, float] = {}
        self._instance = 0.0
        self._key = b""
        self._key_ends = 0.0

    def allows(self, address: bytes, site_id: int, now: float) -> bool:
        """Add one hit of an address to the buckets; return False if they are full.

        Loopback, private and missing addresses count for the site and the
        instance only: such an address is a proxy that the settings do not name.

        Args:
            address: 4 or 16 bytes.
            site_id: of a site that exists, so their number is bounded.
            now: seconds of a steady clock.
        """
        # Written out, and without calls of max: calls were a third of the hit's guards.
        rates = self._rates
        rate, empty = rates.instance, self._instance
        instance = (now if now > empty else empty) + rate.interval  # noqa: FURB136
        if instance - now > rate.span:
            return False
        rate, empty = rates.site, self._sites.get(site_id, 0.0)
        site = (now if now > empty else empty) + rate.interval  # noqa: FURB136
        if site - now > rate.span:
            return False
        if address and not self._take(address, now):
            return False
        self._instance = instance
        self._sites[site_id] = site
        return True

    def _take(self, address: bytes, now: float) -> bool:
        if now >= self._key_ends:
            self._renew(now)
        if len(address) == _V4_BYTES:
            # Most first bytes are never private.
            if address[0] in _PRIVATE_FIRST and is_private(address):
                return True
            narrow, wide = address, address[:3]
        elif is_private(address):
            return True
        else:
            narrow, wide = address[:8], address[:6]
        rates = self._rates
        return self._pour(narrow, rates.address, now) and self._pour(wide, rates.network, now)

    def _pour(self, network: bytes, rate: Rate, now: float) -> bool:
        # Python's own hash of bytes is SipHash, keyed anew for each process; 0.1 us instead of 1.1.
        number = hash(self._key + network)
        cells, first = self._cells, number & _MASK
        empty = cells[first]
        filled = (now if now > empty else empty) + rate.interval  # noqa: FURB136
        if filled - now > rate.half:
            second = _WIDTH | number >> 32 & _MASK
            above = cells[second]
            filled = min(filled, max(now, above) + rate.interval + rate.half)
            if filled - now > rate.span:
                return False
            cells[second] = max(above, filled - rate.half)
            filled = max(filled, empty)
        cells[first] = filled
        return True

    def _renew(self, now: float) -> None:
        self._key = secrets.token_bytes(32)
        self._key_ends = now + KEY_LIVES_S
        # Old cells belong to no address under the new key.
        self._cells = array("d", bytes(8 * 2 * _WIDTH))


def is_private(address: bytes) -> bool:
    """Return whether an address is loopback, private or link-local.

    Source: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291.
    """
    if len(address) == _V4_BYTES:
        first, second = address[0], address[1]
        return (
            first in (10, 127)
            or (first, second) in ((192, 168), (169, 254))
            or (first == 172 and 16 <= second < 32)
            or (first == 100 and 64 <= second < 128)
        )
    return (
        address[0] & 0xFE == 0xFC  # fc00::/7
        or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)  # fe80::/10
        or address == bytes(15) + b"\x01"
    )
