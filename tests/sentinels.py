"""Marked values that must never be found again, and the sweep that looks for them (S-30)."""

from __future__ import annotations

import base64
import ipaddress
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

ADDRESSES = ("203.0.113.77", "198.51.100.201", "192.0.2.143", "203.0.113.219")
ADDRESS_6 = "2001:db8:feed:77:1:2:3:4"
USER_AGENT_MARK = "SentinelAgent7f3a"
QUERY_TOKEN = "s3cretTokenQ8xK"
COOKIE_MARK = "cookieSentinel91c"
REFERRER_TOKEN = "refTokenZ4wq"
WORDS = (*ADDRESSES, ADDRESS_6, USER_AGENT_MARK, QUERY_TOKEN, COOKIE_MARK, REFERRER_TOKEN)


def forms(word: str) -> set[bytes]:
    """Write a word in every form it could rest on a disk: plain, hex, base64, quoted, packed."""
    plain = word.encode()
    written = {plain, plain.hex().encode(), plain.hex().upper().encode()}
    written.add(word.encode("utf-16-le"))
    written.add(urllib.parse.quote(word, safe="").encode())
    for shift in range(3):
        # Base64 of a word depends on its place in the triplet; the edges mix with neighbours.
        coded = base64.b64encode(b"\0" * shift + plain)
        written.add(coded[4 if shift else 0 : len(coded) // 4 * 4 - 4])
    try:
        packed = ipaddress.ip_address(word).packed
    except ValueError:
        return written
    return written | {packed.hex().encode()} | ({packed} if len(packed) == 16 else set())


Place = tuple[Path | str, bytes]
"""Where something was found, and its bytes."""


def files_under(*roots: Path) -> Iterator[Place]:
    """Read every regular file below some folders, or the files themselves."""
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()


def sweep(places: Iterable[Place], words: Iterable[str] = WORDS) -> list[str]:
    """List where any form of any word is found: `word in place`."""
    marks = [(word, form) for word in words for form in forms(word)]
    return [
        f"{word} in {place}" for place, content in places for word, form in marks if form in content
    ]


def packed_addresses(places: Iterable[Place]) -> set[str]:
    """Find the IPv4 marks as four raw bytes.

    Four bytes turn up by chance once in 4 GiB, so one found mark says little;
    a leak would show them all, for all are sent alike.
    """
    return {
        address
        for _, content in places
        for address in ADDRESSES
        if ipaddress.ip_address(address).packed in content
    }
