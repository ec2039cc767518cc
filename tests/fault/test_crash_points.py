"""F-1 and F-16: kill -9 at each step from acknowledgement to the sealed day."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.cells.sealing import open_days
from collector.clock import SystemClock
from collector.spool.delivery import Delivery
from tests.fault import dying, dying_sealer
from tests.fault.dying import HITS, ROUNDS, hits_of_round
from tests.fault.oracle import verdict, verdict_of_sealed
from tests.fault.traffic import a_crowd
from tests.spooling import PACE, a_spool

ROOT = Path(__file__).parents[2]
NEVER = "never"
SEALED_BEFORE = {"after drop", "before destroy", "after destroy", NEVER}


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a collector until it kills itself, with SIGKILL and no error message."""
    command = [sys.executable, "-m", f"tests.fault.{program}", *arguments]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert (b"", -9) == (died.stderr, died.returncode)
    return died


@pytest.mark.parametrize("point", [*dying.POINTS, NEVER])
def test_f_1_acknowledged_is_counted_at_every_crash_point(
    server: Store, tmp_path: Path, point: str
) -> None:
    """Killed at a point in its second round, a collector loses nothing it acknowledged."""
    times = HITS + 3 if "append" in point else 2
    died = run("dying", str(tmp_path), server.dsn, point, str(times))
    with a_spool(tmp_path) as spool:
        Delivery(spool, server, SystemClock(), PACE).flush()

    acknowledged = set(died.stdout.decode().split())
    hits = [hit for number in range(ROUNDS) for hit in hits_of_round(number)]
    assert len(acknowledged) >= 1
    assert (len(acknowledged) == len(hits)) == (point == NEVER)
    assert [] == verdict(
        server,
        [hit for hit in hits if hit.path in acknowledged],
        [hit for hit in hits if hit.path not in acknowledged],
    )


@pytest.mark.parametrize("point", [*dying_sealer.POINTS, NEVER])
def test_f_16_acknowledged_is_sealed_once_at_every_crash_point(
    server: Store, tmp_path: Path, point: str
) -> None:
    """Killed at a step of sealing: sealed by the next process, every cell exact and none open."""
    hits, clock = a_crowd(dying_sealer.ZONES), SystemClock()

    died = run("dying_sealer", str(tmp_path), server.dsn, point)
    left_open = open_days(server)
    with a_spool(tmp_path) as spool:
        Delivery(spool, server, clock, PACE).flush()
        dying_sealer.sealer_of(server, spool, tmp_path, clock).seal(hits[0].closes_at)

    assert len(hits) == len(died.stdout.split())
    assert (left_open == []) == (point in SEALED_BEFORE)
    assert [] == open_days(server)
    assert [] == verdict_of_sealed(server, hits)
    assert [] == list((tmp_path / "keys").iterdir())
