"""Recognise the cookie by which owners exclude their own browser from the counts.

It is set at the wish of a logged-in user and holds the same value in every browser,
so it does not say whose browser it is.
"""

from __future__ import annotations

from typing import Final

# SameSite=None, so that browsers that allow it send the cookie from pages of other sites.
HTTPS_COOKIE: Final = "__Host-own=1; Path=/; Secure; HttpOnly; SameSite=None"
HTTP_COOKIE: Final = "own=1; Path=/; HttpOnly; SameSite=Lax"
_NAMES: Final = frozenset({b"__Host-own", b"own"})


def is_own_visit(cookies: bytes) -> bool:
    """Return whether a browser is marked as its owner's.

    Args:
        cookies: the value of the header Cookie.
    """
    if b"own=1" not in cookies:
        return False
    pairs = (cookie.strip().partition(b"=") for cookie in cookies.split(b";"))
    return any(value == b"1" and name in _NAMES for name, _, value in pairs)
