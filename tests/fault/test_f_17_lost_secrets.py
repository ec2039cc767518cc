"""A day secret that is lost costs visitors counted twice, and says so; nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service

TOTALS = "/api/v1/stats/aggregate?site_id=localhost&period=day&metrics=visitors,pageviews"


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder on tmpfs."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def said(service: Service) -> str:
    """Read what today's totals say of their own exactness."""
    return " ".join(service.get(TOTALS).json()["exactness"])


def test_f_17_a_lost_secret_is_said_beside_the_days_visitors(tmp_path: Path, runtime: Path) -> None:
    """A crash alone counts a visitor once; with tmpfs emptied, as by a reboot, twice and told."""
    service = Service(
        tmp_path / "data", environ={"FOOTFALL_SECRETS__RUNTIME_DIR": str(runtime / "secrets")}
    )
    service.start()
    service.hit("/a")
    service.kill()
    service.start()
    service.hit("/b")
    service.wait_for({"visitors": 1, "visits": 2, "pageviews": 2}, service.aggregate)
    assert "secret was lost" not in said(service)
    service.kill()
    shutil.rmtree(runtime / "secrets")

    service.start()
    service.hit("/c")

    service.wait_for({"visitors": 2, "visits": 3, "pageviews": 3}, service.aggregate)
    service.wait_for(True, lambda: "day's secret was lost" in said(service))
    assert 0 == service.stop()
