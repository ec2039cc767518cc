"""The registry's file: kept for ever, shared by processes, noticed when changed."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.day import day_at
from collector.errors import RegistryError
from collector.registry.store import Registry
from collector.registry.tokens import Grant
from tests.builders import FakeClock

PASSWORD = "correct horse"


@pytest.fixture
def clock() -> FakeClock:
    """Show noon until moved."""
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    """Open an empty registry."""
    with Registry(tmp_path / "data" / "registry.sqlite3", clock) as opened:
        yield opened


@pytest.fixture
def other(registry: Registry, tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    """Open the same file again, as another process would."""
    assert not list(registry.sites())
    with Registry(tmp_path / "data" / "registry.sqlite3", clock) as opened:
        yield opened


def test_what_was_added_is_there_after_a_restart(tmp_path: Path) -> None:
    """Sites, with all that is declared of them, outlive the process."""
    path = tmp_path / "registry.sqlite3"
    with Registry(path) as first:
        added = first.add_site(
            "example.org",
            "Europe/Berlin",
            public=True,
            profile="strict",
            hostnames=("partner.example",),
            own_paths=("/pricing",),
        )

    with Registry(path) as second:
        found = second.sites().named("example.org")

    assert found == added
    assert found is not None
    assert (found.id, found.zone, found.profile) == (1, "Europe/Berlin", "strict")
    assert (found.hostnames, found.own_paths) == (("partner.example",), ("/pricing",))


def test_only_its_owner_can_read_the_file(tmp_path: Path, registry: Registry) -> None:
    """File and folder are made for their owner alone."""
    registry.add_site("example.org")

    folder = tmp_path / "data"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_the_number_of_a_removed_site_is_never_used_again(registry: Registry) -> None:
    """Cells of a removed site can never become another site's."""
    first = registry.add_site("one.example")
    registry.remove_site("one.example")

    second = registry.add_site("two.example")
    again = registry.add_site("one.example")

    assert len({first.id, second.id, again.id}) == 3
    assert first.id < second.id < again.id


def test_www_is_the_same_site(registry: Registry) -> None:
    """A leading www. names the site without it, when added, changed and removed."""
    added = registry.add_site("www.example.org")
    changed = registry.set_site("www.example.org", public=True)
    registry.remove_site("www.example.org")

    assert added.domain == changed.domain == "example.org"
    assert not list(registry.sites())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zone": "Mars/Base"}, "not a time zone"),
        ({"colour": "red"}, "colour"),
        ({"public": "yes"}, "bool"),
        ({"domain": "two.example"}, "cannot be changed"),
        ({"id": 9}, "cannot be changed"),
    ],
)
def test_a_wrong_change_changes_nothing(
    registry: Registry, changes: dict[str, object], said: str
) -> None:
    """A change that is refused is named and leaves the site as it was."""
    before = registry.add_site("example.org")

    with pytest.raises(RegistryError, match=said):
        registry.set_site("example.org", **changes)

    assert registry.sites().named("example.org") == before


def test_names_are_taken_once(registry: Registry) -> None:
    """A second site, person or token of the same name is refused in a sentence that names it."""
    registry.add_site("example.org")
    registry.add_user("Ann", PASSWORD)
    registry.create_token("reader", None, ["read"])

    with pytest.raises(RegistryError, match=r"example\.org exists already"):
        registry.add_site("example.org")
    with pytest.raises(RegistryError, match="ann exists already"):
        registry.add_user("ann", PASSWORD)
    with pytest.raises(RegistryError, match="token reader exists already"):
        registry.create_token("reader", None, ["read"])


def test_what_is_unknown_is_named(registry: Registry) -> None:
    """Commands about what is not there say so."""
    with pytest.raises(RegistryError, match=r"no site example\.org"):
        registry.remove_site("example.org")
    with pytest.raises(RegistryError, match="no user ann"):
        registry.remove_user("ann")
    with pytest.raises(RegistryError, match="no token reader"):
        registry.revoke_token("reader")
    with pytest.raises(RegistryError, match=r"no site example\.org"):
        registry.create_token("reader", "example.org", ["read"])


def test_a_change_is_noticed_once(registry: Registry, other: Registry) -> None:
    """Writes of this and of another process are noticed, and then not again."""
    assert registry.changed()
    assert not registry.changed()

    other.add_site("one.example")
    by_other = registry.changed(), registry.changed()
    registry.add_site("two.example")
    by_itself = registry.changed(), registry.changed()

    assert by_other == by_itself == (True, False)


def test_reading_sites_elsewhere_does_not_hide_a_change(
    registry: Registry, other: Registry
) -> None:
    """That somebody else has read the sites since does not count as having noticed."""
    registry.changed()
    other.add_site("one.example")

    registry.sites()

    assert registry.changed()


def test_a_new_zone_begins_when_the_present_day_ends(registry: Registry, clock: FakeClock) -> None:
    """Until the site's midnight its day stays as it was; then the change is noticed."""
    registry.add_site("example.org", "Europe/Berlin")
    closes_at = day_at("Europe/Berlin", clock.at).closes_at

    answered = registry.set_site("example.org", zone="Asia/Tokyo")
    registry.changed()
    clock.at = closes_at - 1
    before = registry.changed(), registry.sites().named("example.org")
    clock.at = closes_at
    after = registry.changed(), registry.sites().named("example.org")

    assert answered.zone == "Europe/Berlin"
    assert before[0] is False
    assert after[0] is True
    assert before[1] is not None
    assert after[1] is not None
    assert (before[1].zone, after[1].zone) == ("Europe/Berlin", "Asia/Tokyo")


