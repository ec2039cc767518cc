"""Audit a real system; plant a violation of each kind and see it found."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from collector.audit import host_checks, store_checks
from collector.audit.checks import CHECKS, AuditContext, audit, report
from collector.audit.host_checks import SignalEffect
from collector.cells import partitions as files
from collector.cells import schema
from collector.cells.client import Store
from collector.day import day_at
from collector.hit import NONE, OTHER
from collector.registry.sites import Sites
from tests.builders import a_site
from tests.integration.closing import CLOSES_AT, Closing, closing, deliver
from tests.integration.queries import take_picture
from tests.integration.seeding import hit

TABLES = "SELECT name, create_table_query FROM system.tables WHERE database = 'default'"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, set[Any]]]:
    """Open one engine for the whole module, and note what tables it has."""
    opened = Store(tmp_path_factory.mktemp("engine") / "clickhouse")
    opened.prepare()
    yield opened, {*opened.query(TABLES)}
    opened.close()


@pytest.fixture
def store(engine: tuple[Store, set[Any]]) -> Store:
    """Empty the store before each test; make it anew only if the last test changed its tables."""
    store, tables = engine
    for table in ("query_log", "text_log"):
        store.command(f"DROP TABLE IF EXISTS system.{table}")
    if {*store.query(TABLES)} == tables:
        for table in schema.tables().keys() - {"hits"}:
            store.command(f"TRUNCATE TABLE {table}")
    else:
        store.command("DROP DATABASE default SYNC")
        store.command("CREATE DATABASE default")
    store.prepare()
    return store


@pytest.fixture
def days(store: Store, tmp_path: Path) -> Iterator[Closing]:
    """Seal a day of a site, and leave the next one open."""
    with closing(store, tmp_path) as made:
        deliver(
            store, [hit(f"a{n}", "2026-11-20 10:00", path="/", utm_term=NONE) for n in range(9)]
        )
        deliver(store, [hit("b", "2026-11-21 00:05", path="/shoes")])
        made.sealer.run_once()
        yield made


@pytest.fixture
def audited(days: Closing, tmp_path: Path) -> AuditContext:
    """Say what is audited."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return AuditContext(
        store=days.store,
        secrets=days.secrets,
        sites=lambda: Sites([a_site()]),
        clock=days.clock,
        secrets_dir=tmp_path / "secrets",
        secrets_store="disk",
        temporary=((temporary, "*.native"), (tmp_path / "none", "*")),
        holds=days.spool.holds,
        effect=honest,
    )


def honest(header: tuple[bytes, bytes]) -> host_checks.SignalEffect:
    """Answer each signal as the handler does."""
    refusals = dict(host_checks.SIGNALS.values())
    refusal = refusals[header]
    return (
        SignalEffect(0, (str(refusal),), was_read=False)
        if refusal
        else SignalEffect(1, (), was_read=True)
    )


def failed(audited: AuditContext) -> set[str]:
    """Name the checks that found something."""
    return {finding.check for finding in audit(audited) if not finding.ok}


def plant(store: Store, value: str, *, visitors: int = 50, view: int = 10, **more: Any) -> None:
    """Write a sealed cell that sealing would not have written."""
    cell: dict[str, Any] = {
        "site": 1,
        "closes_at": CLOSES_AT,
        "day": "2026-11-20",
        "view": view,
        "value": value,
        "visitors": visitors,
        "visits": visitors,
        **more,
    }
    names = ", ".join(cell)
    store.command(
        f"INSERT INTO sealed_cells ({names}) FORMAT JSONEachRow {json.dumps(cell)}",
        {"async_insert": 0},
    )


def test_a_sound_system_passes_every_check(audited: AuditContext) -> None:
    """Nothing is found where nothing is wrong."""
    findings = audit(audited)

    assert set(CHECKS) == {finding.check for finding in findings}
    assert [] == [finding for finding in findings if not finding.ok]


def test_a_table_of_raw_rows_is_found(audited: AuditContext) -> None:
    """A table that nobody declared refutes the promise."""
    audited.store.command("CREATE TABLE raw_hits (address String) ENGINE = MergeTree ORDER BY ()")

    assert {"tables"} == failed(audited)


def test_a_further_column_is_found(audited: AuditContext) -> None:
    """So does a column more."""
    audited.store.command("ALTER TABLE sealed_cells ADD COLUMN visitor UInt64")

    (violation,) = store_checks.undeclared(audited.store)

    assert "table sealed_cells differs in visitor" == violation


def test_another_fan_out_is_found(audited: AuditContext) -> None:
    """The view that makes cells must be the declared one."""
    audited.store.command("DROP VIEW fan_out")

    assert ["the view fan_out is missing"] == list(store_checks.undeclared(audited.store))


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("/from/203.0.113.77", "an IPv4 address"),
        ("/from/2001:db8:feed:1::7", "an IPv6 address"),
        ("/from/2001:db8:feed:1:2:3:4:5", "an IPv6 address"),
        ("/mail/bob@example.com", "an e-mail address"),
        ("/mail/bob%40example.com", "an e-mail address"),
        ("/id/123e4567-e89b-12d3-a456-426614174000", "a UUID"),
        ("/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", "a signed token"),
        ("/reset/5f4dcc3b5aa765d61d8327deb882cf99", "a key"),
    ],
)
def test_a_personal_text_is_found_and_not_repeated(
    audited: AuditContext, planted: str, found: str
) -> None:
    """Each kind of text is named by its kind; the report quotes none."""
    plant(audited.store, planted)

    findings = audit(audited)

    (strings,) = [finding for finding in findings if not finding.ok]
    assert (f"sealed_cells.value holds a text like {found}",) == strings.violations
    assert planted not in report(findings)


