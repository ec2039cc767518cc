"""Audit a real system; plant a violation of each kind and see it found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cells import parts
from collector.cells.client import Store
from collector.cells.snapshots import Snapshots
from collector.day import day_at
from collector.hit import NONE, OTHER, Refusal
from collector.privacy import audit_machine, audit_store
from collector.privacy.audit import CHECKS, Audited, audit, report
from collector.registry.sites import Sites
from tests.builders import a_site
from tests.integration.closing import CLOSES_AT, Closing, closing, deliver
from tests.integration.seeding import hit


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
def audited(days: Closing, tmp_path: Path) -> Audited:
    """Say what is audited."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return Audited(
        store=days.store,
        secrets=days.secrets,
        sites=lambda: Sites([a_site()]),
        clock=days.clock,
        secrets_dir=tmp_path / "secrets",
        secrets_store="disk",
        temporary=(temporary,),
        holds=days.journal.holds,
    )


def failed(audited: Audited) -> set[str]:
    """Name the checks that found something."""
    return {finding.check for finding in audit(audited) if not finding.ok}


def plant(store: Store, value: str, *, visitors: int = 50, view: int = 10, grain: int = 0) -> None:
    """Write a sealed cell that sealing would not have written."""
    store.command(
        "INSERT INTO sealed_cells (site, closes_at, day, grain, view, at, value, other, visitors, "
        "visits) VALUES (1, {closes_at:UInt32}, '2026-11-20', {grain:UInt8}, {view:UInt16}, 0, "
        "{value:String}, '', {visitors:Int64}, {visitors:Int64})",
        {"async_insert": 0},
        {
            "closes_at": CLOSES_AT,
            "grain": grain,
            "view": view,
            "value": value,
            "visitors": visitors,
        },
    )


def test_a_sound_system_passes_every_check(audited: Audited) -> None:
    """Nothing is found where nothing is wrong."""
    findings = audit(audited)

    assert set(CHECKS) == {finding.check for finding in findings}
    assert [] == [finding for finding in findings if not finding.ok]


def test_a_table_of_raw_rows_is_found(audited: Audited) -> None:
    """A table that nobody declared refutes the promise."""
    audited.store.command("CREATE TABLE raw_hits (address String) ENGINE = MergeTree ORDER BY ()")

    assert {"tables"} == failed(audited)


def test_a_further_column_is_found(audited: Audited) -> None:
    """So does a column more."""
    audited.store.command("ALTER TABLE sealed_cells ADD COLUMN visitor UInt64")

    (violation,) = audit_store.undeclared(audited.store)

    assert "table sealed_cells differs in visitor" == violation


def test_another_fan_out_is_found(audited: Audited) -> None:
    """The view that makes cells must be the declared one."""
    audited.store.command("DROP VIEW fan_out")

    assert ["the view fan_out is missing"] == list(audit_store.undeclared(audited.store))


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
    audited: Audited, planted: str, found: str
) -> None:
    """Each kind of text is named by its kind; the report quotes none."""
    plant(audited.store, planted)

    findings = audit(audited)

    (strings,) = [finding for finding in findings if not finding.ok]
    assert (f"sealed_cells.value holds a text like {found}",) == strings.violations
    assert planted not in report(findings)


def test_open_cells_and_own_paths_are_searched_too(audited: Audited) -> None:
    """No table that holds text is left out."""
    deliver(audited.store, [hit("c", "2026-11-21 00:06", referrer="eve@example.org")])
    audited.store.command(
        "INSERT INTO own_paths VALUES (1, '/bob@example.org', 0)", {"async_insert": 0}
    )

    found = {violation.split(" ")[0] for violation in audit_store.personal_strings(audited.store)}

    assert {"open_cells.value", "own_paths.path"} == found


def test_what_only_looks_like_an_address_is_none(audited: Audited) -> None:
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
        ("FR-Paris", 4, 27, 0, False),
        ("FR", 1, 25, 0, True),
        ("FR", 0, 25, 0, False),
        ("FR", 2, 25, 1, False),
        ("/own", 1, 10, 0, True),
        ("/gone", 0, 16, 0, False),
    ],
)
def test_a_cell_under_its_threshold_is_found(
    audited: Audited, value: str, visitors: int, view: int, grain: int, *, passes: bool
) -> None:
    """Lists, cities, closed vocabularies, hours and exit pages each have their own."""
    plant(audited.store, value, visitors=visitors, view=view, grain=grain)

    assert (set() if passes else {"thresholds"}) == failed(audited)


