"""Look up country, region and city of a truncated address, in a local database.

Whole addresses never come here, and no coordinates or networks are returned.

Source: docs/design/0006-rules.md.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, NamedTuple, TypeGuard

import iptocc
import maxminddb

from collector.errors import SettingsError
from collector.privacy.address import truncated, typed

UNKNOWN = "(unknown)"
NOT_COUNTRIES = frozenset({"ZZ", "XX", "T1", "A1", "A2", "AP", "EU", "O1"})
"""Codes that databases use for no country in particular."""
PLACES_KEPT = 16_384
"""Truncated addresses whose place is remembered."""
WIDEST_CITY_KM = 100
"""Accuracy radius above which a city is a guess, and left out."""

_log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a hit comes from, each value carrying its parent.

    Attributes:
        country: ISO 3166-1 alpha-2, such as "DE", or "(unknown)".
        region: country and ISO 3166-2 part, or name, such as "DE-BE".
        city: country and English name, such as "DE-Berlin".
    """

    country: str
    region: str
    city: str


NOWHERE = Place(UNKNOWN, UNKNOWN, UNKNOWN)


class GeoStatus(NamedTuple):
    """The state of the database, as `footfall geo status` prints it.

    Attributes:
        path: the configured file, or empty.
        kind: the database's own name for itself; "iptocc" if no file is in use.
        built_at: when its data was made, in seconds since 1970; 0 if it does not say.
        error: why the file is not in use, or empty.
        attribution: the line that the licence asks for beside the numbers, or empty.
    """

    path: str
    kind: str
    built_at: int
    error: str
    attribution: str


BUILT_IN = GeoStatus("", "iptocc", 0, "", "")
"""The answer without a database."""


class GeoDatabase:
    """Looks up places, in a MaxMind-format file if there is one, else countries by registry.

    The file is opened anew when it changed and `refresh` is called; put a new one in
    its place by renaming, for it is mapped into memory. A file that is missing or
    broken is reported by `status` and never stops a hit.
    """

    def __init__(self, database: Path | None = None, *, expected: bool = True) -> None:
        """Open the file.

        Args:
            expected: whether it is an error that there is none; else it is looked for now and then.
        """
        self._path = database
        self._reader: maxminddb.Reader | None = None
        self._stamp = (0, 0)
        self._error = ""
        self._cached = lru_cache(maxsize=PLACES_KEPT)(self._look_up)
        if database and (expected or _stamp(database) != self._stamp):
            self._open(database)

    def locate(self, network: bytes) -> Place:
        """Find the place of a truncated address.

        Args:
            network: the address with its host part zeroed, packed: 4 or 16 bytes.

        Returns:
            A place; unknown parts are "(unknown)". Never raises.
        """
        return self._cached(network)

    def refresh(self) -> None:
        """Open the file again if it has changed since the last look; on any one thread."""
        if self._path and _stamp(self._path) != self._stamp:
            self._open(self._path)

    def status(self) -> GeoStatus:
        """Return which database is in use, its age, and its last error."""
        path = str(self._path or "")
        if self._reader is None:
            return GeoStatus(path, "iptocc", 0, self._error, "")
        about = self._reader.metadata()
        kind = about.database_type
        return GeoStatus(path, kind, about.build_epoch, self._error, attribution_of(kind))

    def forget(self) -> None:
        """Empty the cache, which is keyed by truncated addresses."""
        self._cached.cache_clear()

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self, path: Path) -> None:
        """Open the file; keep the one in use if the new one cannot be read."""
        self._stamp = _stamp(path)
        try:
            reader = maxminddb.open_database(path)
            reader.get("0.0.0.0")  # noqa: S104 -- an address to look up, not to listen on
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as broken:
            self._error = f"cannot read {path.name}: {type(broken).__name__}"
            _log.warning("geo database: %s", self._error)
            return
        # The old one is not closed: a look-up on another thread may be in the middle of it.
        self._reader, self._error = reader, ""
        self._cached.cache_clear()

    def _look_up(self, network: bytes) -> Place:
        if len(network) not in (4, 16):
            return NOWHERE
        address = inet_ntop(AF_INET if len(network) == 4 else AF_INET6, network)
        reader = self._reader
        if reader is not None and (len(network) == 4 or reader.metadata().ip_version == 6):
            try:
                return locate_in(reader.get(address))
            except (ValueError, maxminddb.InvalidDatabaseError) as broken:
                self._error = f"cannot look up: {type(broken).__name__}"
        code = iptocc.country_code(address)
        return Place(code, UNKNOWN, UNKNOWN) if _is_country(code) else NOWHERE


