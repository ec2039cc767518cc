"""Say what a site is, and find the one a payload names.

Pure: rows come from `registry.store`. Called by the endpoints, sealing, the
report and the dashboards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec


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
