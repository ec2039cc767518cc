"""Say what a site is, and find the one a payload names.

Pure: rows come from `registry.store`. Called by the endpoints, sealing, the
report and the dashboards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from collector.day import zone_of
from collector.errors import RegistryError, SettingsError

PROFILES = ("standard", "strict")

DOMAIN_MAX = 253
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

# Paths of the service itself: a site of this name would have no page of its own.
_TAKEN = frozenset(
    [
        "api",
        "count",
        "demo",
        "healthz",
        "js",
        "login",
        "logout",
        "metrics",
        "opt-out",
        "pixel.gif",
        "privacy",
        "readyz",
        "settings",
        "setup",
        "share",
        "static",
    ]
)


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site, named by its domain.

    Attributes:
        id: from 1; never reused.
        zone: its IANA time zone.
        public: whether its page and reading API need no account or token.
        profile: the privacy profile, `standard` or `strict`.
        hostnames: further host names its hits may come from; its domain and
            subdomains always may.
        own_paths: paths declared as the owner's own, which never fold.
    """

    id: int
    domain: str
    zone: str = "UTC"
    public: bool = False
    profile: str = "standard"
    hostnames: tuple[str, ...] = ()
    own_paths: tuple[str, ...] = ()

    def allows(self, hostname: str) -> bool:
        """Tell whether hits may come from a host name (without its port)."""
        if hostname == self.domain or hostname.endswith("." + self.domain):
            return True
        if self.domain == "localhost" and hostname in ("127.0.0.1", "[::1]", "::1"):
            return True
        return hostname in self.hostnames


class Sites:
    """An unchanging picture of all sites, for the hot path."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._by_domain = {site.domain: site for site in sites}
        self._by_id = {site.id: site for site in self._by_domain.values()}

    def named(self, domain: str) -> Site | None:
        """Find a site by its domain; a leading `www.` is forgiven."""
        return self._by_domain.get(domain) or self._by_domain.get(domain.removeprefix("www."))

    def numbered(self, site_id: int) -> Site | None:
        """Find a site by its number."""
        return self._by_id.get(site_id)

    def __iter__(self) -> Iterator[Site]:
        """Go through all sites."""
        return iter(self._by_id.values())

    def __len__(self) -> int:
        """Count the sites."""
        return len(self._by_id)


def checked_domain(domain: str) -> str:
    """Return a domain as browsers write it: lower case, ASCII, no outer dot.

    Raises:
        RegistryError: if it is no host name, or is a path of the service itself.
    """
    name = _as_host(domain)
    if name in _TAKEN:
        raise RegistryError(f"{name!r} is a page of Footfall itself; name the site by its domain")
    return name


def checked(site: Site) -> Site:
    """Return a site whose every value is sound.

    Raises:
        RegistryError: names the value at fault and what it should be.
    """
    try:
        zone_of(site.zone)
    except SettingsError as unknown:
        raise RegistryError(str(unknown)) from unknown
    if site.profile not in PROFILES:
        raise RegistryError(f"{site.profile!r} is no profile; there are {' and '.join(PROFILES)}")
    for path in site.own_paths:
        if not path.startswith("/"):
            raise RegistryError(f"{path!r} is no path; a path begins with /")
    hostnames = tuple(_as_host(hostname) for hostname in site.hostnames)
    return msgspec.structs.replace(site, hostnames=hostnames)


def _as_host(text: str) -> str:
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if len(name) > DOMAIN_MAX or not _HOST.fullmatch(name):
        raise RegistryError(
            f"{text!r} is no host name; give it as in example.org, without https:// or a path"
        )
    return name