class FixedCountry:
    """The country that a sender with a token states of its visitor, in place of a look-up."""

    def __init__(self, country: str) -> None:
        """Accept a code of two capitals; a code that is no country is an unknown place."""
        self._place = Place(country, UNKNOWN, UNKNOWN) if _is_country(country) else NOWHERE

    def locate(self, network: bytes) -> Place:  # noqa: ARG002 - wherever the address lies
        """Return the country, for any address."""
        return self._place


def locate_in(record: object) -> Place:
    """Read a database's record: nested as MaxMind and DB-IP make them, or flat as IPinfo does."""
    if not isinstance(record, Mapping):
        return NOWHERE
    country = _country(record)
    if not country:
        return NOWHERE
    region, city = _region(record), _city(record)
    return Place(
        country,
        f"{country}-{region}" if region else UNKNOWN,
        f"{country}-{city}" if city else UNKNOWN,
    )


def locate_address(places: GeoDatabase, address: str) -> Place:
    """Look up an address that a person typed, cut down like a visitor's.

    Raises:
        SettingsError: if it is no address.
    """
    return places.locate(truncated(typed(address)))


def examine(database: Path) -> GeoStatus:
    """Examine a file before it is taken into use.

    Raises:
        SettingsError: if there is no such file, or it is no MaxMind-format file.
    """
    from geoip2.database import Reader  # noqa: PLC0415 -- 0.2 s that only a command should pay

    try:
        with Reader(database) as reader:
            about = reader.metadata()
    except FileNotFoundError as missing:
        raise SettingsError(f"{database}: there is no such file") from missing
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as broken:
        raise SettingsError(
            f"{database.name} is no MaxMind-format file (.mmdb): {type(broken).__name__}"
        ) from broken
    kind = about.database_type
    return GeoStatus(str(database), kind, about.build_epoch, "", attribution_of(kind))


def attribution_of(kind: str) -> str:
    """Return the attribution that a database's licence requires, by the database's own name."""
    if kind.startswith(("GeoLite2", "GeoIP2")):
        return "This product includes GeoLite2 data created by MaxMind, https://www.maxmind.com."
    if kind.startswith("DBIP"):
        return "IP geolocation by DB-IP, https://db-ip.com."
    if kind.lower().startswith("ipinfo"):
        return "IP address data powered by IPinfo, https://ipinfo.io."
    return ""


def _country(record: Mapping[str, Any]) -> str:
    nested = record.get("country") or record.get("registered_country")
    code = nested.get("iso_code") if isinstance(nested, Mapping) else None
    code = code or record.get("country_code")
    if code is None and isinstance(nested, str):
        code = nested
    return code if _is_country(code) else ""


def _region(record: Mapping[str, Any]) -> str:
    subdivisions = record.get("subdivisions")
    if isinstance(subdivisions, list) and subdivisions and isinstance(subdivisions[0], Mapping):
        return _text(subdivisions[0].get("iso_code")) or _english(subdivisions[0])
    return _text(record.get("region_code") or record.get("state1") or record.get("region"))


def _city(record: Mapping[str, Any]) -> str:
    city, location = record.get("city"), record.get("location")
    radius = location.get("accuracy_radius") if isinstance(location, Mapping) else None
    if isinstance(radius, int) and radius > WIDEST_CITY_KM:
        return ""
    return _english(city) if isinstance(city, Mapping) else _text(city)


def _english(record: Mapping[str, Any]) -> str:
    names = record.get("names")
    return _text(names.get("en")) if isinstance(names, Mapping) else ""


def _text(value: object) -> str:
    return value[:80] if isinstance(value, str) else ""


def _is_country(code: object) -> TypeGuard[str]:
    return (
        isinstance(code, str)
        and len(code) == 2
        and code.isalpha()
        and code.isupper()
        and code not in NOT_COUNTRIES
    )


def _stamp(path: Path) -> tuple[int, int]:
    try:
        about = path.stat()
    except OSError:
        return (0, 0)
    return (about.st_mtime_ns, about.st_size)
