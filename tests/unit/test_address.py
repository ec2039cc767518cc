"""The client's address is found behind trusted proxies only, and cut down."""

from __future__ import annotations

import ipaddress
import tracemalloc
from socket import AF_INET, AF_INET6, inet_pton

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.errors import SettingsError
from collector.privacy.address import Networks, client_address, network_of, packed, truncated

PROXIES = Networks(["10.0.0.0/8", "2001:db8:aaaa::/48"])
NOBODY = Networks([])


def _holds_mapped(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    mapped = ipaddress.IPv6Network("::ffff:0:0/96")
    return isinstance(network, ipaddress.IPv6Network) and network.subnet_of(mapped)


def v4(text: str) -> bytes:
    """Pack an IPv4 address."""
    return inet_pton(AF_INET, text)


def v6(text: str) -> bytes:
    """Pack an IPv6 address."""
    return inet_pton(AF_INET6, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", v4("192.0.2.1")),
        (" 192.0.2.1 ", v4("192.0.2.1")),
        ("192.0.2.1:8080", v4("192.0.2.1")),
        ('"192.0.2.1:8080"', v4("192.0.2.1")),
        ("2001:db8::1", v6("2001:db8::1")),
        ("[2001:db8::1]", v6("2001:db8::1")),
        ("[2001:db8::1]:443", v6("2001:db8::1")),
        ("fe80::1%eth0", v6("fe80::1")),
        ("[fe80::1%eth0]:80", v6("fe80::1")),
        ("::ffff:192.0.2.1", v4("192.0.2.1")),
        ("[::ffff:192.0.2.1]:80", v4("192.0.2.1")),
        ("01.2.3.4", b""),
        ("1.2.3", b""),
        ("0x7f.1", b""),
        ("192.0.2.1:port", b""),
        ("192.0.2.1:123456", b""),
        ("[2001:db8::1", b""),
        ("[2001:db8::1]x443", b""),
        ("unknown", b""),
        ("_hidden", b""),
        ("", b""),
        ("1.2.3.4\0", b""),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str, expected: bytes) -> None:
    """Ports, brackets, quotes and zone ids go; v4-mapped becomes v4; anything else is none."""
    assert expected == packed(text)


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/x", "ten", "::1/129"])
def test_a_malformed_network_stops_the_start(network: str) -> None:
    """A wrong network in the settings is told, not ignored."""
    with pytest.raises(SettingsError, match=r"network|bits set"):
        Networks([network])


@given(st.ip_addresses(), st.integers(0, 128))
def test_networks_agree_with_the_standard_library(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    """An address lies in a network exactly when ipaddress says so."""
    length = min(length, address.max_prefixlen)
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    assume(not _holds_mapped(network))
    networks = Networks([str(network)])
    first, last = int(network.network_address), int(network.broadcast_address)

    for number in (int(address), first, last, first - 1, last + 1):
        if 0 <= number < 1 << address.max_prefixlen:
            candidate = type(address)(number)
            assert (candidate in network) == (candidate.packed in networks)


@given(st.text(max_size=60), st.binary(max_size=200))
def test_headers_of_untrusted_peers_are_never_believed(named: str, forwarded: bytes) -> None:
    """Whatever an untrusted peer writes into its headers, it counts as itself."""
    found = client_address(
        "198.51.100.7", forwarded, PROXIES, named=named.encode("latin-1", "ignore")
    )

    assert v4("198.51.100.7") == found


@given(st.binary(max_size=300))
def test_garbage_from_a_trusted_peer_does_no_harm(forwarded: bytes) -> None:
    """Any bytes in X-Forwarded-For give some address, at worst the proxy's own."""
    assert len(client_address("10.0.0.1", forwarded, PROXIES)) in (4, 16)


@given(
    st.lists(st.ip_addresses(v=4), max_size=4),
    st.ip_addresses(v=4).filter(lambda ip: ip not in ipaddress.ip_network("10.0.0.0/8")),
    st.lists(st.integers(1, 2**24 - 1), max_size=4),
)
def test_the_first_untrusted_hop_from_the_right_is_the_client(
    spoofed: list[ipaddress.IPv4Address], client: ipaddress.IPv4Address, proxies: list[int]
) -> None:
    """What stands left of the client's address was written by the client, and is not believed."""
    inside = [str(ipaddress.IPv4Address(0x0A000000 + host)) for host in proxies]
    header = ", ".join([*map(str, spoofed), str(client), *inside]).encode()

    assert client.packed == client_address("10.0.0.1", header, PROXIES)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1, 10.1.1.1", "192.0.2.1"),
        (b"10.9.9.9, 10.1.1.1", "10.9.9.9"),
        (b"192.0.2.1, nonsense, 10.1.1.1", "10.0.0.1"),
        (b"nonsense", "10.0.0.1"),
        (b"", "10.0.0.1"),
        (b"192.0.2.1," * 10 + b"192.0.2.1", "10.0.0.1"),
    ],
)
def test_what_cannot_be_read_falls_back_to_the_peer(forwarded: bytes, expected: str) -> None:
    """A malformed hop, none, or more than ten leave the peer; all trusted leaves the first."""
    assert v4(expected) == client_address("10.0.0.1", forwarded, PROXIES)


