"""A visitor's name for one site and day leads nowhere once its secret is gone."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from collector.privacy import pseudonym as pseudonyms
from collector.privacy.pseudonym import pseudonym

SECRET = bytes(range(32))
NETWORKS = st.sampled_from([3, 4, 6, 8]).flatmap(
    lambda size: st.binary(min_size=size, max_size=size)
)


@given(NETWORKS, st.binary(max_size=600))
def test_a_pseudonym_is_a_keyed_hash(network: bytes, user_agent: bytes) -> None:
    """It equals BLAKE2b, keyed with the secret, made without any short cut."""
    message = bytes([len(network)]) + network + user_agent[:512]
    expected = hashlib.blake2b(
        message, key=SECRET, digest_size=16, person=b"footfall-visitor"
    ).digest()

    assert expected == pseudonym(SECRET, network, user_agent)


def test_every_input_matters() -> None:
    """Another secret, network or user agent is another pseudonym."""
    names = {
        pseudonym(SECRET, b"\xc0\0\2\1", b"Chrome"),
        pseudonym(bytes(32), b"\xc0\0\2\1", b"Chrome"),
        pseudonym(SECRET, b"\xc0\0\2\2", b"Chrome"),
        pseudonym(SECRET, b"\xc0\0\2\1", b"Firefox"),
        pseudonym(SECRET, b"\xc0\0\2", b"\1Chrome"),
        pseudonym(SECRET, b"\xc0\0\2\1C", b"hrome"),
    }

    assert len(names) == 6


def test_forgetting_drops_the_secrets() -> None:
    """After forgetting nothing keyed is held, and the next hit is named alike."""
    name = pseudonym(SECRET, b"\xc0\0\2\1", b"Chrome")
    assert pseudonyms._keyed.cache_info().currsize > 0

    pseudonyms.forget()

    assert pseudonyms._keyed.cache_info().currsize == 0
    assert name == pseudonym(SECRET, b"\xc0\0\2\1", b"Chrome")
