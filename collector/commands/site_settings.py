"""Give `site add` and `site set` the options for what an owner declares of a site."""

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
    return click.option(name, field, multiple=True, help=f"{words}; repeat for more.")


def _switch(field: str, names: str, words: str) -> Callable[[Command], Command]:
    return click.option(names, field, default=None, help=words)


def _days(field: str, words: str) -> Callable[[Command], Command]:
    name = f"--{field.replace('_', '-')}"
    return click.option(name, field, type=click.IntRange(1, LONGEST_DAYS), help=words)


_OPTIONS = (
    click.option("--zone", help="IANA time zone, such as Europe/Berlin; decides its days."),
    _switch("public", "--public/--private", "Whether anybody may see its numbers."),
    click.option("--profile", type=click.Choice(PROFILES), help="Privacy profile."),
    _switch(
        "profile_locked", "--lock-profile/--unlock-profile", "Whether a looser profile is refused."
    ),
    _list("hostnames", "A further host name its hits may come from"),
    click.option(
        "--controller",
        help="Who answers for what is counted, for the privacy notice: a name, how to reach them.",
    ),
    _days("total_days", "How many days anything is kept; 760 are 25 months."),
    _days("hour_days", "How many days hours of pages, sources and the like are kept."),
    _days("pair_days", "How many days pairs, such as pages by country, are kept."),
    _list("own_paths", "A path that is never folded, however few see it; * is anything"),
    click.option(
        "--sitemap",
        type=click.File("rb"),
        help="A sitemap (XML) whose pages are all own paths; replaces those of the last one.",
    ),
    _list("templates", "A path with :name for a segment or a last *, that paths which fit become"),
    click.option("--search-parameter", help="The query key of the site's search, such as q."),
    _switch(
        "keep_trailing_slash",
        "--keep-trailing-slash/--merge-trailing-slash",
        "Whether /a/ and /a are two pages.",
    ),
    _switch(
        "keep_index", "--keep-index/--merge-index", "Whether /a/index.html and /a are two pages."
    ),
    _switch(
        "public_users", "--public-users/--scrub-users", "Whether names after /users/ are kept."
    ),
    _switch("hash_routing", "--hash-routing/--no-hash-routing", "Whether #… is part of the path."),
    _list("excluded_paths", "A path that is not counted; * is anything"),
    _list("excluded_countries", "A country that is not counted, such as DE"),
    _list("spam_referrers", "A host whose visits are forged and not counted; its subdomains too"),
    _list("goals", "NAME=EVENT or NAME=/PATH, what visitors should do; * in paths is anything"),
    _switch(
        "debug", "--debug/--no-debug", "Whether a sender with a token is told what became of a hit."
    ),
)


def site_options(command: Command) -> Command:
    """Give a command every option of a site."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def named(given: dict[str, Any], cleared: tuple[str, ...] = ()) -> dict[str, Any]:
    """Keep what was named on the command line, as fields of `Site`.

    Args:
        cleared: options of lists that are to be empty.

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
    """Read the paths of a site's own pages from its sitemap, as they will be counted.

    Raises:
        RegistryError: if it is no sitemap of the site.
    """
    rules = rules_of([site])[site.id].page
    pages = [
        parse_page(address, rules=rules) for address in locations(sitemap.read(SITEMAP_BYTES + 1))
    ]
    paths = sorted({page.path for page in pages if site.allows(page.hostname)})
    if not paths:
        raise RegistryError(f"no address in the sitemap is on {site.domain}")
    if len(paths) > SITEMAP_PATHS:
        raise RegistryError(f"own paths are {SITEMAP_PATHS} at most; declare patterns instead")
    return paths


def _goal(text: str) -> Goal:
    name, equals, what = text.partition("=")
    if not equals:
        raise RegistryError(f"{text!r} is no goal; write it as NAME=EVENT or NAME=/PATH")
    return Goal(name, path=what) if what.startswith("/") else Goal(name, event=what)
