"""Removing a site leaves no byte of it, and takes nothing from any other."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells.client import Store
from collector.registry.store import Registry
from tests.service import Service

# Without four letters in common, or compression would write one in terms of the other.
MARK, OTHERS = "qzvxkjw", "mbfthpl"
GONE, STAYS = "gone.example", "stays.example"


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Give a folder on tmpfs for day secrets."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def service(tmp_path: Path, runtime: Path) -> Service:
    """Two sites, one of which declared marked paths of its own."""
    cli = Service(
        tmp_path / "data",
        public_sites=(GONE, STAYS),
        environ={"FOOTFALL_SECRETS__RUNTIME_DIR": str(runtime)},
    )
    cli.start()
    marked = ("--own-path", f"/{MARK}-own", "--sitemap", str(_sitemap(tmp_path)))
    done = cli.footfall("site", "set", GONE, *marked)
    assert done.returncode == 0, done.stderr
    for number in range(4):
        assert cli.hit(f"/{MARK}-{number}", site=GONE).status == 202
        assert cli.hit(f"/{OTHERS}-{number}", site=STAYS).status == 202
    for site in (GONE, STAYS):
        cli.wait_for(4, lambda site=site: cli.aggregate(site)["pageviews"])
    return cli


def _sitemap(folder: Path) -> Path:
    path = folder / "sitemap.xml"
    path.write_text(f"<urlset><url><loc>https://{GONE}/{MARK}-listed</loc></url></urlset>")
    return path


def holding(folder: Path, *marks: str) -> set[str]:
    """Tell which marks are in any file below a folder."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {mark for mark in marks if any(mark.encode() in content for content in contents)}


def rows_of(service: Service, site: int) -> dict[str, int]:
    """Count the rows of a site in every table that has sites; no service may run."""
    store = Store(service.data_dir / "clickhouse")
    try:
        tables = store.query(
            "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() "
            "AND name = 'site' AND table NOT IN ('hits', 'fan_out') AND table NOT LIKE 'closing_%'"
        )
        count = "SELECT count() FROM {table} WHERE site = {site}"
        return {
            table: int(store.query(count.format(table=table, site=site))[0][0])
            for (table,) in tables
        }
    finally:
        store.close()


def secrets_of(runtime: Path) -> set[str]:
    """Name the sites, by number, that have a day secret."""
    return {path.stem.partition("-")[2] for path in runtime.rglob("*.secret")}


def test_no_byte_of_a_removed_site_is_left_while_the_service_runs(
    service: Service, runtime: Path
) -> None:
    """Cells, own paths, what was declared and the day secret are gone; others' are not."""
    before = holding(service.data_dir, MARK, GONE), secrets_of(runtime)

    removed = service.footfall("site", "remove", GONE, "--yes")
    after = holding(service.data_dir, MARK, GONE, OTHERS, STAYS), secrets_of(runtime)
    late = service.hit(f"/{MARK}-late", site=GONE)
    kept = service.aggregate(STAYS)["pageviews"]
    service.stop()

    assert before == ({MARK, GONE}, {"1", "2"})
    assert removed.returncode == 0, removed.stderr
    assert "Removed gone.example and all its data" in removed.stdout
    assert after == ({OTHERS, STAYS}, {"2"})
    assert late.status == 202
    assert kept == 4
    assert holding(service.data_dir, MARK, GONE) == set()
    assert MARK not in service.log.read_text()


def test_no_byte_of_a_removed_site_is_left_where_no_service_runs(
    service: Service, runtime: Path
) -> None:
    """The command does all of it by itself, sealed days and counts of drops included."""
    service.stop()
    store = Store(service.data_dir / "clickhouse")
    for site, mark in ((1, MARK), (2, OTHERS)):
        store.command(
            "INSERT INTO sealed_cells (site, day, view, value, pageviews) "
            f"VALUES ({site}, '2026-11-01', 10, '/{mark}', 1)"
        )
        store.command(f"INSERT INTO suppressed VALUES ('2026-11-01', 'bot', {site}, 'c', 3)")
    store.close()
    before = holding(service.data_dir, MARK), rows_of(service, 1)

    removed = service.footfall("site", "remove", GONE, "--yes")

    assert before[0] == {MARK}
    # The picture of open days is of strict sites only.
    assert [table for table, rows in before[1].items() if not rows] == ["snapshot_cells"]
    assert removed.returncode == 0, removed.stderr
    assert holding(service.data_dir, MARK, GONE, OTHERS) == {OTHERS}
    assert secrets_of(runtime) == {"2"}
    assert set(rows_of(service, 1).values()) == {0}
    assert rows_of(service, 2)["sealed_cells"] == 1


def test_a_site_is_erased_later_if_the_store_does_not_answer(tmp_path: Path) -> None:
    """The command says that its numbers are still there, and they are remembered to go."""
    cli = Service(
        tmp_path / "data", environ={"FOOTFALL_CLICKHOUSE_DSN": "clickhouse://127.0.0.1:9/x"}
    )
    cli.footfall("site", "add", GONE)

    removed = cli.footfall("site", "remove", GONE, "--yes")

    assert removed.returncode == 1
    assert "its data is not deleted yet" in removed.stderr
    assert "Traceback" not in removed.stderr
    assert json.loads(cli.footfall("site", "list", "--json").stdout) == []
    with Registry(cli.data_dir / "registry.sqlite3") as registry:
        assert list(registry.erasures()) == [1]
