"""The spool's disk is full, held by another, or written by another version."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from collector.errors import SpoolError
from tests.fault.traffic import invented
from tests.spooling import a_spool, append, open_spool, waiting

ROOT = Path(__file__).parents[2]


@pytest.mark.needs_system("user namespaces")
def test_f_8_a_full_disk_refuses_and_recovers_without_a_restart(tmp_path: Path) -> None:
    """On a real full disk: refused hits never appear, acknowledged ones stay, room mends it."""
    command = ["unshare", "-rm", sys.executable, "-m", "tests.fault.small_disk"]

    ran = subprocess.run(
        [*command, str(tmp_path / "disk")], cwd=ROOT, capture_output=True, timeout=60, check=True
    )

    outcome = json.loads(ran.stdout)
    assert outcome["acknowledged"] > 500
    assert outcome["refused"] > 500
    assert "full" in outcome["problem"]
    assert ([], 0, []) == (outcome["lost"], outcome["doubled"], outcome["kept though refused"])


def test_f_15_a_second_collector_on_the_same_spool_is_refused(tmp_path: Path) -> None:
    """Another process is outcome which directory is taken, and touches nothing."""
    program = (
        "import sys; from pathlib import Path; from tests.spooling import open_spool; "
        "open_spool(Path(sys.argv[1]))"
    )
    with a_spool(tmp_path) as spool:
        append(spool, invented(10))

        second = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert 10 == len(waiting(spool))
    assert 1 == second.returncode
    assert f"StoreBusy: another process of Footfall has the data directory {tmp_path}" in (
        second.stderr.decode()
    )


def test_f_22_a_spool_of_this_format_is_read_by_the_next_start(tmp_path: Path) -> None:
    """Hits written before an upgrade are read after it."""
    hits = invented(30)
    with a_spool(tmp_path) as spool:
        append(spool, hits)

    with a_spool(tmp_path) as spool:
        assert sorted(hit.path for hit in hits) == sorted(hit.path for hit in waiting(spool))


def test_f_22_a_spool_of_a_newer_format_is_refused_cleanly(tmp_path: Path) -> None:
    """After a downgrade the spool stays as it is, and the message says what to do."""
    with a_spool(tmp_path) as spool:
        append(spool, invented(5))
    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    database.execute("PRAGMA user_version = 2")
    database.close()

    with pytest.raises(SpoolError, match="newer version"):
        open_spool(tmp_path)

    database = sqlite3.connect(tmp_path / "spool.sqlite3")
    assert (5,) == database.execute("SELECT sum(hits) FROM frame").fetchone()
    database.close()


def test_f_10_a_disk_that_lies_is_a_documented_limit() -> None:
    """What a disk that loses synced data costs is written where operators look."""
    text = (ROOT / "docs" / "design" / "0005-spool.md").read_text()

    assert "F-10" in text
    assert "fsync" in text
