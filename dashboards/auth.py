"""Session cookies, and limits on login attempts."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from starlette.responses import Response

from collector.clock import Clock
from collector.privacy.own_visits import HTTP_COOKIE, HTTPS_COOKIE
from collector.registry.accounts import SESSION_SECONDS
from collector.token_bucket import TokenBuckets
from collector.web import deleted, kept

SECURE_COOKIE: Final = "__Host-footfall_session"
PLAIN_COOKIE: Final = "footfall_session"

ACCOUNT_BURST, ACCOUNT_REFILL_S = 5, 30.0
GLOBAL_BURST, GLOBAL_REFILL_S = 60, 1.0


def set_session_cookie(response: Response, token: str, *, https: bool) -> None:
    """Set the session cookie: for this host only, not readable by scripts."""
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
    """Delete the session cookie."""
    name = SECURE_COOKIE if https else PLAIN_COOKIE
    response.delete_cookie(name, path="/", secure=https, httponly=True, samesite="lax")


def own_visit_cookies(*, own: bool, https: bool) -> tuple[str, ...]:
    """Return the `Set-Cookie` values that exclude this browser's visits, or include them again."""
    if own:
        return kept((HTTPS_COOKIE if https else HTTP_COOKIE,))
    return deleted((HTTPS_COOKIE, HTTP_COOKIE) if https else (HTTP_COOKIE,))


def safe_target(target: str) -> str:
    """Return the path to go to after the login; `/` for what is not a path of ours."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"


class LoginLimiter:
    """Limits login attempts per account and overall; accounts are remembered by a keyed hash."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._accounts = TokenBuckets(ACCOUNT_BURST, ACCOUNT_REFILL_S)
        self._all = TokenBuckets(GLOBAL_BURST, GLOBAL_REFILL_S)

    def allows(self, name: str) -> bool:
        """Use up one attempt; return False if none is left."""
        now = self._clock.monotonic()
        return not (self._accounts.take(self._digest(name), now) or self._all.take(b"", now))

    def reset(self, name: str) -> None:
        """Give an account all its attempts back, after a successful login."""
        self._accounts.refill(self._digest(name))

    def _digest(self, name: str) -> bytes:
        folded = name.strip().casefold().encode("utf-8", "replace")
        return hashlib.blake2b(folded, key=self._key, digest_size=16).digest()