def test_open_cells_and_own_paths_are_searched_too(audited: AuditContext) -> None:
    """No table that holds text is left out."""
    deliver(audited.store, [hit("c", "2026-11-21 00:06", referrer="eve@example.org")])
    audited.store.command(
        "INSERT INTO own_paths VALUES (1, '/bob@example.org', 0)", {"async_insert": 0}
    )

    found = {violation.split(" ")[0] for violation in store_checks.personal_strings(audited.store)}

    assert {"open_cells.value", "own_paths.path"} == found


def test_what_only_looks_like_an_address_is_none(audited: AuditContext) -> None:
    """The demo site's host name, a class of C++ and a time of day are no violation."""
    plant(audited.store, "127.0.0.1", view=11)
    plant(audited.store, "/docs/Abc::Def at 10:30:00")

    assert set() == failed(audited)


@pytest.mark.parametrize(
    ("value", "visitors", "view", "grain", "passes"),
    [
        ("spring", 2, 22, 0, False),
        ("spring", 3, 22, 0, True),
        (OTHER, 1, 22, 0, True),
        (NONE, 1, 22, 0, True),
        (NONE, 2, 22, 1, False),
        ("FR-Paris", 4, 27, 0, False),
        ("FR", 1, 25, 0, True),
        ("FR", 0, 25, 0, False),
        ("FR", 2, 25, 1, False),
        ("/own", 1, 10, 0, True),
        ("/gone", 0, 16, 0, False),
        ("DE-BE", 2, 26, 0, False),
        ("DE-(other)", 2, 26, 0, True),
        ("Firefox 142", 2, 29, 0, False),
    ],
)
def test_a_cell_under_its_threshold_is_found(
    audited: AuditContext, value: str, visitors: int, view: int, grain: int, *, passes: bool
) -> None:
    """Lists, cities, closed vocabularies, hours and exit pages each have their own."""
    plant(audited.store, value, visitors=visitors, view=view, grain=grain)

    assert (set() if passes else {"thresholds"}) == failed(audited)


@pytest.mark.parametrize(
    ("value", "visitors", "found"),
    [("/", 2, {"thresholds"}), ("/", 3, set()), (NONE, 2, {"thresholds"})],
)
def test_a_pair_under_its_threshold_is_found(
    audited: AuditContext, value: str, visitors: int, found: set[str]
) -> None:
    """Whatever its two values are: in a pair nothing is known."""
    plant(audited.store, value, other="Google", visitors=visitors, view=100)

    assert found == failed(audited)


def test_a_small_cell_with_fine_sums_is_found(audited: AuditContext) -> None:
    """Sums of four visitors would join cells; those of five may stay, unless they hide others."""
    for visitors, seconds in ((4, 0), (5, 31), (4, 31)):
        plant(audited.store, "FR", visitors=visitors, view=25, visit_seconds=seconds)
    before = list(store_checks.too_small(audited.store))
    plant(audited.store, "DE", view=25, visit_seconds=31, struck=1)

    after = list(store_checks.too_small(audited.store))

    words = "site 1: {} cells of country by day of too few visitors keep their continuous sums"
    assert before == [words.format(1)]
    assert after == [words.format(2)]


def test_a_thin_day_that_tells_more_than_it_may_is_found(audited: AuditContext) -> None:
    """A day of two visitors keeps totals, paths and sources, and no country."""
    for view, value in ((1, ""), (10, "/"), (17, "Google"), (25, OTHER)):
        plant(audited.store, value, visitors=2, view=view, closes_at=7)
    before = failed(audited)
    plant(audited.store, "FR", visitors=2, view=25, closes_at=7)

    (violation,) = store_checks.too_small(audited.store)

    assert before == set()
    assert (
        violation == "site 1: 1 cells of country by day list too much of a day of very few visitors"
    )


def test_sketches_of_a_day_long_closed_are_found(audited: AuditContext) -> None:
    """An open partition may wait an hour for its sealing, not longer."""
    deliver(audited.store, [hit("z", "2026-11-19 10:00")])

    assert {"partitions"} == failed(audited)


def test_a_picture_of_a_day_long_closed_is_found(audited: AuditContext) -> None:
    """Nor may its picture, though the open partition itself be gone."""
    deliver(audited.store, [hit("z", "2026-11-19 10:00")])
    take_picture(audited.store, a_site(profile="strict"))
    files.drop(audited.store, "open_cells", str(CLOSES_AT - 86_400), audited.clock)

    assert {"partitions"} == failed(audited)


