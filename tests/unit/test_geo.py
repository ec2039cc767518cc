"""The promise of places: a country at once, more from an owner's file, and never a coordinate."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter

from collector.errors import SettingsError
from collector.ingest.enrich.geo import (
    NOWHERE,
    UNKNOWN,
    GeoDatabase,
    GeoStatus,
    Place,
    attribution_of,
    examine,
    locate_address,
    locate_in,
)

IPSet = import_module("netaddr").IPSet  # untyped
BERLIN = bytes([192, 0, 2, 0])
GOOGLE = bytes([8, 8, 8, 0])
NESTED = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "location": {"latitude": 52.5, "longitude": 13.4, "accuracy_radius": 20},
}
BERLIN_PLACE = Place("DE", "DE-BE", "DE-Berlin")


def database(path: Path, record: dict[str, Any], kind: str = "GeoLite2-City") -> Path:
    """Write a MaxMind-format file that knows one network, by renaming as owners should."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    writer.insert_network(IPSet(["192.0.2.0/24", "2001:db8::/48"]), record)
    made = path.with_suffix(".new")
    writer.to_db_file(str(made))
    made.rename(path)
    return path


def test_without_a_file_there_are_countries() -> None:
    """With nothing set up a truncated address gives its country, and claims no more."""
    places = GeoDatabase()

    assert places.locate(GOOGLE) == Place("US", UNKNOWN, UNKNOWN)
    assert places.status() == GeoStatus("", "iptocc", 0, "", "")


@pytest.mark.parametrize("network", [bytes(4), bytes(16), b"", b"abc", bytes([10, 0, 0, 0])])
def test_an_address_of_nobody_is_unknown(network: bytes) -> None:
    """Private, empty and broken addresses are places unknown, the second time too."""
    places = GeoDatabase()

    assert places.locate(network) is NOWHERE
    assert places.locate(network) is NOWHERE


def test_a_maxmind_file_gives_region_and_city(tmp_path: Path) -> None:
    """A nested record, as MaxMind and DB-IP make them, gives values that carry their parent."""
    places = GeoDatabase(database(tmp_path / "city.mmdb", NESTED))

    assert places.locate(BERLIN) == BERLIN_PLACE
    assert places.locate(bytes.fromhex("20010db80000") + bytes(10)) == BERLIN_PLACE
    assert places.locate(GOOGLE) == NOWHERE


