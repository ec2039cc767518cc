"""Dashboard users: names, password hashes and session tokens.

No address, user agent or time of use is stored.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from collector.errors import RegistryError

SESSION_SECONDS = 30 * 24 * 3600
PASSWORD_MIN = 10
PASSWORD_MAX = 1024
NAME_MAX = 100

# The minimum of the OWASP password storage cheat sheet for argon2id: 19 MiB, 2 rounds, 1 thread;
# about 40 ms, so that a login does not slow down hits.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NO_USER = _HASHER.hash(secrets.token_hex(16))


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard user.

    Attributes:
        id: from 1; never reused.
        name: the login name.
    """

    id: int
    name: str


def checked_name(name: str) -> str:
    """Return a name without surrounding spaces.

    Raises:
        RegistryError: if it is empty, too long or holds control characters.
    """
    name = name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise RegistryError(f"a name must have 1 to {NAME_MAX} printable characters")
    return name


def hash_password(password: str) -> str:
    """Hash a password with argon2id; the hash includes parameters and salt.

    Raises:
        RegistryError: if it is shorter than 10 or longer than 1024 characters.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise RegistryError(f"a password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def password_matches(password: str, stored: str | None) -> bool:
    """Return True if a password matches a hash; takes as long without one."""
    if len(password) > PASSWORD_MAX:
        return False
    try:
        _HASHER.verify(stored or _NO_USER, password.encode("utf-8", "surrogatepass"))
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


def new_session_token() -> str:
    """Return a new session token: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token, which is stored in its place."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
