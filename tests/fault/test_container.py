"""The container, made anew again and again on one volume, loses nothing acknowledged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fault.container import UID, Container
from tests.fault.senders import TRUSTING, Stream

pytestmark = pytest.mark.needs_system("root", "unshare")


def test_a_container_made_anew_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Killed and made anew with an empty tmpfs, it counts every acknowledged hit once."""
    container = Container(tmp_path / "data", environ=TRUSTING)
    stream = Stream(container)

    for _ in range(2):
        container.start()
        stream.start()
        stream.wait_for(60)
        container.kill()
        stream.stop()
    container.start()
    assert 0 == container.stop()

    assert len(stream.acknowledged) > 100
    assert [] == stream.verdict_on(container)


def test_a_container_has_no_rights_and_writes_nowhere_else(tmp_path: Path) -> None:
    """Nobody's user without capabilities, a root that is read-only, day secrets in memory alone."""
    container = Container(tmp_path / "data").start()
    assert container.process is not None
    statuses = [container.hit(f"/{number}").status for number in range(3)]
    proc_status = Path(f"/proc/{container.process.pid}/status").read_text()
    mounts = Path(f"/proc/{container.process.pid}/mounts").read_text().splitlines()
    secrets = [path.name for path in container.inside("/run/footfall").iterdir()]
    healthy = container.footfall("healthcheck")
    assert 0 == container.stop()

    uid, powers = re.search(r"Uid:\t(\d+)", proc_status), re.search(r"CapEff:\t(\w+)", proc_status)
    assert uid is not None
    assert powers is not None
    assert (str(UID), 0) == (uid[1], int(powers[1], 16))
    assert [202] * 3 == statuses
    assert 0 == healthy.returncode
    assert any(line.startswith("none / overlay ro,") for line in mounts)
    assert 1 == len(secrets)
    assert [] == list((tmp_path / "data").rglob("*.secret"))
