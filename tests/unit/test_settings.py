"""Settings: where they come from, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.errors import SettingsError
from collector.settings import Settings, environment_name, from_process, load, setting_names


def test_nothing_set_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file and without variables the service listens on this machine only."""
    monkeypatch.chdir(tmp_path)

    settings = load({})

    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.trusted_proxies == ()


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """The environment overrides the file, and what it leaves alone stays."""
    path = tmp_path / "footfall.toml"
    path.write_text('port = 1234\nhost = "::1"\n[spool]\nmax_bytes = 2097152\n')

    settings = load({"FOOTFALL_PORT": "4321"}, path)

    assert (settings.host, settings.port) == ("::1", 4321)
    assert settings.spool.max_bytes == 2 << 20


def test_two_underscores_go_into_a_group() -> None:
    """A variable such as FOOTFALL_SPOOL__MAX_BYTES sets a setting of a group."""
    environ = {"FOOTFALL_SPOOL__MAX_BYTES": "2097152", "FOOTFALL_SPOOL__COMMIT_WAIT_MS": "5"}

    settings = load(environ)

    assert (settings.spool.max_bytes, settings.spool.commit_wait_ms) == (2 << 20, 5)


def test_lists_are_separated_by_commas() -> None:
    """A list in a variable may have spaces and empty parts."""
    settings = load({"FOOTFALL_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8,"})

    assert settings.trusted_proxies == ("10.0.0.0/8", "fd00::/8")


def test_other_peoples_variables_are_left_alone() -> None:
    """Variables without our prefix, and those of tests, are no settings."""
    environ = {"PORT": "1", "FOOTFALL_CONFIG": "x", "FOOTFALL_TEST_CLICKHOUSE_DSN": "y"}

    settings = load(environ)

    assert settings == Settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FOOTFALL_PRT", "1", "FOOTFALL_PORT"),
        ("FOOTFALL_SPOOL", "1", "FOOTFALL_SPOOL__MAX_BYTES"),
        ("FOOTFALL_SPOOL__MAX_BITES", "1", "FOOTFALL_SPOOL__MAX_BYTES"),
        ("FOOTFALL_HOST__NAME", "x", "FOOTFALL_HOST"),
        ("FOOTFALL_PORT", "80x", "int"),
        ("FOOTFALL_PORT", "65536", "65535"),
        ("FOOTFALL_DATA_DIR", "", "path"),
        ("FOOTFALL_SECRETS__STORE", "ram", "runtime, memory, disk"),
        ("FOOTFALL_SEAL__GRACE_S", "1", "60"),
        ("FOOTFALL_LIMITS__SITE_PER_SECOND", "0", "> 0"),
        ("FOOTFALL_PUBLIC_URL", "stats.example.org", "https://stats.example.org"),
        ("FOOTFALL_TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8"),
        ("FOOTFALL_EXCLUDED_NETWORKS", "home", "10.0.0.0/8"),
        ("FOOTFALL_CLIENT_ADDRESS_HEADER", "X Y", "FOOTFALL_CLIENT_ADDRESS_HEADER"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_should_be(name: str, value: str, said: str) -> None:
    """The error names the variable at fault and what would have been right."""
    with pytest.raises(SettingsError) as wrong:
        load({name: value})

    assert name in str(wrong.value)
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prt = 1", "prt"),
        ("[spool]\nmax_bites = 1", "spool.max_bites"),
        ('port = "eighty"', "port"),
        ("[spool]\nmax_bytes = 3", "spool.max_bytes"),
        ("port", "cannot be read"),
        ("spool = 3", "spool"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong_with_it(tmp_path: Path, text: str, said: str) -> None:
    """The error names the setting of the file that is at fault."""
    path = tmp_path / "footfall.toml"
    path.write_text(text)

    with pytest.raises(SettingsError) as wrong:
        load({}, path)

    assert said in str(wrong.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A settings file that was asked for and is not there stops the start."""
    path = tmp_path / "none.toml"

    with pytest.raises(SettingsError, match=r"none\.toml"):
        load({}, path)


def test_the_file_of_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name, footfall.toml of the working folder counts."""
    (tmp_path / "footfall.toml").write_text("port = 77\n")
    monkeypatch.chdir(tmp_path)

    settings = load({})

    assert settings.port == 77


def test_the_process_may_name_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FOOTFALL_CONFIG names the file when the command line does not."""
    path = tmp_path / "mine.toml"
    path.write_text("port = 78\n")
    monkeypatch.setenv("FOOTFALL_CONFIG", str(path))

    settings = from_process()

    assert settings.port == 78


def test_all_kept_files_lie_below_the_data_directory() -> None:
    """Every path that is derived lies in the data directory, so that one folder is all."""
    settings = load({"FOOTFALL_DATA_DIR": "/var/lib/footfall"})

    derived = {
        settings.registry_path,
        settings.spool_path,
        settings.spool_keys_dir,
        settings.store_path,
        settings.control_socket,
    }

    assert len(derived) == 5
    assert {path.parent for path in derived} == {Path("/var/lib/footfall")}


def test_every_setting_has_a_variable_that_sets_it() -> None:
    """The variable made from a setting's dotted name is one that `load` knows."""
    for setting in setting_names():
        name = environment_name(setting)

        with pytest.raises(SettingsError) as wrong:
            load({f"{name}_X": "1"})

        assert name in str(wrong.value)


@pytest.mark.parametrize("dsn", ["foo", "host:8123", "clickhouse://", "clickhouse:///db"])
def test_an_address_without_a_host_stops_the_start(dsn: str) -> None:
    """What cannot be a server's address is named, and not quoted: it may hold a password."""
    with pytest.raises(SettingsError, match="FOOTFALL_CLICKHOUSE_DSN is wrong") as wrong:
        load({"FOOTFALL_CLICKHOUSE_DSN": dsn})

    assert repr(dsn) not in str(wrong.value)


def test_a_settings_file_of_other_bytes_is_named(tmp_path: Path) -> None:
    """A file that is not UTF-8 stops the start with its name."""
    file = tmp_path / "footfall.toml"
    file.write_bytes(b"\xff")

    with pytest.raises(SettingsError, match=r"footfall\.toml: cannot be read"):
        load({}, file)
