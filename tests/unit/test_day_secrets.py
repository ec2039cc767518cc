"""Day secrets are random, survive a crash where they may, and are destroyed in time."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from collector.day import day_at
from collector.errors import SettingsError
from collector.privacy.day_secrets import (
    GRACE_S,
    DaySecret,
    DaySecrets,
    lies_in_memory,
    runtime_directory,
)
from tests.builders import NOON, FakeClock

TODAY = day_at("UTC", NOON)
TOMORROW = day_at("UTC", NOON + 86_400)
DUE = TODAY.closes_at + GRACE_S


def on_disk(path: Path, clock: FakeClock | None = None) -> DaySecrets:
    """Open secrets that may lie anywhere."""
    return DaySecrets(path, clock or FakeClock(), "disk")


def test_each_site_and_day_has_its_own(tmp_path: Path) -> None:
    """No two (site, day) share a secret, and asking again gives the same 32 bytes."""
    secrets = on_disk(tmp_path)
    found = [secrets.secret(1, TODAY), secrets.secret(2, TODAY), secrets.secret(1, TOMORROW)]

    assert len(set(found)) == 3
    assert {32} == {len(secret) for secret in found}
    assert found[0] == secrets.secret(1, TODAY)


def test_secrets_survive_a_crash(tmp_path: Path) -> None:
    """A service that was killed finds its secrets again, so that no visitor counts twice."""
    before = on_disk(tmp_path).secret(1, TODAY)

    assert before == on_disk(tmp_path).secret(1, TODAY)


def test_two_collectors_make_different_secrets(tmp_path: Path) -> None:
    """Secrets are drawn, not derived: the same site and day differ on another collector."""
    one, other = on_disk(tmp_path / "a"), on_disk(tmp_path / "b")

    assert one.secret(1, TODAY) != other.secret(1, TODAY)


def test_secrets_in_memory_leave_no_file(tmp_path: Path) -> None:
    """The memory store writes nothing."""
    secrets = DaySecrets(tmp_path, FakeClock(), "memory")
    secrets.secret(1, TODAY)

    assert [] == list(tmp_path.iterdir())
    assert [DaySecret(1, TODAY.closes_at)] == secrets.open()


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Each secret's file has mode 0600."""
    on_disk(tmp_path).secret(1, TODAY)
    (file,) = tmp_path.iterdir()

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size == 32


def test_a_secret_lives_until_five_minutes_after_its_day(tmp_path: Path) -> None:
    """Nothing is destroyed early, and all that is due is destroyed at once."""
    secrets = on_disk(tmp_path)
    secrets.secret(1, TODAY)
    secrets.secret(2, TODAY)
    secrets.secret(1, TOMORROW)

    early = secrets.destroy(DUE - 1)
    gone = secrets.destroy(DUE)

    assert [] == early
    assert [DaySecret(1, TODAY.closes_at), DaySecret(2, TODAY.closes_at)] == sorted(gone)
    assert [DaySecret(1, TOMORROW.closes_at)] == secrets.open()
    assert [f"{TOMORROW.closes_at}-1.secret"] == [file.name for file in tmp_path.iterdir()]


def test_a_destroyed_secret_is_overwritten_before_it_is_unlinked(tmp_path: Path) -> None:
    """A second link to the file shows zeros afterwards."""
    secrets = on_disk(tmp_path)
    secret = secrets.secret(1, TODAY)
    (file,) = tmp_path.iterdir()
    witness = tmp_path.parent / "witness"
    os.link(file, witness)
    assert secret == witness.read_bytes()

    secrets.destroy(DUE)

    assert bytes(32) == witness.read_bytes()
    assert not file.exists()


def test_a_destroyed_secret_is_overwritten_in_memory(tmp_path: Path) -> None:
    """What held it shows zeros afterwards, for whoever still has a hold of it."""
    secrets = on_disk(tmp_path)
    secret = secrets.secret(1, TODAY)
    (held,) = secrets._held.values()
    assert secret == held

    secrets.destroy(DUE)

    assert bytes(32) == held


def test_destruction_is_logged_and_empties_the_caches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names site and day, never the secret; caches of what was sent are told to forget."""
    forgotten: list[str] = []
    secrets = DaySecrets(tmp_path, FakeClock(), "disk", forget=lambda: forgotten.append("all"))
    secret = secrets.secret(1, TODAY)

    with caplog.at_level(logging.INFO):
        secrets.destroy(DUE)
        secrets.destroy(DUE)

    assert [f"day secret destroyed: site 1, day ending at {TODAY.closes_at}"] == caplog.messages
    assert secret.hex() not in caplog.text
    assert ["all"] == forgotten


def test_what_is_due_at_the_start_is_destroyed(tmp_path: Path) -> None:
    """A service that slept past midnight destroys yesterday's secret before its first hit."""
    on_disk(tmp_path).secret(1, TODAY)

    woken = on_disk(tmp_path, FakeClock(DUE))

    assert [] == woken.open()
    assert [] == list(tmp_path.iterdir())


