"""Spool keys: one file a day, durable before use, gone when done."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.spool.encryption import DESTROYED, SpoolKeys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name the folder of the keys, which is made by the first key."""
    return tmp_path / "keys"


def test_each_day_has_a_key_of_its_own(folder: Path) -> None:
    """Two days never share a key."""
    keys = SpoolKeys(folder)

    keys.cipher(1)
    keys.cipher(2)

    assert (folder / "1").read_bytes() != (folder / "2").read_bytes()
    assert {"1", "2"} == {key.name for key in folder.iterdir()}


def test_a_key_survives_the_process(folder: Path) -> None:
    """A second process decrypts what the first encrypted."""
    sealed = SpoolKeys(folder).cipher(1).encrypt(bytes(12), b"hits", None)

    assert b"hits" == SpoolKeys(folder).cipher(1).decrypt(bytes(12), sealed, None)


def test_only_the_owner_can_read_a_key(folder: Path) -> None:
    """A key's file has mode 0600 and its folder 0700."""
    SpoolKeys(folder).cipher(1)

    assert 0o600 == (folder / "1").stat().st_mode & 0o777
    assert 0o700 == folder.stat().st_mode & 0o777


def test_a_day_without_a_key_has_none(folder: Path) -> None:
    """Asking for a key to read with makes none."""
    assert SpoolKeys(folder).known(1) is None
    assert not folder.exists()


def test_a_destroyed_key_is_gone(folder: Path) -> None:
    """After `destroy` there is neither a file nor a cipher in memory."""
    keys = SpoolKeys(folder)
    keys.cipher(1)

    keys.destroy(1)

    assert [] == list(folder.iterdir())
    assert keys.known(1) is None


def test_a_destroyed_key_was_overwritten(folder: Path) -> None:
    """A process that still has the file open reads zeros."""
    keys = SpoolKeys(folder)
    keys.cipher(1)

    with (folder / "1").open("rb") as held:
        keys.destroy(1)

        assert DESTROYED == held.read()


def test_destroying_twice_is_no_error(folder: Path) -> None:
    """A sealing that begins again may destroy again."""
    keys = SpoolKeys(folder)
    keys.cipher(1)

    keys.destroy(1)
    keys.destroy(1)

    assert [] == list(folder.iterdir())


@pytest.mark.parametrize("torn", [b"", b"half a key", DESTROYED])
def test_a_torn_key_is_replaced(folder: Path, torn: bytes) -> None:
    """A crash between creation and sync leaves a key that nothing was encrypted with."""
    folder.mkdir()
    (folder / "1").write_bytes(torn)

    SpoolKeys(folder).cipher(1)

    assert 32 == len((folder / "1").read_bytes())
    assert torn != (folder / "1").read_bytes()
