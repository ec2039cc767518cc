"""Decide whether a request may be read at all, from three headers and nothing else.

The opt-out cookies, `Sec-GPC` and `DNT` are the only values that are read before the
decision. Only `Admitted` gives the other headers, the query string, the body and the
peer, and only this module can make one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, NamedTuple, TypeVar

from collector.errors import PayloadError
from collector.hit import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
HeaderList = list[tuple[bytes, bytes]]
NamedHeaders = Mapping[bytes, bytes]
"""Headers by their names in lower case, the last one of those sent twice."""
Peer = tuple[str, int] | None
Granted = TypeVar("Granted")

OPT_OUT_COOKIES: Final = frozenset({b"__Host-optout", b"__Host-optout_p", b"optout"})
_SIGNAL_HEADERS: Final = frozenset({b"cookie", b"sec-gpc", b"dnt"})
_BEARER: Final = b"bearer "
_PROOF: Final = object()


class Signals(NamedTuple):
    """What a browser says about being counted.

    Attributes:
        opted_out: it holds an opt-out cookie.
        gpc: it sends Global Privacy Control.
        dnt: it sends Do Not Track.
    """

    opted_out: bool
    gpc: bool
    dnt: bool

    @property
    def refusal(self) -> Refusal | None:
        """The first reason not to count, in the order of the design; None if there is none."""
        if self.opted_out:
            return Refusal.OPT_OUT
        if self.gpc:
            return Refusal.GPC
        return Refusal.DNT if self.dnt else None


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class Admitted:
    """A request that may be read: the only way to its body, other headers, query and peer.

    Attributes:
        headers: by name.
        query_string: the raw query string, without its question mark.
        peer: the address at the other end of the socket; empty for a Unix socket.
    """

    __slots__ = ("_body", "_receive", "_sent", "headers", "peer", "query_string")

    def __init__(  # noqa: PLR0913, PLR0917 -- one for each hit: names would cost a third more
        self,
        proof: object,
        sent: HeaderList,
        headers: NamedHeaders,
        peer: Peer,
        body: bytes = b"",
        query_string: bytes = b"",
        receive: Receive = _nothing,
    ) -> None:
        """Refuse to be made anywhere but in this module."""
        if proof is not _PROOF:
            raise TypeError("only consent.decide admits a request")
        self._sent = sent
        self._receive = receive
        self._body = body
        self.headers = headers
        self.query_string = query_string
        self.peer = peer[0] if peer else ""

    def header(self, name: bytes) -> bytes:
        """Give a header's value, the last one if it was sent twice; empty if absent.

        Args:
            name: in lower case.
        """
        return self.headers.get(name, b"")

    def headers_joined(self, name: bytes) -> bytes:
        """Give all values of a header in their order, joined by commas; empty if absent."""
        value = self.headers.get(name, b"")
        if not value or len(self._sent) == len(self.headers):
            return value
        return b",".join([found for each, found in self._sent if each == name])

    async def receive_body(self, limit: int) -> None:
        """Read the body from the connection; `body` gives it then.

        Args:
            limit: the most bytes to take.

        Raises:
            PayloadError: `too_large` (413), by declaration or while it streams in;
                `not_json` if the sender left in the middle.
        """
        declared = self.headers.get(b"content-length", b"")
        if len(declared) > len(str(limit)) or (declared.isdigit() and int(declared) > limit):
            raise PayloadError("too_large", status=413)
        body = b""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise PayloadError("not_json")
            chunk: bytes = message.get("body", b"")
            body = body + chunk if body else chunk
            if len(body) > limit:
                raise PayloadError("too_large", status=413)
            if not message.get("more_body", False):
                self._body = body
                return

    def body(self, limit: int) -> bytes:
        """Give the body that was received.

        Args:
            limit: the most bytes to take.

        Raises:
            PayloadError: `too_large` (413).
        """
        if len(self._body) > limit:
            raise PayloadError("too_large", status=413)
        return self._body


def signals_in(headers: Headers) -> Signals:
    """Read the three signals from a request's headers, and no other value.

    `Sec-GPC` is set by any value, split at commas and trimmed, that is exactly
    `1`; `DNT` by a value that begins with `1`.

    Source: W3C Global Privacy Control (2026-04); W3C Tracking Preference Expression section 5.
    """
    opted_out = gpc = dnt = False
    for name, value in headers:
        if name in _SIGNAL_HEADERS:
            if name == b"cookie":
                opted_out = opted_out or _holds_opt_out(value)
            elif name == b"sec-gpc":
                gpc = gpc or any(part.strip() == b"1" for part in value.split(b","))
            else:
                dnt = dnt or value.lstrip()[:1] == b"1"
    return Signals(opted_out, gpc, dnt)


def decide(scope: Scope, receive: Receive) -> Refusal | Admitted:
    """Decide whether a browser's request may be read, given as an ASGI scope."""
    sent = scope["headers"]
    return _refusal(sent, dict(sent)) or _admitted(scope, receive)


def decide_request(
    sent: HeaderList, headers: NamedHeaders, peer: Peer, body: bytes = b""
) -> Refusal | Admitted:
    """Decide whether a browser's request that was received as a whole may be read.

    Args:
        headers: the headers by name.
    """
    return _refusal(sent, headers) or Admitted(_PROOF, sent, headers, peer, body)


def admit_sender(
    scope: Scope, receive: Receive, grant_of: Callable[[str], Granted | None]
) -> tuple[Admitted, Granted] | None:
    """Admit a server that sends hits of others, if its token is good.

    Its own headers say nothing of the visitors; each hit must pass
    `decide_relayed` by itself.

    Args:
        grant_of: what a token allows; None if it is unknown.

    Returns:
        None without a good token.
    """
    for name, value in scope["headers"]:
        token = bearer_of(value) if name == b"authorization" else ""
        if token:
            grant = grant_of(token)
            if grant is None:
                return None
            return _admitted(scope, receive), grant
    return None


def bearer_of(authorization: bytes) -> str:
    """Read the token out of the header Authorization; empty if it holds none.

    Source: RFC 6750, section 2.1.
    """
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return ""
    return authorization[len(_BEARER) :].strip().decode("latin-1")


def decide_relayed(
    signals: Signals, facts: Callable[[], tuple[list[tuple[bytes, bytes]], str]]
) -> Refusal | Admitted:
    """Decide whether one hit that a server relays may be read.

    Args:
        signals: what the hit itself says of its visitor.
        facts: reads the visitor's headers and address out of the hit; called
            only when nothing was refused.
    """
    if signals.refusal:
        return signals.refusal
    headers, peer = facts()
    return Admitted(_PROOF, headers, dict(headers), (peer, 0) if peer else None)


def _refusal(sent: HeaderList, headers: NamedHeaders) -> Refusal | None:
    return None if _SIGNAL_HEADERS.isdisjoint(headers) else signals_in(sent).refusal


def _admitted(scope: Scope, receive: Receive) -> Admitted:
    sent, query_string = scope["headers"], scope["query_string"]
    return Admitted(_PROOF, sent, dict(sent), scope["client"], b"", query_string, receive)


def _holds_opt_out(cookies: bytes) -> bool:
    if b"optout" not in cookies:
        return False
    for cookie in cookies.split(b";"):
        name, _, value = cookie.strip().partition(b"=")
        if value == b"1" and name in OPT_OUT_COOKIES:
            return True
    return False
