"""Find the client's address behind trusted proxies, and truncate it.

Addresses are packed: 4 or 16 bytes. They are parsed by inet_pton only, which takes no short, octal
or hexadecimal forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from socket import AF_INET as _AF_INET
from socket import AF_INET6 as _AF_INET6
from socket import inet_pton
from typing import Final

from collector.errors import SettingsError

MAX_HOPS: Final = 10
PEERS_KEPT: Final = 64
# Plain numbers: inet_pton would convert the enumeration at each call.
AF_INET: Final = int(_AF_INET)
AF_INET6: Final = int(_AF_INET6)
UNIX: Final = "unix"
_V4_IN_V6: Final = bytes(10) + b"\xff\xff"
_V4_BYTES: Final = 4


class Networks:
    """A set of networks, by prefix length: one look-up for each length.

    Attributes:
        unix: whether it includes peers of Unix sockets.
        empty: whether it has no network.
    """

    __slots__ = ("_by_length", "_trusted_peers", "empty", "unix")

    def __init__(self, cidrs: Iterable[str]) -> None:
        """Read networks such as `10.0.0.0/8`, `2001:db8::/32` or a single address.

        Args:
            cidrs: `unix` stands for peers of Unix sockets.

        Raises:
            SettingsError: if one is malformed or has bits set beyond its length.
        """
        lengths: dict[tuple[int, int], set[int]] = {}
        self.unix = False
        for cidr in cidrs:
            if cidr == UNIX:
                self.unix = True
                continue
            size, shift, prefix = _network(cidr)
            lengths.setdefault((size, shift), set()).add(prefix)
        self.empty = not lengths
        self._by_length = tuple((*kind, frozenset(found)) for kind, found in lengths.items())
        self._trusted_peers: set[str] = set()

    def trusts(self, peer: str) -> bool:
        """Return True if a socket's peer is in one of the networks; empty for a Unix socket."""
        # Trusted peers are proxies, not visitors, and few: caching them saves parsing.
        if peer in self._trusted_peers:
            return True
        address = packed(peer)
        trusted = address in self if address else self.unix
        if trusted and len(self._trusted_peers) < PEERS_KEPT:
            self._trusted_peers.add(peer)
        return trusted

    def __contains__(self, address: bytes) -> bool:
        """Return True if a packed address is in one of the networks."""
        # A loop: a generator would cost twice as much, and this runs three times for each hit.
        for size, shift, found in self._by_length:
            if size == len(address) and int.from_bytes(address, "big") >> shift in found:
                return True
        return False


def typed(text: str) -> bytes:
    """Pack an address from the command line.

    Raises:
        SettingsError: if it is not an IP address.
    """
    address = packed(text)
    if not address:
        raise SettingsError(f"{text!r} is not an IP address; use e.g. 192.0.2.1 or 2001:db8::1")
    return address


def packed(text: str) -> bytes:
    """Pack an address as a proxy may write it.

    Ports, brackets and zone ids are cut off; an IPv4-mapped IPv6 address becomes IPv4.

    Returns:
        4 or 16 bytes; empty if it is not an address.
    """
    text = text.strip()
    if ":" not in text:
        try:
            return inet_pton(AF_INET, text)
        except (OSError, ValueError):
            pass
    if text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port[1:], port[:1])):
            return b""
        return _pton(AF_INET6, inside.partition("%")[0])
    if ":" not in text:
        return _pton(AF_INET, text)
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return _pton(AF_INET, host) if _is_port(port, ":") else b""
    return _pton(AF_INET6, text.partition("%")[0])


def client_address(
    peer: str, forwarded: bytes, trusted: Networks, named: bytes | None = None
) -> bytes:
    """Return the address of the client.

    It is the peer's, unless the peer is a trusted proxy: then that of the named header if one is
    configured, else of X-Forwarded-For, read from right to left to the first hop that is not
    trusted. The peer's address is the fallback for a malformed header.

    Args:
        peer: the socket's peer; empty for a Unix socket.
        forwarded: all X-Forwarded-For headers, joined in their order.
        trusted: the trusted proxies.
        named: the value of the configured header, or None if none is configured.

    Returns:
        4 or 16 bytes; empty if the peer has no address either.
    """
    if not (forwarded or named) or not trusted.trusts(peer):
        return packed(peer)
    if named is not None:
        return packed(named.decode("latin-1")) or packed(peer)
    return _first_untrusted(forwarded, trusted) or packed(peer)


def truncated(address: bytes) -> bytes:
    """Truncate an address for geolocation: IPv4 to /24, IPv6 to /48, the rest zero."""
    if len(address) == _V4_BYTES:
        return address[:3] + b"\0"
    return address[:6] + bytes(10) if address else b""


def network_of(address: bytes, *, strict: bool) -> bytes:
    """Truncate an address for the pseudonym; lengths differ, so that IPv4 and IPv6 cannot collide.

    Args:
        strict: whether the site's privacy profile is `strict`.

    Returns:
        The first 4 bytes of IPv4 (strict: 3) or 8 of IPv6 (strict: 6).
    """
    if len(address) == _V4_BYTES:
        return address[:3] if strict else address
    return address[:6] if strict else address[:8]


def _first_untrusted(forwarded: bytes, trusted: Networks) -> bytes:
    text = forwarded.decode("latin-1")
    if "," not in text:
        return packed(text)
    hops = text.split(",", MAX_HOPS)
    if len(hops) > MAX_HOPS:
        return b""
    address = b""
    for hop in reversed(hops):
        address = packed(hop)
        if not address or address not in trusted:
            return address
    return address


def _pton(family: int, text: str) -> bytes:
    try:
        address = inet_pton(family, text)
    except (OSError, ValueError):
        return b""
    return address[12:] if address[:12] == _V4_IN_V6 else address


def _is_port(digits: str, colon: str) -> bool:
    return colon == ":" and digits.isascii() and digits.isdigit() and len(digits) <= 5


def _network(cidr: str) -> tuple[int, int, int]:
    text, slash, length = cidr.partition("/")
    address = packed(text)
    bits = 8 * len(address)
    if not address or (slash and not (length.isdigit() and int(length) <= bits)):
        raise SettingsError(f"{cidr!r} is not a network; write it like 10.0.0.0/8 or 2001:db8::/32")
    shift = bits - int(length) if slash else 0
    prefix = int.from_bytes(address, "big") >> shift
    if prefix << shift != int.from_bytes(address, "big"):
        raise SettingsError(f"{cidr!r} has bits set beyond its length")
    return len(address), shift, prefix
