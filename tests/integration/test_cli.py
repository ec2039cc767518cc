"""The commands as they are typed: what they print, and the codes they leave with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from collector import __version__
from tests.service import CHROME, Service

PASSWORD = "correct horse"


@pytest.fixture
def cli(tmp_path: Path) -> Service:
    """Stand where no service runs yet."""
    return Service(tmp_path / "data")


def done(result: subprocess.CompletedProcess[str]) -> str:
    """Give what a command printed, which must have left with 0."""
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_site_is_added_listed_changed_and_removed(cli: Service) -> None:
    """The four site commands do what they say, in words and in JSON."""
    added = done(cli.footfall("site", "add", "example.org", "--zone", "Europe/Berlin"))
    listed = done(cli.footfall("site", "list"))
    done(cli.footfall("site", "set", "example.org", "--public", "--own-path", "/pricing"))
    changed = json.loads(done(cli.footfall("site", "list", "--json")))
    done(cli.footfall("site", "remove", "example.org", "--yes"))
    left = json.loads(done(cli.footfall("site", "list", "--json")))

    assert f'data-domain="example.org" src="http://127.0.0.1:{cli.port}/js/footfall.js"' in added
    assert "example.org  Europe/Berlin  standard  login" in listed
    assert (changed[0]["public"], changed[0]["own_paths"]) == (True, ["/pricing"])
    assert left == []


def test_a_site_is_not_removed_without_a_yes(cli: Service) -> None:
    """Removing asks; without an answer nothing happens."""
    done(cli.footfall("site", "add", "example.org"))

    refused = cli.footfall("site", "remove", "example.org")

    assert refused.returncode == 1
    assert "example.org" in done(cli.footfall("site", "list"))


def test_a_new_zone_is_said_to_begin_later(cli: Service) -> None:
    """The owner is told that the present day goes on in the old zone."""
    done(cli.footfall("site", "add", "example.org"))

    said = done(cli.footfall("site", "set", "example.org", "--zone", "Asia/Tokyo"))

    assert "becomes Asia/Tokyo when its current day ends" in said


def test_people_are_added_listed_and_removed(cli: Service) -> None:
    """Passwords come from the terminal or stdin, never from an argument."""
    done(cli.footfall("user", "add", "ann", "--password-stdin", stdin=f"{PASSWORD}\n"))
    done(cli.footfall("user", "password", "ann", "--password-stdin", stdin=f"{PASSWORD} 2\n"))
    listed = json.loads(done(cli.footfall("user", "list", "--json")))
    named = done(cli.footfall("user", "list"))
    done(cli.footfall("user", "remove", "ann"))

    assert listed == [{"id": 1, "name": "ann"}]
    assert named == "ann\n"
    assert done(cli.footfall("user", "list")) == ""


def test_a_token_is_shown_once(cli: Service) -> None:
    """Creating prints the token; listing never does."""
    done(cli.footfall("site", "add", "example.org"))

    token = done(cli.footfall("token", "create", "reader", "--site", "example.org")).strip()
    made = json.loads(done(cli.footfall("token", "create", "all", "--scope", "ingest", "--json")))
    listed = done(cli.footfall("token", "list"))
    entries = json.loads(done(cli.footfall("token", "list", "--json")))
    done(cli.footfall("token", "revoke", "reader"))

    assert token.startswith("ffl_")
    assert made["token"].startswith("ffl_")
    assert token not in listed
    assert [(entry["name"], entry["site"], entry["scopes"]) for entry in entries] == [
        ("all", None, ["ingest"]),
        ("reader", "example.org", ["read"]),
    ]
    assert "reader" not in done(cli.footfall("token", "list"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["site", "remove", "example.org", "--yes"], 1, "there is no site example.org"),
        (["site", "add", "https://example.org"], 1, "write it like example.org"),
        (["site", "add", "example.org", "--zone", "Mars"], 1, "not a time zone"),
        (["site", "set", "example.org"], 2, "at least one option"),
        (["site", "add", "example.org", "--profile", "lax"], 2, "standard"),
        (["user", "add", "ann", "--password-stdin"], 1, "10 to 1024"),
        (["token", "revoke", "reader"], 1, "there is no token reader"),
        (["nonsense"], 2, "nonsense"),
        (["geo", "test", "home"], 2, "not an IP address"),
        (["geo", "set", "none.mmdb"], 2, "none.mmdb: there is no such file"),
        (["explain", "--address", "999.1.1.1"], 2, "'999.1.1.1' is not an IP address"),
        (["explain", "--header", "DNT"], 2, "not a header"),
        (["healthcheck"], 1, "does not answer"),
        (["--config", "none.toml", "site", "list"], 2, "none.toml"),
    ],
)
def test_a_failed_command_says_why_in_a_line(
    cli: Service, arguments: list[str], code: int, said: str
) -> None:
    """Not done leaves with 1, wrongly asked with 2; never a stack trace."""
    result = cli.footfall(*arguments)

    assert result.returncode == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_stops_every_command(cli: Service) -> None:
    """The variable at fault is named, with what is known, and the code is 2."""
    cli.environ["FOOTFALL_PRT"] = "1"

    result = cli.footfall("serve")

    assert result.returncode == 2
    assert "FOOTFALL_PRT" in result.stderr
    assert "FOOTFALL_PORT" in result.stderr


def test_the_version_is_the_packages(cli: Service) -> None:
    """The command knows which version it is."""
    assert __version__ in done(cli.footfall("--version"))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["seal"],
        ["healthcheck"],
        ["explain"],
        ["retention"],
        ["audit"],
        *[["geo", name] for name in ("status", "set", "test")],
        *[["site", name] for name in ("add", "list", "set", "remove")],
        *[["user", name] for name in ("add", "list", "password", "remove")],
        *[["token", name] for name in ("create", "list", "revoke")],
    ],
)
def test_every_command_explains_itself(cli: Service, arguments: list[str]) -> None:
    """--help says what a command does and leaves with 0."""
    said = done(cli.footfall(*arguments, "--help"))

    assert said.startswith("Usage: footfall")
    assert len(said.splitlines()) > 4


def test_sealing_works_without_a_service(cli: Service) -> None:
    """While nothing runs, the command opens the store itself."""
    done(cli.footfall("site", "add", "example.org"))

    planned = json.loads(done(cli.footfall("seal", "--dry-run", "--json")))
    sealed = done(cli.footfall("seal"))

    assert planned == []
    assert sealed == "No day is due.\n"


def test_commands_reach_the_running_service(cli: Service) -> None:
    """While the service has the store, sealing and health are asked of it."""
    with cli:
        sealed = cli.footfall("seal", "--json")
        health = cli.footfall("healthcheck")
        second = cli.footfall("serve")

    assert json.loads(done(sealed)) == []
    assert done(health) == "The service accepts hits.\n"
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    assert cli.footfall("healthcheck").returncode == 1


def test_a_payload_is_explained_without_being_counted(cli: Service) -> None:
    """Rule by rule it is said what would be kept; a refusal is told as such."""
    done(cli.footfall("site", "add", "example.org"))
    body = json.dumps({"n": "pageview", "u": "https://example.org/a?token=1", "d": "example.org"})
    agent = f"User-Agent: {CHROME}"

    words = done(cli.footfall("explain", "--header", agent, stdin=body))
    objects = json.loads(done(cli.footfall("explain", "--json", "--header", agent, stdin=body)))
    refused = done(cli.footfall("explain", "--header", "DNT: 1", stdin=body))
    broken = done(cli.footfall("explain", stdin="{"))

    assert words.startswith("example.org: counted")
    assert "Chrome 142" in words
    kept = {line["rule"]: line["kept"] for line in objects[0]["lines"]}
    assert (objects[0]["outcome"], kept["page"]) == ("counted", "example.org/a")
    assert refused == "all sites: dnt\n"
    assert "not_json" in broken


def test_places_are_told_for_an_address(cli: Service) -> None:
    """Without a database countries are known, and one can look an address up."""
    status = done(cli.footfall("geo", "status"))
    known = json.loads(done(cli.footfall("geo", "status", "--json")))
    place = json.loads(done(cli.footfall("geo", "test", "8.8.8.8", "--json")))

    assert "Built in" in status
    assert known["kind"] == "iptocc"
    assert place["country"] == "US"
    assert done(cli.footfall("geo", "test", "8.8.8.8")).startswith("US")


def test_a_wrong_database_is_named(cli: Service, tmp_path: Path) -> None:
    """A file that is no database is told so, with the code of a wrong setting."""
    path = tmp_path / "places.mmdb"
    path.write_text("nothing")
    cli.environ["FOOTFALL_GEO_DATABASE"] = str(path)

    result = cli.footfall("geo", "status")

    assert result.returncode == 2
    assert "places.mmdb" in result.stderr
