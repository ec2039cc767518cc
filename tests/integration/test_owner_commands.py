"""What an owner asks of the service by command: declare, delete by age, audit, find places."""

from __future__ import annotations

import json
import subprocess
from itertools import count, islice
from pathlib import Path

import pytest

from collector.cells.client import Store
from tests.integration.closing import deliver
from tests.integration.seeding import hit
from tests.service import CHROME, Service
from tests.unit.test_geo import BERLIN_PLACE, NESTED, database

PARIS = {
    "country": {"iso_code": "FR"},
    "subdivisions": [{"iso_code": "IDF"}],
    "city": {"names": {"en": "Paris"}},
}


def done(result: subprocess.CompletedProcess[str]) -> str:
    """Give what a command printed, which must have left with 0."""
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def cli(tmp_path: Path) -> Service:
    """Stand where no service runs yet, with one site."""
    cli = Service(tmp_path / "data")
    done(cli.footfall("site", "add", "example.org", "--public"))
    return cli


def put_old_cells(cli: Service) -> None:
    """Write sealed cells of long ago, as an installation of years has them."""
    store = Store(cli.data_dir / "clickhouse")
    store.prepare()
    for day in ("2021-03-05", "2021-03-06"):
        store.command(
            "INSERT INTO sealed_cells (site, day, view, value, pageviews) "
            f"VALUES (1, '{day}', 10, '/old', 1)"
        )
    store.close()


def test_everything_about_a_site_can_be_declared(cli: Service) -> None:
    """What is typed is what is listed; what is not named stays as it was."""
    done(
        cli.footfall(
            *("site", "set", "example.org", "--total-days", "400", "--hour-days", "7"),
            *("--pair-days", "90", "--profile", "strict", "--lock-profile", "--debug"),
            *("--template", "/users/:id", "--search-parameter", "q", "--keep-trailing-slash"),
            *("--keep-index", "--public-users", "--hash-routing", "--exclude-path", "/intern/*"),
            *("--exclude-country", "DE", "--goal", "Signup=signup", "--goal", "Thanks=/thanks"),
            *("--controller", "Ann, ann@example.org", "--own-path", "/blog/*"),
            *("--spam-referrer", "Spam.example"),
        )
    )
    done(cli.footfall("site", "set", "example.org", "--clear", "goal", "--no-debug"))

    (site,) = json.loads(done(cli.footfall("site", "list", "--json")))

    assert site == {
        "id": 1,
        "domain": "example.org",
        "zone": "UTC",
        "public": True,
        "profile": "strict",
        "profile_locked": True,
        "hostnames": [],
        "own_paths": ["/blog/*"],
        "controller": "Ann, ann@example.org",
        "total_days": 400,
        "hour_days": 7,
        "pair_days": 90,
        "templates": ["/users/:id"],
        "search_parameter": "q",
        "keep_trailing_slash": True,
        "keep_index": True,
        "public_users": True,
        "hash_routing": True,
        "excluded_paths": ["/intern/*"],
        "excluded_countries": ["DE"],
        "spam_referrers": ["spam.example"],
        "goals": [],
        "debug": False,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--total-days", "0"], 2, "1<=x"),
        (["--goal", "Signup"], 1, "NAME=EVENT"),
        (["--template", "/a/*/b"], 1, "the whole last segment"),
        (["--exclude-country", "Germany"], 1, "two capitals"),
        (["--clear", "zone"], 2, "own-path"),
        (["--sitemap", "none.xml"], 2, "none.xml"),
    ],
)
def test_a_wrong_declaration_says_what_it_should_be(
    cli: Service, arguments: list[str], code: int, said: str
) -> None:
    """In a line, with the code of what went wrong."""
    result = cli.footfall("site", "set", "example.org", *arguments)

    assert result.returncode == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_locked_profile_is_not_loosened(cli: Service) -> None:
    """The refusal says how to go on."""
    done(cli.footfall("site", "set", "example.org", "--profile", "strict", "--lock-profile"))

    refused = cli.footfall("site", "set", "example.org", "--profile", "standard")

    assert refused.returncode == 1
    assert "is locked: standard is looser than strict; unlock it first" in refused.stderr


def test_old_cells_are_foreseen_deleted_and_gone(cli: Service) -> None:
    """Without a service the command does it; the dry run deletes nothing."""
    put_old_cells(cli)

    foreseen = done(cli.footfall("retention", "--dry-run"))
    deleted = json.loads(done(cli.footfall("retention", "--json")))
    left = done(cli.footfall("retention"))

    assert foreseen == "2 cells of days of 2021-03 would be deleted, the whole month.\n"
    assert deleted == [{"partition": "0-202103", "rows": 2, "whole": True}]
    assert left == "No data is past its retention.\n"


