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
def desk(tmp_path: Path) -> Service:
    """Stand where no service runs yet."""
    return Service(tmp_path / "data")


def done(result: subprocess.CompletedProcess[str]) -> str:
    """Give what a command printed, which must have left with 0."""
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_site_is_added_listed_changed_and_removed(desk: Service) -> None:
    """The four site commands do what they say, in words and in JSON."""
    added = done(desk.footfall("site", "add", "example.org", "--zone", "Europe/Berlin"))
    listed = done(desk.footfall("site", "list"))
    done(desk.footfall("site", "set", "example.org", "--public", "--own-path", "/pricing"))
    changed = json.loads(done(desk.footfall("site", "list", "--json")))
    done(desk.footfall("site", "remove", "example.org", "--yes"))
    left = json.loads(done(desk.footfall("site", "list", "--json")))

    assert f'data-domain="example.org" src="http://127.0.0.1:{desk.port}/js/footfall.js"' in added
    assert "example.org  Europe/Berlin  standard  login" in listed
    assert (changed[0]["public"], changed[0]["own_paths"]) == (True, ["/pricing"])
    assert left == []


def test_a_site_is_not_removed_without_a_yes(desk: Service) -> None:
    """Removing asks; without an answer nothing happens."""
    done(desk.footfall("site", "add", "example.org"))

    refused = desk.footfall("site", "remove", "example.org")

    assert refused.returncode == 1
    assert "example.org" in done(desk.footfall("site", "list"))


def test_a_new_zone_is_said_to_begin_later(desk: Service) -> None:
    """The owner is told that the present day goes on in the old zone."""
    done(desk.footfall("site", "add", "example.org"))

    said = done(desk.footfall("site", "set", "example.org", "--zone", "Asia/Tokyo"))

    assert "becomes Asia/Tokyo when its current day ends" in said


def test_people_are_added_listed_and_removed(desk: Service) -> None:
    """Passwords come from the terminal or stdin, never from an argument."""
    done(desk.footfall("user", "add", "ann", "--password-stdin", stdin=f"{PASSWORD}\n"))
    done(desk.footfall("user", "password", "ann", "--password-stdin", stdin=f"{PASSWORD} 2\n"))
    listed = json.loads(done(desk.footfall("user", "list", "--json")))
    named = done(desk.footfall("user", "list"))
    done(desk.footfall("user", "remove", "ann"))

    assert listed == [{"id": 1, "name": "ann"}]
    assert named == "ann\n"
    assert done(desk.footfall("user", "list")) == ""


def test_a_token_is_shown_once(desk: Service) -> None:
    """Creating prints the token; listing never does."""
    done(desk.footfall("site", "add", "example.org"))

    token = done(desk.footfall("token", "create", "reader", "--site", "example.org")).strip()
    made = json.loads(done(desk.footfall("token", "create", "all", "--scope", "ingest", "--json")))
    listed = done(desk.footfall("token", "list"))
    entries = json.loads(done(desk.footfall("token", "list", "--json")))
    done(desk.footfall("token", "revoke", "reader"))

    assert token.startswith("ffl_")
    assert made["token"].startswith("ffl_")
    assert token not in listed
    assert [(entry["name"], entry["site"], entry["scopes"]) for entry in entries] == [
        ("all", None, ["ingest"]),
        ("reader", "example.org", ["read"]),
    ]
    assert "reader" not in done(desk.footfall("token", "list"))


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
    desk: Service, arguments: list[str], code: int, said: str
) -> None:
    """Not done leaves with 1, wrongly asked with 2; never a stack trace."""
    result = desk.footfall(*arguments)

    assert result.returncode == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_stops_every_command(desk: Service) -> None:
    """The variable at fault is named, with what is known, and the code is 2."""
    desk.environ["FOOTFALL_PRT"] = "1"

    result = desk.footfall("serve")

    assert result.returncode == 2
    assert "FOOTFALL_PRT" in result.stderr
    assert "FOOTFALL_PORT" in result.stderr


def test_the_version_is_the_packages(desk: Service) -> None:
    """The command knows which version it is."""
    assert __version__ in done(desk.footfall("--version"))


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
def test_every_command_explains_itself(desk: Service, arguments: list[str]) -> None:
    """--help says what a command does and leaves with 0."""
    said = done(desk.footfall(*arguments, "--help"))

    assert said.startswith("Usage: footfall")
    assert len(said.splitlines()) > 4


def test_sealing_works_without_a_service(desk: Service) -> None:
    """While nothing runs, the command opens the store itself."""
    done(desk.footfall("site", "add", "example.org"))

    planned = json.loads(done(desk.footfall("seal", "--dry-run", "--json")))
    sealed = done(desk.footfall("seal"))

    assert planned == []
    assert sealed == "No day is due.\n"


def test_commands_reach_the_running_service(desk: Service) -> None:
    """While the service has the store, sealing and health are asked of it."""
    with desk:
        sealed = desk.footfall("seal", "--json")
        health = desk.footfall("healthcheck")
        second = desk.footfall("serve")

    assert json.loads(done(sealed)) == []
    assert done(health) == "The service accepts hits.\n"
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    assert desk.footfall("healthcheck").returncode == 1


def test_a_payload_is_explained_without_being_counted(desk: Service) -> None:
    """Rule by rule it is said what would be kept; a refusal is told as such."""
    done(desk.footfall("site", "add", "example.org"))
    body = json.dumps({"n": "pageview", "u": "https://example.org/a?token=1", "d": "example.org"})
    agent = f"User-Agent: {CHROME}"

    words = done(desk.footfall("explain", "--header", agent, stdin=body))
    objects = json.loads(done(desk.footfall("explain", "--json", "--header", agent, stdin=body)))
    refused = done(desk.footfall("explain", "--header", "DNT: 1", stdin=body))
    broken = done(desk.footfall("explain", stdin="{"))

    assert words.startswith("example.org: counted")
    assert "Chrome 142" in words
    kept = {line["rule"]: line["kept"] for line in objects[0]["lines"]}
    assert (objects[0]["outcome"], kept["page"]) == ("counted", "example.org/a")
    assert refused == "all sites: dnt\n"
    assert "not_json" in broken


def test_places_are_told_for_an_address(desk: Service) -> None:
    """Without a database countries are known, and one can look an address up."""
    status = done(desk.footfall("geo", "status"))
    known = json.loads(done(desk.footfall("geo", "status", "--json")))
    place = json.loads(done(desk.footfall("geo", "test", "8.8.8.8", "--json")))

    assert "Built in" in status
    assert known["kind"] == "iptocc"
    assert place["country"] == "US"
    assert done(desk.footfall("geo", "test", "8.8.8.8")).startswith("US")


def test_a_wrong_database_is_named(desk: Service, tmp_path: Path) -> None:
    """A file that is no database is told so, with the code of a wrong setting."""
    path = tmp_path / "places.mmdb"
    path.write_text("nothing")
    desk.environ["FOOTFALL_GEO_DATABASE"] = str(path)

    result = desk.footfall("geo", "status")

    assert result.returncode == 2
    assert "places.mmdb" in result.stderr
