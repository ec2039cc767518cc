"""Tokens of the API and what they grant."""

from __future__ import annotations

import pytest

from collector.errors import RegistryError
from collector.registry.tokens import Grant, checked_scopes, new_token


def test_tokens_say_whose_they_are_and_differ() -> None:
    """A token begins with ffl_, so that a leaked one is recognised, and cannot be guessed."""
    drawn = {new_token() for _ in range(100)}

    assert len(drawn) == 100
    assert all(token.startswith("ffl_") and len(token) >= 47 for token in drawn)


def test_scopes_are_kept_once_and_in_order() -> None:
    """What is named twice counts once."""
    assert checked_scopes(["ingest", "read", "read"]) == ("read", "ingest")


@pytest.mark.parametrize("scopes", [[], ["write"], ["read", "admin"]])
def test_unknown_scopes_are_refused(scopes: list[str]) -> None:
    """A token with no or an unknown scope is not made."""
    with pytest.raises(RegistryError, match="read, ingest"):
        checked_scopes(scopes)


def test_a_grant_of_one_site_allows_nothing_elsewhere() -> None:
    """The site and the scope must both fit."""
    grant = Grant(3, frozenset({"read"}))

    assert grant.allows("read", 3)
    assert not grant.allows("read", 4)
    assert not grant.allows("ingest", 3)


def test_a_grant_of_every_site_allows_each() -> None:
    """Without a site the scope alone decides."""
    grant = Grant(None, frozenset({"ingest"}))

    assert grant.allows("ingest", 1)
    assert not grant.allows("read", 1)
