"""The settings: defaults, `footfall.toml` and `FOOTFALL_` environment variables.

The only module that reads the environment. An unknown name or a wrong value is an error.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from collector.errors import SettingsError

PREFIX = "FOOTFALL_"
FILE_NAME = "footfall.toml"

# Environment variables of the same prefix that are no settings.
_NOT_SETTINGS = ("FOOTFALL_CONFIG", "FOOTFALL_CHROMIUM", "FOOTFALL_TEST_")

Positive = Annotated[int, msgspec.Meta(ge=1)]
PortNumber = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
PerSecond = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]


class _SettingsGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all groups of settings."""


class SpoolSettings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The spool, which keeps acknowledged hits until they are delivered.

    Attributes:
        max_bytes: the size above which hits are answered with 503; at least 1 MiB.
        commit_wait_ms: how long a commit waits for more hits, 0 to 100.
    """

    max_bytes: Annotated[int, msgspec.Meta(ge=1 << 20)] = 1 << 30
    commit_wait_ms: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class SecretsSettings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where day secrets are kept until they are destroyed.

    Attributes:
        store: `runtime` (tmpfs, survives a crash), `memory` (survives nothing) or `disk`
            (survives a reboot, and is stated in the notice).
        runtime_dir: the folder on tmpfs; empty: chosen automatically.
    """

    store: Literal["runtime", "memory", "disk"] = "runtime"
    runtime_dir: str = ""


class SealSettings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When days are sealed.

    Attributes:
        grace_s: seconds after a day's end before it is sealed.
    """

    grace_s: Annotated[int, msgspec.Meta(ge=60, le=86400)] = 300


class DeliverySettings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How hits are delivered from the spool to ClickHouse.

    Attributes:
        flush_interval_s: seconds between two batches while delivery succeeds.
        max_batch_hits: the maximum of hits in a batch.
    """

    flush_interval_s: Seconds = 1.0
    max_batch_hits: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 5000


class LimitsSettings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rate limits of hits: sustained per second, and in a burst.

    Attributes:
        address_per_second: of one address (IPv6: one /64), which many people may share.
        network_per_second: of one /24 (IPv6: /48).
        site_per_second: of one site.
        instance_per_second: of all sites together.
    """

    address_per_second: PerSecond = 20
    address_burst: Positive = 600
    network_per_second: PerSecond = 200
    network_burst: Positive = 6_000
    site_per_second: PerSecond = 5_000
    site_burst: Positive = 100_000
    instance_per_second: PerSecond = 20_000
    instance_burst: Positive = 400_000


class Settings(_SettingsGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings.

    Attributes:
        data_dir: the folder of all data.
        host: the address to listen on.
        port: the port to listen on; 0 for any free port.
        clickhouse_dsn: of a ClickHouse server; empty: the embedded engine.
        trusted_proxies: networks in CIDR form whose forwarding headers are trusted.
        client_address_header: the header of trusted proxies that holds the client's address;
            empty: X-Forwarded-For.
        excluded_networks: networks in CIDR form whose hits are not counted.
        geo_database: a MaxMind-format file; empty: the built-in one, countries only.
        public_url: the origin under which browsers reach the service.
        security_contact: the contact in security.txt, a mailto: or https: URL; empty: there is
            no security.txt.
        log_level: the lowest level that is logged.
    """

    data_dir: Path = Path("footfall-data")
    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: PortNumber = 8000
    clickhouse_dsn: str = ""
    trusted_proxies: tuple[str, ...] = ()
    client_address_header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]*\Z")] = ""
    excluded_networks: tuple[str, ...] = ()
    geo_database: str = ""
    public_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^/\s]+)?\Z")] = ""
    security_contact: Annotated[str, msgspec.Meta(pattern=r"^((mailto:|https://)\S+)?\Z")] = ""
    spool: SpoolSettings = SpoolSettings()
    secrets: SecretsSettings = SecretsSettings()
    seal: SealSettings = SealSettings()
    delivery: DeliverySettings = DeliverySettings()
    limits: LimitsSettings = LimitsSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def registry_path(self) -> Path:
        """The SQLite file of sites, users and tokens."""
        return self.data_dir / "registry.sqlite3"

    @property
    def spool_path(self) -> Path:
        """The SQLite file of acknowledged hits that are not delivered yet."""
        return self.data_dir / "spool.sqlite3"

    @property
    def spool_keys_dir(self) -> Path:
        """The folder of the spool's keys; exclude it from backups."""
        return self.data_dir / "spool-keys"

    @property
    def day_marks_dir(self) -> Path:
        """The folder of empty files that mark which days of sites have had a secret."""
        return self.data_dir / "day-marks"

    @property
    def store_path(self) -> Path:
        """The folder of the embedded ClickHouse."""
        return self.data_dir / "clickhouse"

    @property
    def geo_path(self) -> Path:
        """The geo database: `geo_database`, or the file that `footfall geo set` installs."""
        return Path(self.geo_database) if self.geo_database else self.data_dir / "places.mmdb"

    @property
    def has_places(self) -> bool:
        """Whether a geo database is in use besides the built-in countries."""
        return bool(self.geo_database) or self.geo_path.exists()

    @property
    def control_socket(self) -> Path:
        """The Unix socket through which commands reach the running service."""
        return self.data_dir / "control.sock"


