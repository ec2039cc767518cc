"""Names, passwords and sessions of people."""

from __future__ import annotations

import pytest

from collector.errors import RegistryError
from collector.registry.accounts import (
    checked_name,
    digest,
    hash_password,
    new_session_token,
    password_matches,
)

PASSWORD = "correct horse"


def test_a_password_fits_its_own_hash_only() -> None:
    """A password is recognised by its argon2id hash, another is not."""
    stored = hash_password(PASSWORD)

    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert password_matches(PASSWORD, stored)
    assert not password_matches(PASSWORD + "x", stored)


def test_nobody_has_no_password() -> None:
    """Without a stored hash no password fits."""
    assert not password_matches(PASSWORD, None)


def test_a_broken_hash_fits_nothing() -> None:
    """A stored value that is no hash lets nobody in."""
    assert not password_matches(PASSWORD, "plain")


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 1025])
def test_a_password_has_ten_to_1024_characters(password: str) -> None:
    """Shorter and longer ones are refused in a sentence."""
    with pytest.raises(RegistryError, match="10 to 1024"):
        hash_password(password)


def test_a_login_with_an_endless_password_costs_nothing() -> None:
    """What could never have been set is not hashed, and does not fit."""
    assert not password_matches("x" * 10_000_000, hash_password(PASSWORD))


def test_any_character_may_be_in_a_password() -> None:
    """Lone surrogates, which a form can send, neither raise nor fit another."""
    stored = hash_password("\ud800 correct horse")

    assert password_matches("\ud800 correct horse", stored)
    assert not password_matches("\udfff correct horse", stored)


def test_session_tokens_are_long_and_differ() -> None:
    """A session's token cannot be guessed."""
    drawn = {new_session_token() for _ in range(100)}

    assert len(drawn) == 100
    assert min(map(len, drawn)) >= 43


def test_a_digest_is_not_the_token() -> None:
    """What is kept of a token is 32 bytes that do not hold it."""
    kept = digest("token \ud800")

    assert len(kept) == 32
    assert b"token" not in kept


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x00"])
def test_a_name_is_short_and_printable(name: str) -> None:
    """Empty, long and unprintable names are refused."""
    with pytest.raises(RegistryError, match="printable"):
        checked_name(name)


def test_outer_spaces_of_a_name_do_not_count() -> None:
    """A name typed with spaces around it is the same name."""
    assert checked_name("  Ann Other ") == "Ann Other"
