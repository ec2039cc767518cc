"""F-8: the spool's disk answers EIO, or turns read-only, while the service takes hits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.registry.store import Registry
from tests.clickhouse_process import Front, new_database
from tests.fault.failing_disk import FailingDisk, a_failing_disk
from tests.fault.senders import TRUSTING, Stream
from tests.service import Service

pytestmark = pytest.mark.needs_system("root", "mkfs.ext4", "findmnt", "e2fsck")
TAKEN, REFUSED = (202, None), (503, "5")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FailingDisk]:
    """Mount a disk that can fail."""
    with a_failing_disk(tmp_path) as mounted:
        yield mounted


@pytest.fixture
def service(disk: FailingDisk, front: Front) -> Service:
    """Describe a service with all its files on that disk, and its store elsewhere."""
    registry = Registry(disk.place / "registry.sqlite3")
    registry.add_site("localhost", zone="UTC", public=True)
    registry.close()
    return Service(disk.place, environ={**TRUSTING, "FOOTFALL_CLICKHOUSE_DSN": new_database(front)})


def reasons_when_not_ready(service: Service) -> str:
    """Wait until the service says that it takes no hits, and why."""
    ends = time.monotonic() + 30
    while (answer := service.get("/readyz")).status != 503:
        assert time.monotonic() < ends
    return str(answer.json()["reasons"][0])


def heard_more(service: Service, stream: Stream, answer: tuple[int, str | None]) -> None:
    """Wait until senders heard an answer fifty times more."""
    before = stream.answers[answer]
    service.wait_for(True, lambda: stream.answers[answer] >= before + 50)


def test_f_8_an_i_o_error_refuses_hits_and_is_survived_without_a_restart(
    disk: FailingDisk, service: Service
) -> None:
    """While `fsync` fails hits get 503; once the disk works they are taken; every cell is exact."""
    stream = Stream(service)
    with service:
        pid = service.process and service.process.pid
        stream.start()
        heard_more(service, stream, TAKEN)
        disk.fail()
        reason = reasons_when_not_ready(service)
        heard_more(service, stream, REFUSED)
        disk.heal()
        service.wait_for(200, lambda: service.get("/readyz").status)
        heard_more(service, stream, TAKEN)
        stream.stop()
        assert service.process
        assert (pid, 0) == (service.process.pid, service.stop())

    assert "the spool's disk failed" in reason
    assert {TAKEN, REFUSED} == set(stream.answers)
    assert [] == stream.verdict_on(service)


def test_f_8_a_disk_that_turns_read_only_refuses_hits_and_loses_none(
    disk: FailingDisk, service: Service
) -> None:
    """On EROFS hits get 503; with the disk mounted anew the next process counts what was taken."""
    stream = Stream(service)
    service.start()
    stream.start()
    heard_more(service, stream, TAKEN)
    disk.turn_read_only()
    reason = reasons_when_not_ready(service)
    heard_more(service, stream, REFUSED)
    stream.stop()
    assert 0 == service.stop()
    disk.mount_anew()
    service.start()
    service.wait_for([], lambda: service.get("/readyz").json()["reasons"])
    assert 0 == service.stop()

    assert "the spool's disk failed" in reason
    assert "Exception" not in service.log.read_text()
    assert {TAKEN, REFUSED} == set(stream.answers)
    assert [] == stream.verdict_on(service)
