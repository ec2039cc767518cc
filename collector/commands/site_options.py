"""The options of `site add` and `site set`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import click

from collector.errors import RegistryError
from collector.ingest.enrich.page import parse_page
from collector.ingest.site_rules import rules_of
from collector.registry.sitemap import SITEMAP_BYTES, locations
from collector.registry.sites import LONGEST_DAYS, PROFILES, Goal, Site

SITEMAP_PATHS = 20_000
LISTS = {
    "hostnames": "hostname",
    "own_paths": "own-path",
    "templates": "template",
    "excluded_paths": "exclude-path",
    "excluded_countries": "exclude-country",
    "spam_referrers": "spam-referrer",
    "goals": "goal",
}
"""The fields of `Site` that are lists, and the option that names an entry of each."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _list(field: str, words: str) -> Callable[[Command], Command]:
    name = f"--{LISTS[field]}"
    return click.option(name, field, multiple=True, help=f"{words}. Repeatable.")


def _switch(field: str, names: str, words: str) -> Callable[[Command], Command]:
    return click.option(names, field, default=None, help=words)


def _days(field: str, words: str) -> Callable[[Command], Command]:
    name = f"--{field.replace('_', '-')}"
    return click.option(name, field, type=click.IntRange(1, LONGEST_DAYS), help=words)


_OPTIONS = (
    click.option("--zone", help="IANA time zone, such as Europe/Berlin; sets when days begin."),
    _switch("public", "--public/--private", "Whether the dashboard needs no login."),
    click.option("--profile", type=click.Choice(PROFILES), help="Privacy profile."),
    _switch("profile_locked", "--lock-profile/--unlock-profile", "Refuse a looser profile."),
    _list("hostnames", "Another host name that hits may come from"),
    click.option(
        "--controller",
        help="Controller named in the privacy notice: a name, and how to contact them.",
    ),
    _days("total_days", "Days to keep any data; 760 are 25 months."),
    _days("hour_days", "Days to keep hourly data of pages, sources and other dimensions."),
    _days("pair_days", "Days to keep pairs of dimensions, such as pages by country."),
    _list("own_paths", "Path that is never folded; * matches anything"),
    click.option(
        "--sitemap",
        type=click.File("rb"),
        help="Sitemap (XML) whose pages become own paths; replaces those of an earlier sitemap.",
    ),
    _list("templates", "Group matching paths, e.g. /users/:id or /blog/*"),
    click.option("--search-parameter", help="Query parameter of the site's search, such as q."),
    _switch(
        "keep_trailing_slash",
        "--keep-trailing-slash/--merge-trailing-slash",
        "Whether /a/ and /a differ.",
    ),
    _switch(
        "keep_index",
        "--keep-index/--merge-index",
        "Whether /a/index.html and /a differ.",
    ),
    _switch(
        "public_users", "--public-users/--scrub-users", "Whether names after /users/ are stored."
    ),
    _switch(
        "hash_routing",
        "--hash-routing/--no-hash-routing",
        "Whether #… is part of the path.",
    ),
    _list("excluded_paths", "Path that is not counted; * matches anything"),
    _list("excluded_countries", "Country that is not counted, such as DE"),
    _list(
        "spam_referrers", "Spam referrer: visits from this host and its subdomains are not counted"
    ),
    _list("goals", "Goal, as NAME=EVENT or NAME=/PATH; * in a path matches anything"),
    _switch(
        "debug",
        "--debug/--no-debug",
        "Whether senders with a token see the outcome of a hit.",
    ),
)


def site_options(command: Command) -> Command:
    """Add every option of a site to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def named(given: dict[str, Any], cleared: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what was given on the command line, as fields of `Site`.

    Args:
        cleared: options of lists to empty.

    Raises:
        RegistryError: if a goal is malformed.
    """
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    if "goals" in fields:
        fields["goals"] = tuple(_goal(text) for text in fields["goals"])
    for field, option in LISTS.items():
        if option in cleared:
            fields.setdefault(field, ())
    return fields


def paths_of(sitemap: BinaryIO, site: Site) -> list[str]:
    """Read the paths of a site's pages from its sitemap, as they will be counted.

    Raises:
        RegistryError: if it is not a sitemap of the site.
    """
    rules = rules_of([site])[site.id].page
    pages = [
        parse_page(address, rules=rules) for address in locations(sitemap.read(SITEMAP_BYTES + 1))
    ]
    paths = sorted({page.path for page in pages if site.allows(page.hostname)})
    if not paths:
        raise RegistryError(f"no address in the sitemap is on {site.domain}")
    if len(paths) > SITEMAP_PATHS:
        raise RegistryError(f"a sitemap may list {SITEMAP_PATHS} own paths; use patterns instead")
    return paths


def _goal(text: str) -> Goal:
    name, equals, what = text.partition("=")
    if not equals:
        raise RegistryError(f"{text!r} is not a goal; write it as NAME=EVENT or NAME=/PATH")
    return Goal(name, path=what) if what.startswith("/") else Goal(name, event=what)
