"""F-1: kill -9 at each step between acknowledgement and the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.clock import SystemClock
from collector.spool.delivery import Delivery
from tests.fault.dying import POINTS, ROUNDS, hits_of_round
from tests.fault.oracle import verdict
from tests.spooling import PACE, a_journal

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("point", POINTS)
def test_f_1_acknowledged_is_counted_at_every_crash_point(
    server: Store, tmp_path: Path, point: str
) -> None:
    """Killed at its second passing of a point, a collector loses nothing it acknowledged."""
    command = [sys.executable, "-m", "tests.fault.dying", str(tmp_path), server.dsn, point, "2"]

    died = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    with a_journal(tmp_path) as journal:
        Delivery(journal, server, SystemClock(), PACE).flush()

    acknowledged = set(died.stdout.decode().split())
    hits = [hit for number in range(ROUNDS) for hit in hits_of_round(number)]
    assert b"" == died.stderr
    assert -9 == died.returncode
    assert len(acknowledged) >= 1
    assert [] == verdict(
        server,
        [hit for hit in hits if hit.path in acknowledged],
        [hit for hit in hits if hit.path not in acknowledged],
    )


def test_f_1_the_points_are_passed(server: Store, tmp_path: Path) -> None:
    """A collector that is not struck comes to its end: the points above do strike."""
    command = [sys.executable, "-m", "tests.fault.dying", str(tmp_path), server.dsn, "never", "1"]

    died = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)

    hits = [hit for number in range(ROUNDS) for hit in hits_of_round(number)]
    assert {hit.path for hit in hits} == set(died.stdout.decode().split())
    assert [] == verdict(server, hits)
