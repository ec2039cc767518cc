"""Say by which cookie a browser is known as an owner's own, whose visits are not counted.

Pure. The cookie is set on the wish of somebody who is logged in, and holds
the same for everybody: that this browser is one of those left out. Refuses to
say whose. Called by `ingest.assemble` and by the page that sets it.
"""

from __future__ import annotations

from typing import Final

LIVES_S: Final = 395 * 86_400
"""Thirteen months."""

# SameSite=None, for the cookie must go along from pages of other sites, where browsers let it.
_HTTPS: Final = "__Host-own=1; Path=/; Secure; HttpOnly; SameSite=None"
_HTTP: Final = "own=1; Path=/; HttpOnly; SameSite=Lax"
_NAMES: Final = frozenset({b"__Host-own", b"own"})


def is_own_visit(cookies: bytes) -> bool:
    """Tell whether a browser is marked as its owner's own.

    Args:
        cookies: the header's value, as sent.
    """
    if b"own=1" not in cookies:
        return False
    pairs = (cookie.strip().partition(b"=") for cookie in cookies.split(b";"))
    return any(value == b"1" and name in _NAMES for name, _, value in pairs)


def cookies_for(*, own: bool, https: bool) -> tuple[str, ...]:
    """Give the Set-Cookie values that mark a browser, or take the mark away.

    Args:
        own: whether its visits are to be left out.
        https: whether the browser keeps secure cookies from here.
    """
    if own:
        return (f"{_HTTPS if https else _HTTP}; Max-Age={LIVES_S}",)
    marks = (_HTTPS, _HTTP) if https else (_HTTP,)
    return tuple(f"{mark}; Max-Age=0" for mark in marks)