def test_a_trusted_peer_may_be_v6() -> None:
    """Proxies and clients may speak IPv6."""
    found = client_address("2001:db8:aaaa::5", b"2001:db8:bbbb::9", PROXIES)

    assert v6("2001:db8:bbbb::9") == found


def test_a_named_header_replaces_x_forwarded_for() -> None:
    """With one header set up, that alone is believed; unreadable or doubled leaves the peer."""
    assert v4("192.0.2.3") == client_address("10.0.0.1", b"192.0.2.1", PROXIES, named=b"192.0.2.3")
    for unreadable in (b"", b"192.0.2.3,192.0.2.4", b"x"):
        found = client_address("10.0.0.1", b"192.0.2.1", PROXIES, named=unreadable)
        assert v4("10.0.0.1") == found


def test_a_unix_socket_is_trusted_only_if_named() -> None:
    """Behind a Unix socket the header counts if `unix` is a trusted proxy, else nobody is known."""
    assert v4("192.0.2.1") == client_address("", b"192.0.2.1", Networks(["unix"]))
    assert client_address("", b"192.0.2.1", NOBODY) == b""


def test_truncation_zeroes_the_host_part() -> None:
    """Geolocation sees /24 of IPv4 and /48 of IPv6."""
    assert v4("192.0.2.0") == truncated(v4("192.0.2.77"))
    assert v6("2001:db8:1::") == truncated(v6("2001:db8:1:2:3:4:5:6"))
    assert truncated(b"") == b""


def test_profiles_cut_networks_at_their_lengths() -> None:
    """Pseudonyms use /32 and /64, or /24 and /48 in the strict profile."""
    address_4, address_6 = v4("192.0.2.77"), v6("2001:db8:1:2:3:4:5:6")

    assert address_4 == network_of(address_4, strict=False)
    assert address_4[:3] == network_of(address_4, strict=True)
    assert address_6[:8] == network_of(address_6, strict=False)
    assert address_6[:6] == network_of(address_6, strict=True)


def test_a_peer_that_forwards_for_nobody_is_not_remembered() -> None:
    """Only proxies that forwarded are known again; a visitor of their network leaves nothing."""
    trusted = Networks(["10.0.0.0/8"])

    client_address("10.0.0.9", b"", trusted)
    client_address("10.0.0.1", b"192.0.2.1", trusted)

    assert {"10.0.0.1"} == trusted._trusted_peers


def test_no_address_is_remembered() -> None:
    """Twenty thousand addresses leave no memory behind, so there is no cache of them."""
    addresses = [f"10.{n % 256}.{n // 256 % 256}.{n // 65536}" for n in range(20_000)]
    packed("192.0.2.1")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    for address in addresses:
        client_address(address, b"192.0.2.1", PROXIES)
    grown = tracemalloc.get_traced_memory()[0] - before

    tracemalloc.stop()
    assert grown < 20_000
