"""API tokens and what they allow; a token is shown once and stored as its SHA-256."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from collector.errors import RegistryError

PREFIX = "ffl_"

Scope = Literal["read", "ingest"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Grant(msgspec.Struct, frozen=True):
    """What a token allows.

    Attributes:
        site_id: the one site it is for; None: every site.
        scopes: `read` reports, `ingest` hits from a server.
    """

    site_id: int | None
    scopes: frozenset[Scope]

    def allows(self, scope: Scope, site_id: int) -> bool:
        """Return True if the token allows a scope for a site."""
        return scope in self.scopes and self.site_id in (None, site_id)


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret value.

    Attributes:
        site: the domain it is for; None: every site.
    """

    name: str
    site: str | None
    scopes: tuple[Scope, ...]


def new_token() -> str:
    """Return a new token: `ffl_` and 256 random bits, URL-safe."""
    return PREFIX + secrets.token_urlsafe(32)


def checked_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes without duplicates, in the order of `SCOPES`.

    Raises:
        RegistryError: if a scope is unknown, or none is given.
    """
    wanted = frozenset(scopes)
    known = tuple(scope for scope in SCOPES if scope in wanted)
    if not known or len(known) != len(wanted):
        raise RegistryError(f"a token needs one or more of the scopes {', '.join(SCOPES)}")
    return known