def test_sketches_of_a_day_long_closed_are_found(audited: Audited) -> None:
    """An open partition may wait an hour for its sealing, not longer."""
    deliver(audited.store, [hit("z", "2026-11-19 10:00")])

    assert {"partitions"} == failed(audited)


def test_a_picture_of_a_day_long_closed_is_found(audited: Audited) -> None:
    """Nor may its picture, though the open partition itself be gone."""
    deliver(audited.store, [hit("z", "2026-11-19 10:00")])
    Snapshots(audited.store, audited.clock, lambda _: 0).take_due(Sites([a_site(profile="strict")]))
    parts.drop(audited.store, "open_cells", str(CLOSES_AT - 86_400), audited.clock)

    assert {"partitions"} == failed(audited)


def test_a_kept_day_secret_is_found(audited: Audited, days: Closing) -> None:
    """A secret of yesterday is a secret too many."""
    days.secrets.secret(1, day_at("UTC", CLOSES_AT - 60))
    days.clock.pass_by(700)

    assert {"secrets"} == failed(audited)


def test_a_secrets_file_that_nobody_knows_or_all_can_read_is_found(
    audited: Audited, tmp_path: Path
) -> None:
    """What lies in the folder of secrets is looked at, not only what is in memory."""
    stray = tmp_path / "secrets" / "1795219200-1.secret"
    stray.write_bytes(bytes(32))
    stray.chmod(0o644)

    found = next(one for one in audit(audited) if one.check == "secrets").violations

    assert (
        "1795219200-1.secret belongs to no secret in use",
        "1795219200-1.secret can be read by others",
    ) == found


def test_secrets_said_to_be_in_memory_but_on_a_disk_are_found(tmp_path: Path) -> None:
    """`runtime` is a promise about where."""
    found = list(audit_machine.misplaced_secrets((), tmp_path, "runtime", 0.0))

    assert ["day secrets are said to be in memory, but their folder is on a disk"] == found


def test_data_left_in_a_temporary_folder_is_found(audited: Audited) -> None:
    """As the driver of the store would leave it, if it were let."""
    (audited.temporary[0] / "tmpabc").write_bytes(b"\x00example.org\x00/secret")

    assert {"temporary"} == failed(audited)


def test_a_check_that_cannot_be_run_proves_nothing(audited: Audited, tmp_path: Path) -> None:
    """An error of a check is a violation."""
    audited.store.command("DROP TABLE own_paths")

    assert {"tables", "strings"} == failed(audited)


def test_each_signal_leads_to_its_refusal() -> None:
    """The self-test asks the same rule that every request is asked."""
    assert [] == list(audit_machine.unheeded_signals())


def test_a_signal_that_is_not_heeded_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test can fail."""
    expected = audit_machine._SIGNALS["a normal hit"]
    monkeypatch.setitem(audit_machine._SIGNALS, "DNT: 1", ((b"dnt", b"0"), expected[1]))
    monkeypatch.setitem(audit_machine._SIGNALS, "Sec-GPC: 1", ((b"x", b"1"), Refusal.GPC))

    assert ["Sec-GPC: 1 is answered by counting"] == list(audit_machine.unheeded_signals())


def test_the_report_tells_every_promise_and_what_speaks_against_it(audited: Audited) -> None:
    """People read sentences; machines get the same as data."""
    for number in range(7):
        plant(audited.store, f"/bob{number}@example.com")
        audited.store.command(f"CREATE TABLE spare{number} (x Int8) ENGINE = Memory")

    findings = audit(audited)

    told = report(findings)
    assert all(promise in told for promise, _ in CHECKS.values())
    assert "FAIL tables" in told
    assert "and 2 more" in told
    assert json.loads(json.dumps([list(finding.violations) for finding in findings]))