def test_nothing_but_the_place_is_read(tmp_path: Path) -> None:
    """No coordinate and no network is told, whatever the file knows."""
    record = {**NESTED, "autonomous_system_number": 64496, "traits": {"isp": "An ISP"}}
    places = GeoDatabase(database(tmp_path / "city.mmdb", record))

    place = places.locate(BERLIN)

    assert place == BERLIN_PLACE
    assert Place._fields == ("country", "region", "city")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country_code": "FR", "state1": "Île-de-France", "city": "Paris"},
         Place("FR", "FR-Île-de-France", "FR-Paris")),
        ({"country_code": "FR", "country": "France", "continent": "Europe"},
         Place("FR", UNKNOWN, UNKNOWN)),
        ({"country": "FR", "region": "Bretagne", "city": "Brest"},
         Place("FR", "FR-Bretagne", "FR-Brest")),
        ({"country": {"iso_code": "FR"}, "subdivisions": [{"names": {"en": "Brittany"}}]},
         Place("FR", "FR-Brittany", UNKNOWN)),
        ({"registered_country": {"iso_code": "FR"}}, Place("FR", UNKNOWN, UNKNOWN)),
        ({"country": {"iso_code": "FR"}, "city": {"names": {"de": "Paris"}}},
         Place("FR", UNKNOWN, UNKNOWN)),
        ({**NESTED, "location": {"accuracy_radius": 500}}, Place("DE", "DE-BE", UNKNOWN)),
        ({"country": {"iso_code": "ZZ"}}, NOWHERE),
        ({"country": {"iso_code": "EU"}}, NOWHERE),
        ({"country": {"iso_code": 7}}, NOWHERE),
        ({"city": {"names": {"en": "Berlin"}}}, NOWHERE),
        ({"subdivisions": "odd", "country_code": "FR"}, Place("FR", UNKNOWN, UNKNOWN)),
        ({}, NOWHERE),
        (None, NOWHERE),
        (7, NOWHERE),
    ],
)  # fmt: skip
def test_nested_and_flat_records_are_read(record: object, place: Place) -> None:
    """Every vendor's form gives the same kind of place; what is odd or a guess is unknown."""
    assert place == locate_in(record)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["country", "iso_code", "names", "en", "city", "subdivisions"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_no_record_raises(record: object) -> None:
    """A database of any content gives places."""
    assert isinstance(locate_in(record), Place)


def test_a_flat_file_is_opened_too(tmp_path: Path) -> None:
    """Files whose type geoip2 does not know are read all the same."""
    flat = database(tmp_path / "flat.mmdb", {"country_code": "FR"}, kind="ipinfo lite")
    places = GeoDatabase(flat)

    assert places.locate(BERLIN).country == "FR"
    assert places.status().attribution.startswith("IP address data powered by IPinfo")


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" * 9])
def test_a_broken_file_falls_back_and_says_so(tmp_path: Path, content: bytes) -> None:
    """Hits are counted with their country while the status tells what is wrong."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(content)

    places = GeoDatabase(broken)

    assert places.locate(GOOGLE).country == "US"
    assert places.status().kind == "iptocc"
    assert "broken.mmdb" in places.status().error


def test_a_missing_file_falls_back_and_says_so(tmp_path: Path) -> None:
    """A path with nothing there is told, and stops no hit."""
    places = GeoDatabase(tmp_path / "missing.mmdb")

    assert places.locate(GOOGLE).country == "US"
    assert "missing.mmdb" in places.status().error


def test_a_new_file_is_taken_into_use_live(tmp_path: Path) -> None:
    """After a replacement the next look-ups come from the new file, with no restart."""
    path = database(tmp_path / "city.mmdb", NESTED)
    places = GeoDatabase(path)
    before = places.locate(BERLIN)

    database(path, {"country": {"iso_code": "AT"}})
    os.utime(path, (1, 1))
    places.refresh()

    assert before.country == "DE"
    assert places.locate(BERLIN).country == "AT"


def test_a_look_up_ends_on_the_file_it_began_with(tmp_path: Path) -> None:
    """Files are replaced by another thread: the old one stays open for who is reading it."""
    path = database(tmp_path / "city.mmdb", NESTED)
    places = GeoDatabase(path)
    reading = places._reader

    database(path, {"country": {"iso_code": "AT"}})
    os.utime(path, (1, 1))
    places.refresh()

    assert reading is not None
    assert locate_in(reading.get("192.0.2.0")) == BERLIN_PLACE
    assert places.locate(BERLIN).country == "AT"


def test_a_file_that_appears_later_is_taken_into_use(tmp_path: Path) -> None:
    """An owner may configure the path first and fetch the file afterwards."""
    path = tmp_path / "late.mmdb"
    places = GeoDatabase(path)

    database(path, NESTED)
    places.refresh()

    assert places.locate(BERLIN) == BERLIN_PLACE
    assert places.status().error == ""


def test_a_broken_replacement_leaves_the_good_one_in_use(tmp_path: Path) -> None:
    """A failed download does not take regions away; the status says so."""
    path = database(tmp_path / "city.mmdb", NESTED)
    places = GeoDatabase(path)

    half = tmp_path / "half"
    half.write_bytes(b"half a file")
    half.rename(path)
    places.refresh()

    assert places.locate(BERLIN) == BERLIN_PLACE
    assert "cannot read" in places.status().error


def test_a_version_4_file_leaves_version_6_to_the_registries(tmp_path: Path) -> None:
    """Looking a long address up in a file of short ones is no error."""
    writer = MMDBWriter(ip_version=4, database_type="GeoLite2-City")
    writer.insert_network(IPSet(["192.0.2.0/24"]), NESTED)
    writer.to_db_file(str(tmp_path / "four.mmdb"))
    places = GeoDatabase(tmp_path / "four.mmdb")

    place = places.locate(bytes.fromhex("200148600000") + bytes(10))

    assert place.country == "US"
    assert places.status().error == ""


def test_the_status_tells_age_and_attribution(tmp_path: Path) -> None:
    """An owner sees which data is in use, how old it is and what its licence asks for."""
    path = database(tmp_path / "city.mmdb", NESTED)

    status = GeoDatabase(path).status()

    assert (status.path, status.kind) == (str(path), "GeoLite2-City")
    assert status.built_at > 1_700_000_000
    assert "MaxMind" in status.attribution


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("GeoLite2-Country", "MaxMind"),
        ("GeoIP2-City", "MaxMind"),
        ("DBIP-City-Lite", "DB-IP"),
        ("ipinfo bundle", "IPinfo"),
    ],
)
def test_each_licence_has_its_line(kind: str, named: str) -> None:
    """The line beside the numbers is the one that the data's licence asks for."""
    assert named in attribution_of(kind)
    assert attribution_of("our own") == ""


def test_a_typed_address_is_cut_down_like_a_visitors(tmp_path: Path) -> None:
    """The test command sees what a hit would see: the network, not the host."""
    places = GeoDatabase(database(tmp_path / "city.mmdb", NESTED))

    assert locate_address(places, "192.0.2.77") == BERLIN_PLACE
    assert locate_address(places, "2001:db8::77") == BERLIN_PLACE


def test_what_is_no_address_is_refused_in_words() -> None:
    """A slip of the keyboard is answered with what would be right."""
    with pytest.raises(SettingsError, match="not an IP address"):
        locate_address(GeoDatabase(), "192.0.2")


def test_a_file_is_examined_before_it_is_used(tmp_path: Path) -> None:
    """Setting a database tells what it is, or why it cannot be one."""
    good = database(tmp_path / "good.mmdb", NESTED)
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(b"no database")

    assert examine(good).kind == "GeoLite2-City"
    with pytest.raises(SettingsError, match=r"bad\.mmdb"):
        examine(bad)


def test_forgetting_and_closing_leave_countries(tmp_path: Path) -> None:
    """The cache can be emptied and the file closed; what comes after is looked up anew."""
    places = GeoDatabase(database(tmp_path / "city.mmdb", NESTED))
    places.locate(BERLIN)

    places.close()
    places.forget()

    assert places.locate(GOOGLE).country == "US"


def test_a_file_that_is_not_expected_is_found_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no file was set, its absence is no error, and a later one is taken into use."""
    places = GeoDatabase(tmp_path / "places.mmdb", expected=False)
    before = places.locate(BERLIN)
    database(tmp_path / "places.mmdb", NESTED)

    places.refresh()

    assert before.region == UNKNOWN
    assert places.locate(BERLIN) == BERLIN_PLACE
    assert caplog.messages == []
