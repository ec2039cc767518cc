"""Consent is decided from three headers, before and without anything else."""

from __future__ import annotations

from typing import Any

import pytest

from collector.errors import PayloadError
from collector.hit import Refusal
from collector.privacy.consent import (
    Admitted,
    Signals,
    admit_sender,
    decide,
    decide_relayed,
    signals_in,
)
from tests.builders import a_receive, a_scope, an_admitted


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"1"], True),
        ([b"0"], False),
        ([b"01"], False),
        ([b" 1 "], True),
        ([b"1;x"], False),
        ([b""], False),
        ([b"true"], False),
        ([b"0,1"], True),
        ([b"1", b"0"], True),
        ([b"0", b"1"], True),
        ([b"0", b"0"], False),
    ],
)
def test_gpc_is_set_by_exactly_1(values: list[bytes], expected: object) -> None:
    """Sec-GPC counts only where one value, split at commas and trimmed, is exactly 1."""
    signals = signals_in([(b"sec-gpc", value) for value in values])

    assert expected == signals.gpc


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"1", True), (b"1abc", True), (b" 1", True), (b"0", False), (b"01", False), (b"", False)],
)
def test_dnt_is_set_by_its_first_character(value: bytes, expected: object) -> None:
    """DNT counts where its value begins with 1, extensions or not."""
    assert expected == signals_in([(b"dnt", value)]).dnt


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"__Host-optout=1", True),
        (b"__Host-optout_p=1", True),
        (b"optout=1", True),
        (b"a=b; optout=1; c=d", True),
        (b"a=b;optout=1", True),
        (b"optout=0", False),
        (b"optout=11", False),
        (b'optout="1"', False),
        (b"optout", False),
        (b"xoptout=1", False),
        (b"optout_x=1", False),
        (b"a=optout=1", False),
    ],
)
def test_the_opt_out_cookies_are_known_by_name_and_value(cookie: bytes, expected: object) -> None:
    """Three cookie names with the value 1 are a refusal; nothing that merely resembles them is."""
    assert expected == signals_in([(b"cookie", cookie)]).opted_out


def test_a_refusal_in_a_second_cookie_header_counts() -> None:
    """Browsers may split their cookies over several headers; each is looked at."""
    headers = [(b"cookie", b"a=b"), (b"cookie", b"__Host-optout=1")]

    assert signals_in(headers).opted_out


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"dnt", b"1"), (b"sec-gpc", b"1"), (b"cookie", b"optout=1")], Refusal.OPT_OUT),
        ([(b"dnt", b"1"), (b"sec-gpc", b"1")], Refusal.GPC),
        ([(b"dnt", b"1")], Refusal.DNT),
    ],
)
def test_refusals_are_named_in_their_order(
    headers: list[tuple[bytes, bytes]], expected: Refusal
) -> None:
    """The opt-out cookie comes first, then GPC, then DNT, whatever the order of the headers."""
    assert expected == decide(a_scope(*headers), a_receive())


class Untouchable(bytes):
    """A header value that fails when it is looked at."""

    def _fail(self, *_: Any) -> Any:
        raise AssertionError("a value was touched before consent")

    __eq__ = __ne__ = __hash__ = __contains__ = __getitem__ = __len__ = _fail
    __iter__ = __bytes__ = _fail

    def __getattribute__(self, name: str) -> Any:
        """Fail for every method but those of Python itself."""
        return object.__getattribute__(self, name) if name.startswith("__") else self._fail()


def test_no_other_value_is_touched() -> None:
    """Deciding compares the names of headers and reads three values, no others."""
    names = [b"user-agent", b"referer", b"x-forwarded-for", b"authorization", b"origin"]
    scope = a_scope(*[(name, Untouchable(b"x")) for name in names], (b"dnt", b"1"))
    del scope["client"], scope["query_string"]

    assert decide(scope, a_receive()) is Refusal.DNT


def test_only_consent_admits() -> None:
    """An Admitted cannot be made by anybody else."""
    with pytest.raises(TypeError, match=r"consent\.decide"):
        Admitted(object(), [], {}, None)


