"""Decide who may look at what, and who may change anything.

Knows cookies, sessions and where a request came from; refuses to keep a name
or an address to slow down guessing (a keyed hash is enough). Called by `app`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from collector.clock import Clock
from collector.registry.accounts import SESSION_SECONDS, User
from collector.registry.sites import Site
from collector.registry.store import Registry

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURE_COOKIE = "__Host-footfall_session"
PLAIN_COOKIE = "footfall_session"

ACCOUNT_BURST, ACCOUNT_REFILL_S = 5, 30.0
GLOBAL_BURST, GLOBAL_REFILL_S = 60, 1.0
KEPT_ACCOUNTS = 10_000


def is_https(request: Request, public_url: str) -> bool:
    """Tell whether readers reach us by https: directly, or through a proxy as settings say."""
    return request.url.scheme == "https" or public_url.startswith("https://")


def session_token(request: Request, *, https: bool) -> str:
    """Read the session's token; empty if there is none."""
    return request.cookies.get(SECURE_COOKIE if https else PLAIN_COOKIE, "")


def reader_of(registry: Registry, request: Request, public_url: str) -> User | None:
    """Find who is logged in; None for a stranger."""
    token = session_token(request, https=is_https(request, public_url))
    return registry.session_user(token) if token else None


def can_view(reader: User | None, site: Site) -> bool:
    """Tell whether somebody may see a site's numbers."""
    return site.public or reader is not None


def set_session_cookie(response: Response, token: str, *, https: bool) -> None:
    """Give a session's token to the browser: for this host only, out of reach of scripts."""
    response.set_cookie(
        SECURE_COOKIE if https else PLAIN_COOKIE,
        token,
        max_age=SESSION_SECONDS,
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, *, https: bool) -> None:
    """Have the browser forget the session's token."""
    name = SECURE_COOKIE if https else PLAIN_COOKIE
    response.delete_cookie(name, path="/", secure=https, httponly=True, samesite="lax")


def is_cross_site(method: str, headers: Mapping[str, str], public_url: str) -> bool:
    """Tell whether an unsafe request may have been made by another site's page.

    Args:
        headers: by lower-case name; one without Fetch Metadata and Origin is no browser's.
        public_url: how readers reach us, if a proxy hides the host they asked for; may be empty.

    Source: the Fetch Metadata standard; browsers without it send Origin with every POST.
    """
    if method in SAFE_METHODS:
        return False
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from not in ("same-origin", "none")
    origin = headers.get("origin")
    ours = {headers.get("host"), urlsplit(public_url).netloc or None}
    return origin is not None and urlsplit(origin).netloc not in ours


def safe_target(wanted: str) -> str:
    """Give where to go after logging in: a path of ours, whatever was asked for."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else "/"


@dataclass(slots=True)
class _Bucket:
    """How many tries are left, and when that was true."""

    left: float
    at: float


class Throttle:
    """Slows down the guessing of passwords, per account and overall; memory is bounded.

    Args:
        clock: its monotonic time refills the tries.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._accounts: OrderedDict[bytes, _Bucket] = OrderedDict()
        self._everyone = _Bucket(GLOBAL_BURST, clock.monotonic())

    def admits(self, name: str) -> bool:
        """Take one try to log in to an account; False if there is none left."""
        now = self._clock.monotonic()
        key = self._key_of(name)
        bucket = self._accounts.setdefault(key, _Bucket(ACCOUNT_BURST, now))
        self._accounts.move_to_end(key)
        if len(self._accounts) > KEPT_ACCOUNTS:
            self._accounts.popitem(last=False)
        _refill(bucket, now, ACCOUNT_BURST, ACCOUNT_REFILL_S)
        _refill(self._everyone, now, GLOBAL_BURST, GLOBAL_REFILL_S)
        if bucket.left < 1 or self._everyone.left < 1:
            return False
        bucket.left -= 1
        self._everyone.left -= 1
        return True

    def forgive(self, name: str) -> None:
        """Forget the tries of an account whose owner has come in."""
        self._accounts.pop(self._key_of(name), None)

    def _key_of(self, name: str) -> bytes:
        folded = name.strip().casefold().encode("utf-8", "replace")
        return hashlib.blake2b(folded, key=self._key, digest_size=16).digest()


def _refill(bucket: _Bucket, now: float, burst: int, refill_s: float) -> None:
    bucket.left = min(float(burst), bucket.left + (now - bucket.at) / refill_s)
    bucket.at = now