def test_a_torn_file_and_strangers_are_no_secrets(tmp_path: Path) -> None:
    """A file cut short by a kill is removed and made anew; files of others are left alone."""
    torn = tmp_path / f"{TODAY.closes_at}-1.secret"
    torn.write_bytes(b"short")
    (tmp_path / "README").write_text("hello")

    secrets = on_disk(tmp_path)

    assert [] == secrets.open()
    assert len(secrets.secret(1, TODAY)) == 32
    assert (tmp_path / "README").read_text() == "hello"


def test_a_file_that_vanished_is_destroyed_all_the_same(tmp_path: Path) -> None:
    """Somebody else's rm does not stop the destruction."""
    secrets = on_disk(tmp_path)
    secrets.secret(1, TODAY)
    next(tmp_path.iterdir()).unlink()

    secrets.destroy(DUE)

    assert [] == secrets.open()


def test_runtime_secrets_insist_on_memory(tmp_path: Path) -> None:
    """The default store refuses a directory on a disk."""
    if lies_in_memory(tmp_path):
        tmp_path = Path(__file__).parent

    with pytest.raises(SettingsError, match="tmpfs"):
        DaySecrets(tmp_path, FakeClock(), "runtime")


def test_runtime_secrets_take_tmpfs() -> None:
    """Shared memory will do."""
    directory = Path("/dev/shm") / f"footfall-test-{os.getpid()}"

    secrets = DaySecrets(directory, FakeClock(), "runtime")
    secrets.secret(1, TODAY)
    secrets.destroy(DUE)

    directory.rmdir()
    assert [] == secrets.open()


def test_the_first_directory_in_memory_is_chosen(tmp_path: Path) -> None:
    """Empty, missing and on-disk candidates are passed over."""
    candidates = ["", str(tmp_path / "missing"), str(Path(__file__).parent), "/dev/shm"]

    assert Path("/dev/shm") == runtime_directory(candidates)
    assert runtime_directory(candidates[:3]) is None


def with_marks(path: Path, marks: Path, told: list[tuple[int, int]]) -> DaySecrets:
    """Open secrets whose days are marked; what is made anew is noted as (site, day's number)."""
    return DaySecrets(
        path,
        FakeClock(),
        "disk",
        marks=marks,
        on_loss=lambda site, day: told.append((site, day.number)),
    )


def test_a_secret_made_anew_marks_its_day(tmp_path: Path) -> None:
    """After a reboot that empties the secrets' folder, the days that had one are told."""
    told: list[tuple[int, int]] = []
    first = with_marks(tmp_path / "before", tmp_path / "marks", told)
    before = first.secret(1, TODAY)
    again = with_marks(tmp_path / "before", tmp_path / "marks", told).secret(1, TODAY)

    rebooted = with_marks(tmp_path / "after", tmp_path / "marks", told)
    after = [rebooted.secret(site, TODAY) for site in (1, 1, 2)]

    assert before == again
    assert before != after[0] == after[1]
    assert [(1, TODAY.number)] == told


def test_marks_hold_nothing_and_go_with_their_day(tmp_path: Path) -> None:
    """A mark is an empty file, gone once the day is over, though its secret was lost before."""
    marks = tmp_path / "marks"
    with_marks(tmp_path / "before", marks, []).secret(1, TODAY)
    (mark,) = marks.iterdir()
    assert (0, 0o600) == (mark.stat().st_size, mark.stat().st_mode & 0o777)

    DaySecrets(tmp_path / "after", FakeClock(DUE), "disk", marks=marks)

    assert [] == list(marks.iterdir())


def test_a_removed_sites_marks_go_with_it(tmp_path: Path) -> None:
    """Erasing a site leaves no mark of it; other sites' days stay marked."""
    marks = tmp_path / "marks"
    secrets = with_marks(tmp_path / "secrets", marks, [])
    secrets.secret(1, TODAY)
    secrets.secret(2, TODAY)

    secrets.destroy_site(1)

    assert [f"{TODAY.closes_at}-2.made"] == [mark.name for mark in marks.iterdir()]


def test_a_folder_that_takes_no_mark_stops_no_hit(tmp_path: Path) -> None:
    """Where marks cannot be written, the day has its secret all the same."""
    marks = tmp_path / "marks"
    secrets = with_marks(tmp_path / "secrets", marks, [])
    marks.rmdir()

    assert len(secrets.secret(1, TODAY)) == 32