def load(environ: Mapping[str, str], path: Path | None = None) -> Settings:
    """Read the settings: defaults, then the file, then the environment.

    Args:
        environ: variables with the prefix `FOOTFALL_`; two underscores separate a group, as in
            `FOOTFALL_SPOOL__MAX_BYTES`; lists are separated by commas.
        path: of a TOML file that must exist; None: `footfall.toml` in the working directory, if
            present.

    Raises:
        SettingsError: names the wrong setting and what it should be.
    """
    values = _from_file(path)
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS):
            _put(values, name, text)
    settings = _convert(values, "")
    _check_networks("trusted_proxies", settings.trusted_proxies)
    _check_networks("excluded_networks", settings.excluded_networks)
    _check_dsn(settings.clickhouse_dsn)
    return settings


def from_process(path: Path | None = None) -> Settings:
    """Read the settings of this process; `FOOTFALL_CONFIG` names the file unless `path` does.

    Raises:
        SettingsError: names the wrong setting and what it should be.
    """
    named = os.environ.get("FOOTFALL_CONFIG", "")
    return load(os.environ, path or (Path(named) if named else None))


def runtime_candidates() -> list[str]:
    """List the folders that may be on tmpfs, in order of preference."""
    given = [os.environ.get(name, "") for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")]
    return [*given, "/dev/shm"]  # noqa: S108 - chosen only if it is tmpfs, in a folder of mode 0700


def setting_names(group: type[msgspec.Struct] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all settings, in the order of declaration."""
    for field in msgspec.structs.fields(group):
        if _is_group(field.type):
            yield from setting_names(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def environment_name(setting: str) -> str:
    """Return the environment variable of a dotted name."""
    return PREFIX + setting.upper().replace(".", "__")


def _from_file(path: Path | None) -> dict[str, Any]:
    source = path or Path(FILE_NAME)
    try:
        with source.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError as missing:
        if path is None:
            return {}
        raise SettingsError(f"{path}: no such settings file") from missing
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise SettingsError(f"{source}: cannot be read: {broken}") from broken
    _convert(values, f"{source}: ")
    return values


def _put(values: dict[str, Any], name: str, text: str) -> None:
    *groups, last = name.removeprefix(PREFIX).lower().split("__")
    target: type[msgspec.Struct] = Settings
    place = values
    for group in groups:
        field = _fields(target).get(group)
        if field is None or not _is_group(field.type):
            raise _unknown(name)
        target = field.type
        place = place.setdefault(group, {})
    field = _fields(target).get(last)
    if field is None or _is_group(field.type):
        raise _unknown(name)
    place[last] = _value(field, name, text)


def _value(field: msgspec.structs.FieldInfo, name: str, text: str) -> object:
    is_list = field.type == tuple[str, ...]
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return msgspec.convert(
            parts if is_list else text, field.type, strict=False, dec_hook=_path_of
        )
    except msgspec.ValidationError as wrong:
        raise SettingsError(f"{name}: {text!r} is wrong; {_should_be(field, wrong)}") from wrong


def _should_be(field: msgspec.structs.FieldInfo, wrong: msgspec.ValidationError) -> str:
    if get_origin(field.type) is Literal:
        return "it should be one of " + ", ".join(get_args(field.type))
    if field.name == "public_url":
        return "it should be an origin such as https://stats.example.org"
    if field.name == "security_contact":
        return "it should be an address such as mailto:security@example.org"
    message = f"{wrong}".split(" - at ")[0]
    return message[0].lower() + message[1:]


def _convert(values: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_path_of)
    except msgspec.ValidationError as wrong:
        found = re.search(r"unknown field `(.+?)`(?: - at `\$\.(.+)`)?", str(wrong))
        if found:
            raise _unknown(".".join(filter(None, (found[2], found[1])))) from wrong
        raise SettingsError(f"{where}{wrong}".replace("`$.", "`")) from wrong


def _path_of(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    raise msgspec.ValidationError("Expected a path")


def _unknown(name: str) -> SettingsError:
    in_environment = name.startswith(PREFIX)
    known = list(setting_names())
    if in_environment:
        known = [environment_name(setting) for setting in known]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    return SettingsError(f"{name}: no such setting; {hint}")


def _fields(group: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(group)}


def _is_group(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, _SettingsGroup)


def _check_dsn(dsn: str) -> None:
    # The value is not quoted: it may hold a password.
    if dsn and not ("://" in dsn and urlsplit(dsn).hostname):
        raise SettingsError(
            f"{environment_name('clickhouse_dsn')} is wrong; "
            "it should be an address such as clickhouse://user:password@host:8123/database"
        )


def _check_networks(setting: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ip_network(network)
        except ValueError as wrong:
            raise SettingsError(
                f"{environment_name(setting)}: {network!r} is not a network; "
                "it should be a list such as 10.0.0.0/8,fd00::/8"
            ) from wrong