def test_a_dry_run_of_sealing_says_what_sealing_then_does(cli: Service) -> None:
    """Cells kept and folded are foreseen, and nothing is sealed by it."""
    store = Store(cli.data_dir / "clickhouse")
    store.prepare()
    deliver(store, [hit(f"{n}", "2026-03-05 10:00", country="FR") for n in range(9)])
    store.close()

    foreseen = json.loads(done(cli.footfall("seal", "--dry-run", "--json")))
    words = done(cli.footfall("seal", "--dry-run"))
    sealed = json.loads(done(cli.footfall("seal", "--json")))
    left = done(cli.footfall("seal", "--dry-run"))

    for one in (*foreseen, *sealed):
        del one["seconds"]
    assert foreseen == sealed
    assert words.startswith("The day that ended at 2026-03-06 00:00 UTC would be sealed: 1 site, ")
    assert left == "No day is due.\n"


def test_the_running_service_is_asked_and_answers(cli: Service, tmp_path: Path) -> None:
    """It deletes old data by itself, logs it, and answers every operation."""
    put_old_cells(cli)
    sitemap = tmp_path / "sitemap.xml"
    sitemap.write_text("<urlset><url><loc>https://example.org/a</loc></url></urlset>")

    with cli:
        cli.hit("/a", site="example.org")
        cli.wait_for(1, lambda: cli.aggregate("example.org")["pageviews"])
        cli.wait_for("[]\n", lambda: done(cli.footfall("retention", "--dry-run", "--json")))
        asked = done(cli.footfall("retention", "--json"))
        declared = done(cli.footfall("site", "set", "example.org", "--sitemap", str(sitemap)))
        audited = cli.footfall("audit", "--json")

    assert asked == "[]\n"
    assert "Its sitemap declares 1 own paths." in declared
    assert [one["check"] for one in json.loads(done(audited)) if not one["ok"]] == []
    assert "deleted by age" in cli.log.read_text()


def test_an_audit_that_finds_something_leaves_with_1(cli: Service) -> None:
    """A violation is told in words and in JSON, without the value at fault."""
    sound = done(cli.footfall("audit"))
    store = Store(cli.data_dir / "clickhouse")
    store.command(
        "INSERT INTO sealed_cells (site, day, view, value, visitors) "
        "VALUES (1, '2026-11-01', 10, '/ann@example.com', 9)"
    )
    store.close()

    words = cli.footfall("audit")
    objects = cli.footfall("audit", "--json")

    assert "FAIL" not in sound
    assert (words.returncode, objects.returncode) == (1, 1)
    assert "FAIL strings" in words.stdout
    assert "ann@example.com" not in words.stdout + objects.stdout
    assert [one["check"] for one in json.loads(objects.stdout) if not one["ok"]] == ["strings"]


def test_a_database_of_places_is_taken_into_use_while_the_service_runs(
    cli: Service, tmp_path: Path
) -> None:
    """A copy is put where the service looks: hits have its places, and a newer one's after it."""
    given = database(tmp_path / "given.mmdb", NESTED)
    newer = database(tmp_path / "newer.mmdb", PARIS)
    cli.environ["FOOTFALL_TRUSTED_PROXIES"] = "127.0.0.1/32"

    with cli:
        cli.hit("/", site="example.org")
        taken = done(cli.footfall("geo", "set", str(given)))
        given.unlink()
        visits_counted_in(cli, "DE-BE", "DE-Berlin")
        status = json.loads(done(cli.footfall("geo", "status", "--json")))
        beside = cli.get("/example.org").body.decode()
        place = json.loads(done(cli.footfall("geo", "test", "192.0.2.7", "--json")))
        broken = cli.footfall("geo", "set", str(cli.data_dir / "registry.sqlite3"))
        done(cli.footfall("geo", "set", str(newer)))
        visits_counted_in(cli, "FR-IDF", "FR-Paris")

    assert taken.startswith(f"In use: {cli.data_dir / 'places.mmdb'}")
    assert status["path"] == str(cli.data_dir / "places.mmdb")
    assert '<a href="https://www.maxmind.com">' in beside
    assert place == BERLIN_PLACE._asdict()
    assert broken.returncode == 2
    assert "no MaxMind-format file" in broken.stderr
    assert not list(cli.data_dir.glob("*.new"))


def visits_counted_in(cli: Service, region: str, city: str) -> None:
    """Send hits of ever new visitors until they are counted in the places of the new file."""
    numbers = count()

    def told() -> list[bool]:
        for number in islice(numbers, 8):
            agent = f"{CHROME} {city} {number}"
            forwarded = {"X-Forwarded-For": f"192.0.2.{number % 256}", "User-Agent": agent}
            cli.hit("/", site="example.org", headers=forwarded)
        asked = (("visit:region", region), ("visit:city", city))
        return [value in cli.breakdown(by, "visitors", "example.org") for by, value in asked]

    cli.wait_for([True, True], told)