@pytest.mark.parametrize("table", ["open_cells", "snapshot_cells"])
def test_a_detached_part_with_sketches_is_found(audited: AuditContext, table: str) -> None:
    """What was taken out of a table has no partition any more, but its files are on the disk."""
    deliver(audited.store, [hit("z", "2026-11-20 10:00")])
    take_picture(audited.store, a_site(profile="strict"))
    audited.store.command(f"ALTER TABLE {table} DETACH PARTITION ID '{CLOSES_AT}'")

    found = store_checks.overdue(audited.store, audited.clock.now(), lambda _: False)

    assert f"{table} has a detached part" in found


def test_a_kept_day_secret_is_found(audited: AuditContext, days: Closing) -> None:
    """A secret of yesterday is a secret too many."""
    days.secrets.secret(1, day_at("UTC", CLOSES_AT - 60))
    days.clock.pass_by(700)

    assert {"secrets"} == failed(audited)


def test_a_secrets_file_that_nobody_knows_or_all_can_read_is_found(
    audited: AuditContext, tmp_path: Path
) -> None:
    """What lies in the folder of secrets is looked at, not only what is in memory."""
    stray = tmp_path / "secrets" / "1795219200-1.secret"
    stray.write_bytes(bytes(32))
    stray.chmod(0o644)

    found = next(one for one in audit(audited) if one.check == "secrets").violations

    assert (
        "1795219200-1.secret belongs to no secret in use",
        "1795219200-1.secret is readable by other users",
    ) == found


def test_secrets_said_to_be_in_memory_but_on_a_disk_are_found(tmp_path: Path) -> None:
    """`runtime` is a promise about where."""
    found = list(host_checks.misplaced_secrets((), tmp_path, "runtime", 0.0))

    assert ["day secrets should be in memory, but their folder is on a disk"] == found


def test_data_left_in_a_temporary_folder_is_found(audited: AuditContext) -> None:
    """As the driver of the store would leave it, if it were let; what is not ours may stay."""
    folder, _ = audited.temporary[0]
    (folder / "notes").write_bytes(b"example.org")
    (folder / "tmpabc.native").touch()
    before = failed(audited)
    (folder / "tmpabc.native").write_bytes(b"example.org\x00/secret")

    assert (set(), {"temporary"}) == (before, failed(audited))


def test_rows_that_the_driver_rests_in_a_file_are_found_by_the_audit(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit looks where they would lie, by the names that they would have."""
    kept: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "unlink", kept.append)
    client = clickhouse_connect.get_client(interface="chdb", path=str(store.path))
    client.insert("hits", [["example.org"]], ["hostname"])
    client.close()

    found = host_checks.leftovers(store.temporary, Sites([a_site()]))

    (name,) = kept
    assert [f"the temporary file {Path(name).name} holds data of a site"] == list(found)


def test_a_check_that_cannot_be_run_proves_nothing(audited: AuditContext, tmp_path: Path) -> None:
    """An error of a check is a violation."""
    audited.store.command("DROP TABLE own_paths")

    assert {"tables", "strings"} == failed(audited)


def test_rows_of_ours_in_a_log_of_the_server_are_found(audited: AuditContext) -> None:
    """As a server writes them that logs statements; what holds no values may stay."""
    store = audited.store
    store.command("CREATE TABLE system.query_log (query String) ENGINE = Memory")
    store.command("CREATE TABLE system.text_log (message String) ENGINE = Memory")
    harmless = "INSERT INTO hits (site) FORMAT Native", "INSERT INTO seals VALUES (1)"
    for query in harmless:
        store.command("INSERT INTO system.query_log VALUES ({q:String})", None, {"q": query})
    before = list(store_checks.logged(store))
    row = "insert into footfall.hits (path) values ('/secret')"
    store.command("INSERT INTO system.query_log VALUES ({q:String})", None, {"q": row})
    store.command("INSERT INTO system.text_log VALUES ('for bob@example.com')")

    found = list(store_checks.logged(store))

    assert before == []
    assert found == [
        "system.query_log.query has 1 entries with rows of ours",
        "system.text_log.message has 1 entries with a text like an e-mail",
    ]


def test_every_text_that_is_kept_is_searched(audited: AuditContext) -> None:
    """Which columns are searched follows from the store itself."""
    kept = audited.store.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() "
        "AND type LIKE '%String%' AND table NOT IN ('hits', 'fan_out')"
    )

    assert set(kept) == set(store_checks.text_columns())


def test_the_report_tells_every_promise_and_what_speaks_against_it(audited: AuditContext) -> None:
    """People read sentences; machines get the same as data."""
    for number in range(7):
        plant(audited.store, f"/bob{number}@example.com")
        audited.store.command(f"CREATE TABLE spare{number} (x Int8) ENGINE = Memory")

    findings = audit(audited)

    told = report(findings)
    assert all(check.promise in told for check in CHECKS.values())
    assert "2 of 8 promises do not hold: tables, strings." in told
    assert "FAIL tables" in told
    assert "and 2 more" in told
    assert json.loads(json.dumps([list(finding.violations) for finding in findings]))
