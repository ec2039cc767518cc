"""Say what a token grants, and make one.

Pure but for randomness: rows are kept by `registry.store`, the only caller.
A token is shown once and kept as its SHA-256.
"""

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
    """What the bearer of a token may do.

    Attributes:
        site_id: the one site it is for; None: every site.
        scopes: `read` the numbers, `ingest` hits from a server.
    """

    site_id: int | None
    scopes: frozenset[Scope]

    def allows(self, scope: Scope, site_id: int) -> bool:
        """Tell whether the bearer may do something with a site."""
        return scope in self.scopes and self.site_id in (None, site_id)


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token once it has been shown.

    Attributes:
        site: the domain it is for; None: every site.
    """

    name: str
    site: str | None
    scopes: tuple[Scope, ...]


def new_token() -> str:
    """Draw a token: `ffl_` and 256 random bits, URL-safe."""
    return PREFIX + secrets.token_urlsafe(32)


def checked_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes, each once, in the order of `SCOPES`.

    Raises:
        RegistryError: if one is unknown or there is none.
    """
    wanted = frozenset(scopes)
    known = tuple(scope for scope in SCOPES if scope in wanted)
    if not known or len(known) != len(wanted):
        raise RegistryError(f"a token's scopes are one or more of {', '.join(SCOPES)}")
    return known