def test_admitted_gives_headers_query_and_peer() -> None:
    """What was admitted can be read: the last of a doubled header, or all joined in order."""
    admitted = an_admitted(
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x-forwarded-for", b"192.0.2.2"),
        query=b"p=/",
        peer="198.51.100.9",
    )

    assert b"192.0.2.2" == admitted.header(b"x-forwarded-for")
    assert b"192.0.2.1,192.0.2.2" == admitted.headers_joined(b"x-forwarded-for")
    assert b"" == admitted.header(b"origin") == admitted.headers_joined(b"origin")
    assert (b"p=/", "198.51.100.9") == (admitted.query_string, admitted.peer)


def test_a_unix_socket_has_no_peer() -> None:
    """Without a client address the peer is empty."""
    assert an_admitted(peer=None).peer == ""


@pytest.mark.anyio
async def test_the_body_comes_in_pieces() -> None:
    """A streamed body is put together."""
    admitted = decide(a_scope(), a_receive(b'{"a"', b":", b"1}"))
    assert isinstance(admitted, Admitted)

    await admitted.receive_body(100)

    assert admitted.body(100) == b'{"a":1}'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "chunks"),
    [
        ([(b"content-length", b"101")], [b""]),
        ([(b"content-length", b"9" * 5000)], [b""]),
        ([], [b"x" * 101]),
        ([], [b"x" * 60, b"x" * 60]),
        ([(b"content-length", b"10")], [b"x" * 60, b"x" * 60]),
    ],
)
async def test_a_body_over_the_limit_is_too_large(
    headers: list[tuple[bytes, bytes]], chunks: list[bytes]
) -> None:
    """The limit holds for what is declared and for what streams in, whatever was declared."""
    admitted = decide(a_scope(*headers), a_receive(*chunks))
    assert isinstance(admitted, Admitted)

    with pytest.raises(PayloadError) as caught:
        await admitted.receive_body(100)

    assert ("too_large", 413) == (caught.value.code, caught.value.status)


@pytest.mark.anyio
async def test_a_sender_who_leaves_has_sent_no_json() -> None:
    """A connection that ends in the middle of the body is a payload error, not a crash."""
    scope = a_scope()
    receive = a_receive(b"{", b"}")
    await receive()
    await receive()
    admitted = decide(scope, receive)
    assert isinstance(admitted, Admitted)

    with pytest.raises(PayloadError, match="not_json"):
        await admitted.receive_body(100)


def test_a_sender_is_admitted_by_a_good_token_only() -> None:
    """On token routes the Authorization header decides, and the sender's own signals do not."""
    granted = {"good": 7}.get
    good = a_scope((b"dnt", b"1"), (b"authorization", b"Bearer good"))
    bad = a_scope((b"authorization", b"Bearer bad"))
    basic = a_scope((b"authorization", b"Basic good"))

    found = admit_sender(good, a_receive(), granted)

    assert found is not None
    assert found[1] == 7
    assert admit_sender(bad, a_receive(), granted) is None
    assert admit_sender(basic, a_receive(), granted) is None
    assert admit_sender(a_scope(), a_receive(), granted) is None


def test_a_relayed_refusal_is_not_read() -> None:
    """The facts of a relayed hit are not even asked for when its visitor refused."""

    def facts() -> tuple[list[tuple[bytes, bytes]], str]:
        raise AssertionError("read before consent")

    assert decide_relayed(Signals(opted_out=False, gpc=True, dnt=False), facts) is Refusal.GPC


@pytest.mark.anyio
async def test_a_relayed_hit_has_the_facts_it_brought() -> None:
    """An admitted relayed hit shows its own visitor's headers and address, and has no body."""
    silent = Signals(opted_out=False, gpc=False, dnt=False)

    admitted = decide_relayed(silent, lambda: ([(b"user-agent", b"App/1")], "192.0.2.9"))

    assert isinstance(admitted, Admitted)
    assert (b"App/1", "192.0.2.9") == (admitted.header(b"user-agent"), admitted.peer)
    with pytest.raises(PayloadError):
        await admitted.receive_body(100)
    assert admitted.body(100) == b""
