"""Prepare what a site's owner decided about its hits: pages, exclusions, goals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from collector.hit import Kind
from collector.ingest.enrich.page import PLAIN_RULES, PageRules
from collector.registry.sites import Goal, Site


class SiteRules(msgspec.Struct, frozen=True, kw_only=True):
    """An owner's decisions about a site's hits.

    Attributes:
        page: how paths are read.
        excluded_paths: patterns of paths that are not counted; `*` stands for
            anything, also for nothing.
        excluded_countries: ISO 3166-1 codes of countries that are not counted.
        spam_referrers: hosts whose visits are not counted, their subdomains included;
            without `www.`.
        goals: assigned at receipt, so counted from their declaration on.
    """

    page: PageRules = PLAIN_RULES
    excluded_paths: tuple[str, ...] = ()
    excluded_countries: frozenset[str] = frozenset()
    spam_referrers: frozenset[str] = frozenset()
    goals: tuple[Goal, ...] = ()


NO_RULES: Final = SiteRules()


def rules_of(sites: Iterable[Site]) -> dict[int, SiteRules]:
    """Prepare the rules of each site, by the site's number."""
    return {site.id: _rules_of(site) for site in sites}


def matches_any(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a path matches one of the patterns."""
    return bool(patterns) and _pattern(patterns).fullmatch(path) is not None


def goals_of(goals: Iterable[Goal], kind: Kind, path: str, event: str) -> tuple[str, ...]:
    """Return the names of the goals that a hit reaches."""
    if kind is Kind.EVENT:
        return tuple(goal.name for goal in goals if goal.event and goal.event == event)
    if kind is Kind.PAGEVIEW:
        return tuple(goal.name for goal in goals if goal.path and matches_any(path, (goal.path,)))
    return ()


def _rules_of(site: Site) -> SiteRules:
    return SiteRules(
        page=PageRules(**{name: getattr(site, name) for name in PageRules.__struct_fields__}),
        excluded_paths=site.excluded_paths,
        excluded_countries=frozenset(site.excluded_countries),
        spam_referrers=frozenset(host.removeprefix("www.") for host in site.spam_referrers),
        goals=site.goals,
    )


@lru_cache(maxsize=512)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_source(pattern) for pattern in patterns))


def _source(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))
