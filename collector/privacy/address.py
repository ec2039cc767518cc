"""Find the client's address behind trusted proxies, and cut it down.

Pure: knows packed addresses (4 or 16 bytes), refuses to write any down. Texts
are read by inet_pton only, which takes no short, octal or hexadecimal forms.
Called by `ingest.assemble`; nothing that it returns outlives a request, but
the truncated forms.
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
# Plain numbers, for inet_pton asks an enumeration for its number anew each time.
AF_INET: Final = int(_AF_INET)
AF_INET6: Final = int(_AF_INET6)
UNIX: Final = "unix"
_V4_IN_V6: Final = bytes(10) + b"\xff\xff"
_V4_BYTES: Final = 4


class Networks:
    """A set of networks, by prefix length: one look-up for each length that occurs.

    Attributes:
        unix: whether the peer of a Unix socket belongs to it.
        empty: whether it holds no network.
    """

    __slots__ = ("_by_length", "_trusted_peers", "empty", "unix")

    def __init__(self, cidrs: Iterable[str]) -> None:
        """Read networks such as `10.0.0.0/8`, `2001:db8::/32` or a single address.

        Args:
            cidrs: `unix` stands for the peer of a Unix socket.

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
        """Tell whether the other end of a socket belongs to them; empty for a Unix socket."""
        # Asked only of peers that forward for others. Those that may are proxies and no visitors,
        # and they are few: remembering them spares a hit a reading of their address.
        if peer in self._trusted_peers:
            return True
        address = packed(peer)
        trusted = address in self if address else self.unix
        if trusted and len(self._trusted_peers) < PEERS_KEPT:
            self._trusted_peers.add(peer)
        return trusted

    def __contains__(self, address: bytes) -> bool:
        """Tell whether a packed address lies in one of the networks."""
        # A loop, because a generator costs as much again: this runs three times a hit.
        for size, shift, found in self._by_length:
            if size == len(address) and int.from_bytes(address, "big") >> shift in found:
                return True
        return False


def typed(text: str) -> bytes:
    """Pack an address that a person typed.

    Raises:
        SettingsError: if it is none.
    """
    address = packed(text)
    if not address:
        raise SettingsError(f"{text!r} is no IP address; use one such as 192.0.2.1 or 2001:db8::1")
    return address


def packed(text: str) -> bytes:
    """Pack an address as a proxy may write it; empty if it is none.

    Ports, brackets and zone ids are cut off, and an IPv4 address in IPv6
    clothes becomes IPv4.

    Returns:
        4 or 16 bytes, or none.
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
    """Find the address of the client.

    The peer counts, unless it is a trusted proxy: then the named header if one
    is set up, else X-Forwarded-For, walked from right to left to the first hop
    that is not trusted. What cannot be read falls back to the peer.

    Args:
        peer: the other end of the socket; empty for a Unix socket.
        forwarded: all X-Forwarded-For headers, joined in their order.
        trusted: the proxies to believe; none by default.
        named: the value of the one header that trusted peers set, or None if
            no such header is set up.

    Returns:
        4 or 16 bytes; empty if not even the peer has an address.
    """
    if not (forwarded or named) or not trusted.trusts(peer):
        return packed(peer)
    if named is not None:
        return packed(named.decode("latin-1")) or packed(peer)
    return _first_untrusted(forwarded, trusted) or packed(peer)


def truncated(address: bytes) -> bytes:
    """Cut an address down for geolocation: IPv4 to /24, IPv6 to /48, the rest zero.

    Returns:
        as many bytes as it was given.
    """
    if len(address) == _V4_BYTES:
        return address[:3] + b"\0"
    return address[:6] + bytes(10) if address else b""


def network_of(address: bytes, *, strict: bool) -> bytes:
    """Cut an address down for the pseudonym; the lengths differ, so no two kinds can meet.

    Args:
        strict: the site's privacy profile is `strict`.

    Returns:
        the first 4 bytes of IPv4 (strict: 3) or 8 of IPv6 (strict: 6).
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
        raise SettingsError(f"{cidr!r} is no network; write it like 10.0.0.0/8 or 2001:db8::/32")
    shift = bits - int(length) if slash else 0
    prefix = int.from_bytes(address, "big") >> shift
    if prefix << shift != int.from_bytes(address, "big"):
        raise SettingsError(f"{cidr!r} has bits set beyond its length")
    return len(address), shift, prefix