def test_a_planned_zone_can_be_taken_back(registry: Registry, clock: FakeClock) -> None:
    """Setting the present zone again before the day ends cancels the new one."""
    registry.add_site("example.org", "Europe/Berlin")
    registry.set_site("example.org", zone="Asia/Tokyo")

    registry.set_site("example.org", zone="Europe/Berlin")
    clock.pass_by(3 * 86400)

    found = registry.sites().named("example.org")
    assert found is not None
    assert found.zone == "Europe/Berlin"


def test_a_password_opens_a_session_that_ends(registry: Registry, clock: FakeClock) -> None:
    """A session names its person for 30 days, or until it is closed."""
    registry.add_user("Ann", PASSWORD)
    user = registry.check_password(" ann ", PASSWORD)
    assert user is not None

    token = registry.open_session(user)
    closed = registry.open_session(user)
    registry.close_session(closed)

    assert registry.session_user(token) == user
    assert registry.session_user(closed) is None
    assert registry.session_user("") is None
    clock.pass_by(30 * 86400)
    assert registry.session_user(token) is None


def test_a_wrong_name_or_password_opens_nothing(registry: Registry) -> None:
    """Neither a wrong password nor an unknown name finds a person."""
    registry.add_user("ann", PASSWORD)

    assert registry.check_password("ann", PASSWORD + "x") is None
    assert registry.check_password("bob", PASSWORD) is None


def test_a_new_password_ends_all_sessions(registry: Registry) -> None:
    """Who had the old password is out."""
    user = registry.add_user("ann", PASSWORD)
    token = registry.open_session(user)

    registry.set_password("ann", PASSWORD + " battery")

    assert registry.session_user(token) is None
    assert registry.check_password("ann", PASSWORD) is None
    assert registry.check_password("ann", PASSWORD + " battery") == user


def test_a_removed_person_is_out_at_once(registry: Registry) -> None:
    """Sessions go with the person."""
    user = registry.add_user("ann", PASSWORD)
    token = registry.open_session(user)

    registry.remove_user("ann")

    assert registry.session_user(token) is None
    assert registry.users() == []


def test_a_token_grants_what_it_was_made_for(registry: Registry) -> None:
    """Site and scopes are those of its making, until it is revoked."""
    site = registry.add_site("example.org")
    one = registry.create_token("one", "example.org", ["read"])
    every = registry.create_token("every", None, ["ingest", "read"])

    listed = [(entry.name, entry.site, entry.scopes) for entry in registry.tokens()]

    assert registry.token_grant(one) == Grant(site.id, frozenset({"read"}))
    assert registry.token_grant(every) == Grant(None, frozenset({"read", "ingest"}))
    assert registry.token_grant("ffl_guess") is None
    assert listed == [("every", None, ("read", "ingest")), ("one", "example.org", ("read",))]
    registry.revoke_token("one")
    assert registry.token_grant(one) is None


def test_a_sites_tokens_go_with_it(registry: Registry) -> None:
    """A token of a removed site never reads the site that comes after it."""
    registry.add_site("example.org")
    token = registry.create_token("one", "example.org", ["read"])

    registry.remove_site("example.org")
    registry.add_site("example.org")

    assert registry.token_grant(token) is None


def test_no_secret_is_in_the_file(tmp_path: Path, registry: Registry) -> None:
    """Passwords, tokens and sessions are kept as hashes only."""
    user = registry.add_user("ann", PASSWORD)
    secrets = [PASSWORD, registry.open_session(user), registry.create_token("t", None, ["read"])]

    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())

    assert b"ann" in kept
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_a_file_that_is_no_registry_is_refused(tmp_path: Path) -> None:
    """A foreign file is named and left as it is."""
    path = tmp_path / "registry.sqlite3"
    path.write_text("not a database, but long enough to be looked at " * 40)

    with pytest.raises(RegistryError, match="registry"):
        Registry(path)

    assert path.read_text().startswith("not a database")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """A registry in a format that this version does not read is not touched."""
    path = tmp_path / "registry.sqlite3"
    Registry(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(RegistryError, match="has format 99, and this version of Footfall reads 2"):
        Registry(path)


def test_a_locked_profile_can_only_become_tighter(registry: Registry) -> None:
    """A looser profile is refused while locked, also together with unlocking; then it is not."""
    registry.add_site("example.org", profile="strict", profile_locked=True)

    for changes in ({"profile": "standard"}, {"profile": "standard", "profile_locked": False}):
        with pytest.raises(RegistryError, match=r"example\.org is locked: standard is looser"):
            registry.set_site("example.org", **changes)
    registry.set_site("example.org", profile="strict", public=True)
    registry.set_site("example.org", profile_locked=False)
    loosened = registry.set_site("example.org", profile="standard")

    assert loosened.profile == "standard"


def test_a_removed_site_is_remembered_by_its_number_until_it_is_erased(
    registry: Registry, clock: FakeClock
) -> None:
    """What is still to be erased outlives the command that removed the site."""
    site = registry.add_site("example.org")

    removed = registry.remove_site("example.org")
    pending = registry.erasures()
    registry.erased(site.id)

    assert removed == site
    assert pending == {site.id: int(clock.at)}
    assert registry.erasures() == {}


def test_no_byte_of_a_removed_site_is_left_in_the_file(tmp_path: Path, registry: Registry) -> None:
    """Neither the file nor its log hold what was declared of the site."""
    registry.add_site("stays.example", own_paths=("/stays-too",))
    registry.add_site("gone.example", own_paths=("/gone-too",))
    before = _bytes(tmp_path)

    registry.remove_site("gone.example")

    assert b"gone.example" in before
    assert b"/gone-too" in before
    after = _bytes(tmp_path)
    assert b"gone" not in after
    assert b"/stays-too" in after


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (folder / "data").iterdir())
