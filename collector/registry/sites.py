"""Sites: their settings, the checks of those, and look-up by domain or number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from collector.day import zone_of
from collector.errors import RegistryError, SettingsError

PROFILES = ("standard", "strict")
"""From the loosest to the strictest."""

MOST_DAYS = 760
"""25 months, the longest that the French exemption for audience measurement allows.

Source: CNIL, deliberation 2020-091 of 17 September 2020, paragraph 51.
"""

HOUR_DAYS = 35
LONGEST_DAYS = 36_500
LIST_MAX = 500
"""Entries of one list of a site's settings; each query about an open day carries them all."""

PATH_MAX = 512
NO_PATH = "^$"
"""A regular expression that matches no path."""

GOAL_MAX = 100
DOMAIN_MAX = 253
CONTROLLER_MAX = 300
_COUNTRY = re.compile(r"[A-Z]{2}")
_PARAMETER = re.compile(r"[A-Za-z0-9_.\[\]-]{0,40}")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

# Paths of the service itself: a site of this name would have no dashboard.
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
        "own-visits",
        "pixel.gif",
        "privacy",
        "readyz",
        "settings",
        "setup",
        "share",
        "static",
    ]
)


class Goal(msgspec.Struct, frozen=True):
    """A goal: an event or pageview that counts as a conversion.

    Attributes:
        name: the name on dashboards.
        event: the custom event that reaches it; empty for a goal by path.
        path: the pattern of pages that reach it, such as `/thanks` or `/shop/*/done`.
    """

    name: str
    event: str = ""
    path: str = ""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site, named by its domain.

    Attributes:
        id: from 1; never reused.
        zone: its IANA time zone.
        public: whether its dashboard and reading API need no login or token.
        profile: the privacy profile, `standard` or `strict`.
        profile_locked: whether a looser profile is refused.
        hostnames: other host names that hits may come from, besides the domain and its
            subdomains.
        own_paths: paths that are never folded; `*` matches anything.
        controller: the controller named in the privacy notice; empty: the site's owner, unnamed.
        total_days: how long any data is kept.
        hour_days: how long hourly data of dimensions is kept.
        pair_days: how long pairs of dimensions are kept.
        templates: paths with `:name` for one segment and a last `*` for the rest; a path becomes
            the first template that it matches.
        search_parameter: the query parameter of the site's search, or empty.
        keep_trailing_slash: whether `/a/` and `/a` are different pages.
        keep_index: whether `/a/index.html` and `/a` are different pages.
        public_users: whether names after `/users/` and the like are public and stored.
        hash_routing: whether the fragment (`#…`) is part of the path.
        excluded_paths: paths that are not counted; `*` matches anything.
        excluded_countries: ISO 3166-1 codes of countries that are not counted.
        spam_referrers: hosts whose visits are not counted, with their subdomains, besides the
            built-in list.
        goals: assigned at receipt, so a new goal counts from its declaration on.
        debug: whether senders with a token see the outcome of a hit.
    """

    id: int
    domain: str
    zone: str = "UTC"
    public: bool = False
    profile: str = "standard"
    profile_locked: bool = False
    hostnames: tuple[str, ...] = ()
    own_paths: tuple[str, ...] = ()
    controller: str = ""
    total_days: int = MOST_DAYS
    hour_days: int = HOUR_DAYS
    pair_days: int = MOST_DAYS
    templates: tuple[str, ...] = ()
    search_parameter: str = ""
    keep_trailing_slash: bool = False
    keep_index: bool = False
    public_users: bool = False
    hash_routing: bool = False
    excluded_paths: tuple[str, ...] = ()
    excluded_countries: tuple[str, ...] = ()
    spam_referrers: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    debug: bool = False

    def allows(self, hostname: str) -> bool:
        """Return whether hits may come from a host name (without its port)."""
        return host_pattern(self).fullmatch(hostname) is not None

    @property
    def exact_own_paths(self) -> tuple[str, ...]:
        """The own paths without `*`, and the templates, which are paths as they are counted."""
        return (*(path for path in self.own_paths if "*" not in path), *self.templates)

    @property
    def own_path_pattern(self) -> str:
        """The own paths with `*`, as one regular expression (RE2) for whole paths."""
        sources = [
            ".*".join(re.escape(part) for part in path.split("*"))
            for path in self.own_paths
            if "*" in path
        ]
        return f"^(?:{'|'.join(sources)})$" if sources else NO_PATH


def host_pattern(site: Site) -> re.Pattern[str]:
    """Compile the host names that hits of a site may come from, for `fullmatch`.

    They are its domain, its subdomains and the further host names that its owner set.
    """
    names = site.hostnames
    if site.domain == "localhost":
        names = (*names, "127.0.0.1", "[::1]", "::1")
    others = "".join(f"|{re.escape(name)}" for name in names)
    return re.compile(rf"(?:.*\.)?{re.escape(site.domain)}{others}")


class Sites:
    """An immutable index of all sites, for the hot path.

    Attributes:
        named: finds a site by its domain, with or without `www.`; None if there is none.
        host_patterns: by the site's number, as `host_pattern` makes them.
    """

    def __init__(self, sites: Iterable[Site]) -> None:
        """Index the sites by domain and by number."""
        by_domain = {site.domain: site for site in sites}
        self._by_id = {site.id: site for site in by_domain.values()}
        aliases = {f"www.{domain}": site for domain, site in by_domain.items()}
        # Attributes, since a method would cost each hit a call more.
        self.named: Callable[[str], Site | None] = {**aliases, **by_domain}.get
        self.host_patterns = {site.id: host_pattern(site) for site in by_domain.values()}

    def numbered(self, site_id: int) -> Site | None:
        """Find a site by its number."""
        return self._by_id.get(site_id)

    def __iter__(self) -> Iterator[Site]:
        """Iterate over all sites."""
        return iter(self._by_id.values())

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self._by_id)


def checked_domain(domain: str) -> str:
    """Return a domain as browsers write it: lower case, ASCII, no trailing dot.

    Raises:
        RegistryError: if it is not a host name, or is a path of the service itself.
    """
    name = _as_host(domain)
    if name in _TAKEN:
        raise RegistryError(f"{name!r} is a page of Footfall itself; name the site by its domain")
    return name


def checked(site: Site) -> Site:
    """Return a site after checking and normalising all its values.

    Raises:
        RegistryError: names the wrong value and what it should be.
    """
    try:
        zone_of(site.zone)
    except SettingsError as unknown:
        raise RegistryError(str(unknown)) from unknown
    if site.profile not in PROFILES:
        raise RegistryError(f"{site.profile!r} is not a profile; use {' or '.join(PROFILES)}")
    if len(site.controller) > CONTROLLER_MAX or not site.controller.isprintable():
        raise RegistryError(
            f"a controller is one line of {CONTROLLER_MAX} characters at most: "
            "a name, and how to contact them"
        )
    _check_days(site)
    _check_lists(site)
    _check_paths(site)
    _check_goals(site.goals)
    return msgspec.structs.replace(
        site,
        hostnames=tuple(map(_as_host, site.hostnames)),
        spam_referrers=tuple(map(_as_host, site.spam_referrers)),
    )


def is_looser(profile: str, than: str) -> bool:
    """Return True if a privacy profile is looser than another."""
    return PROFILES.index(profile) < PROFILES.index(than)


def _check_days(site: Site) -> None:
    for name in ("total_days", "hour_days", "pair_days"):
        if not 1 <= getattr(site, name) <= LONGEST_DAYS:
            raise RegistryError(f"{name} must be a number of days from 1 to {LONGEST_DAYS}")


def _check_lists(site: Site) -> None:
    for name, value in msgspec.structs.asdict(site).items():
        if isinstance(value, tuple) and len(value) > LIST_MAX:
            more = "; use a sitemap for a long list of own paths" if name == "own_paths" else ""
            raise RegistryError(f"{name} may have {LIST_MAX} entries at most{more}")


def _check_paths(site: Site) -> None:
    for path in (*site.own_paths, *site.templates, *site.excluded_paths):
        if not path.startswith("/") or len(path) > PATH_MAX or not path.isprintable():
            raise RegistryError(f"{path!r} is not a path; a path begins with /")
    for template in site.templates:
        if "*" in template.removesuffix("/*"):
            raise RegistryError(f"{template!r}: in a template * must be the whole last segment")
    if not _PARAMETER.fullmatch(site.search_parameter):
        raise RegistryError(
            f"{site.search_parameter!r} is not a query parameter; use one such as q"
        )
    for country in site.excluded_countries:
        if not _COUNTRY.fullmatch(country):
            raise RegistryError(f"{country!r} is not a country code; use two capitals such as DE")


def _check_goals(goals: tuple[Goal, ...]) -> None:
    for goal in goals:
        if not 0 < len(goal.name) <= GOAL_MAX or not goal.name.isprintable():
            raise RegistryError(f"a goal's name must have 1 to {GOAL_MAX} printable characters")
        if bool(goal.event) == bool(goal.path):
            raise RegistryError(f"goal {goal.name} needs either an event or a path")
        if goal.path and not goal.path.startswith("/"):
            raise RegistryError(
                f"goal {goal.name}: {goal.path!r} is not a path; a path begins with /"
            )
    if len({goal.name for goal in goals}) < len(goals):
        raise RegistryError("two goals have the same name")


def _as_host(text: str) -> str:
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if len(name) > DOMAIN_MAX or not _HOST.fullmatch(name):
        raise RegistryError(
            f"{text!r} is not a host name; write it like example.org, without https:// or a path"
        )
    return name
