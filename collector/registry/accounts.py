"""Say who may look at the numbers, and hash what proves it.

Pure but for randomness: rows are kept by `registry.store`, the only caller.
Holds no address, user agent or time of use of anybody.
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

# The smallest that the OWASP password storage cheat sheet recommends for argon2id: 19 MiB, 2
# rounds, 1 thread; about 40 ms, so that a login does not starve the hits.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash(secrets.token_hex(16))


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One person with an account.

    Attributes:
        id: from 1; never reused.
        name: what the person types to log in.
    """

    id: int
    name: str


def checked_name(name: str) -> str:
    """Return a name without outer spaces.

    Raises:
        RegistryError: if it is empty, too long or holds control characters.
    """
    name = name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise RegistryError(f"a name has 1 to {NAME_MAX} printable characters")
    return name


def hash_password(password: str) -> str:
    """Hash a password with argon2id, parameters and salt within.

    Raises:
        RegistryError: if it is shorter than 10 or longer than 1024 characters.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise RegistryError(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def password_matches(password: str, stored: str | None) -> bool:
    """Tell whether a password fits a stored hash; takes as long if there is none."""
    if len(password) > PASSWORD_MAX:
        return False
    try:
        _HASHER.verify(stored or _NOBODY, password.encode("utf-8", "surrogatepass"))
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


def new_session_token() -> str:
    """Draw a session's token: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Give the 32 bytes kept in place of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
