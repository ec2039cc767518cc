"""Put what an owner declared of a site into words, for the page of settings.

Pure. Says only what differs from nothing; how to change it is the commands' business.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.registry.sites import Goal, Site


def facts(site: Site) -> list[tuple[str, str]]:
    """List what is declared of a site: a label and its value, the empty ones left out."""
    return [(label, value) for label, value in _facts(site) if value]


def _facts(site: Site) -> Iterator[tuple[str, str]]:
    yield "Time zone", site.zone
    yield "Privacy profile", f"{site.profile}, locked" if site.profile_locked else site.profile
    yield "Controller", site.controller
    yield "Kept for", _kept(site)
    yield "Further host names", ", ".join(site.hostnames)
    yield "Own pages", ", ".join(site.own_paths)
    yield "Page templates", ", ".join(site.templates)
    yield "Paths", ", ".join(_path_rules(site))
    yield "Site search", site.search_parameter and f"?{site.search_parameter}="
    yield "Goals", ", ".join(map(_goal, site.goals))
    yield "Not counted", ", ".join((*site.excluded_paths, *site.excluded_countries))
    yield "Referrers not counted", ", ".join(site.spam_referrers)


def _kept(site: Site) -> str:
    return (
        f"{site.total_days} days; hours for {site.hour_days} days, "
        f"pairs of dimensions for {site.pair_days} days"
    )


def _path_rules(site: Site) -> Iterator[str]:
    if site.keep_trailing_slash:
        yield "a trailing slash is kept"
    if site.keep_index:
        yield "index pages are kept apart"
    if site.public_users:
        yield "names of users are kept"
    if site.hash_routing:
        yield "what follows # counts"


def _goal(goal: Goal) -> str:
    return f"{goal.name} ({goal.path or goal.event})"
