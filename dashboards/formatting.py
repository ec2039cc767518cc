"""Format numbers, values, dates and site settings for the pages; templates use it as `words`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from collector.cells.thresholds import NEVER, profile_of
from collector.cells.views import DIMENSIONS
from collector.hit import NONE, OTHER
from collector.registry.sites import Goal, Site
from collector.stats.metrics import METRICS
from collector.stats.query import Period

ABSENT = "–"
"""Shown in place of an unknown number."""

FALLING_IS_GOOD = frozenset({"bounce_rate"})
"""Metrics of which lower values are better."""

PANEL_WORDS = {
    "pages": "Pages",
    "sources": "Sources",
    "places": "Places",
    "devices": "Devices",
    "events": "Events",
    "properties": "Properties",
    "goals": "Goals",
    "searches": "Searches",
}

TAB_WORDS = {
    "path": "Top",
    "entry_path": "Entry",
    "exit_path": "Exit",
    "utm_campaign": "Campaign",
    "os": "System",
}

COLUMN_WORDS = {"conversion_rate": "Rate"}
"""Short names of metrics, for column headings."""

UNSET_WORDS = {"referrer": "No referrer", "utm_campaign": "No campaign"}
"""Names of the unset value; for all other dimensions it is Unknown."""

MARK_WORDS = {OTHER: "Other", "(direct)": "Direct", "(unknown)": "Unknown"}


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a number from the period before.

    Attributes:
        text: such as `12%`; empty if there is nothing to compare with.
        direction: `up`, `down` or `same`.
        mood: `good`, `bad` or `neutral`.
        spoken: text for screen readers.
    """

    text: str = ""
    direction: str = "same"
    mood: str = "neutral"
    spoken: str = ""


def number(value: float | None) -> str:
    """Format a count in full, with commas."""
    return ABSENT if value is None else f"{round(value):,}"


def short_number(value: float | None) -> str:
    """Format a count in at most five characters, such as 12.3k."""
    if value is None:
        return ABSENT
    for size, sign in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if round(value) >= size * (10 if sign == "k" else 1):
            scaled = value / size
            digits = f"{scaled:.1f}".removesuffix(".0") if scaled < 100 else f"{scaled:.0f}"
            return digits + sign
    return f"{round(value):,}"


def duration(seconds: float | None) -> str:
    """Format a duration in its two largest units."""
    if seconds is None:
        return ABSENT
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def amount(value: float | None, unit: str, *, short: bool = True) -> str:
    """Format a number in its unit.

    Args:
        value: None if it is unknown.
        unit: `count`, `ratio`, `percent` or `seconds`.
        short: whether to shorten large counts.
    """
    if value is None:
        return ABSENT
    if unit == "seconds":
        return duration(value)
    if unit == "percent":
        return f"{round(value)}%"
    if unit == "ratio":
        return f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return short_number(value) if short else number(value)


def change(metric: str, now: float | None, earlier: float | None) -> Change:
    """Compare a number with the one of the period before.

    Percentages change in points, all else in percent; a change from zero has no percentage.
    """
    if now is None or not earlier:
        return Change()
    points = METRICS[metric].unit == "percent"
    step = round(now - earlier) if points else round(100 * (now - earlier) / earlier)
    if step == 0:
        return Change("0 pts" if points else "0%", "same", "neutral", "no change")
    direction = "up" if step > 0 else "down"
    good = (step > 0) != (metric in FALLING_IS_GOOD)
    size = f"{abs(step):,}" if abs(step) < 1000 else "999+"
    text = f"{size} pts" if points else f"{size}%"
    return Change(text, direction, "good" if good else "bad", f"{direction} by {text}")


def part(value: float | None, whole: float | None) -> str:
    """Format a value's share of the whole in percent; empty if it is unknown."""
    if value is None or not whole:
        return ""
    percent = 100 * value / whole
    return "<1%" if 0 < percent < 0.5 else f"{min(round(percent), 100)}%"


@cache
def countries() -> dict[str, str]:
    """Load the country names, by ISO 3166-1 alpha-2 code."""
    table = files("dashboards").joinpath("countries.toml").read_text(encoding="utf-8")
    return {code: str(name) for code, name in tomllib.loads(table).items()}


def country_name(code: str) -> str:
    """Return a country's name; for an unknown code the code."""
    return countries().get(code, code)


def flag(code: str) -> str:
    """Return a country's flag as two regional indicators; empty for an unknown code."""
    if code not in countries():
        return ""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)


def label(dimension: str, value: str) -> str:
    """Return the display name of a dimension's value."""
    if value in MARK_WORDS:
        return MARK_WORDS[value]
    if value == NONE:
        return UNSET_WORDS.get(dimension, "Unknown")
    if dimension == "country":
        return country_name(value)
    if dimension in ("region", "city"):
        return _within_country(value)
    if dimension == "property" and is_other(value):
        return value.removesuffix(OTHER) + "Other"
    return value


def is_other(value: str) -> bool:
    """Return whether a row stands for folded values."""
    return value == OTHER or value.endswith(tuple(f"{mark}{OTHER}" for mark in "- ="))


def caveat(sentence: str) -> str:
    """Format a caveat with the page's name for folded values."""
    return sentence.replace(f'"{OTHER}"', "“Other”")


def dimension_label(dimension: str) -> str:
    """Return the display name of a dimension."""
    return DIMENSIONS[dimension].label


def column_label(metric: str) -> str:
    """Return a metric's name for a column heading."""
    return COLUMN_WORDS.get(metric, METRICS[metric].label)


def tab_label(dimension: str) -> str:
    """Return a dimension's name for a tab."""
    return TAB_WORDS.get(dimension, dimension_label(dimension))


def folded_words(count: int) -> str:
    """Explain the row of folded values."""
    if count == 1:
        return "1 value with too few visitors to show"
    values = f"{count:,} values" if count else "values"
    return f"{values} with too few visitors to show"


def folding(profile: str) -> str:
    """Explain which values are folded into "Other" under a privacy profile."""
    limits = profile_of(profile)
    cities = f"cities below {limits.city}" if limits.city < NEVER else "all cities"
    return (
        "Values with very few visitors on a day are folded into “Other”. Under this site’s "
        f"{limits.name} privacy profile, known sources, the site’s own pages, countries and "
        "devices are not folded; other pages, referrers and campaigns are folded below "
        f"{limits.open} visitors, and so are {cities}. Totals are never folded. Values are never "
        "folded one at a time, so that none can be recovered by subtraction."
    )


def brief_period(words: str) -> str:
    """Shorten a period's name for narrow screens: 12 months becomes 12mo."""
    count, _, unit = words.partition(" ")
    return f"{count}{'mo' if unit == 'months' else unit[:1]}" if unit else words


def day_words(day: date) -> str:
    """Format a date, such as 5 November 2026."""
    return f"{day.day} {day:%B %Y}"


def period_words(period: Period) -> str:
    """Format a period as briefly as possible."""
    first, last = period.first, period.last
    if first == last:
        return f"{first:%A}, {day_words(first)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_words(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%B} – {day_words(last)}"
    return f"{day_words(first)} – {day_words(last)}"


def bucket_words(bucket: str, start: datetime) -> tuple[str, str]:
    """Return the short name of a bucket, for the axis, and its full name, for titles."""
    if bucket == "hour":
        return f"{start:%H:%M}", f"{start:%a} {start.day} {start:%b, %H:%M}"
    if bucket == "month":
        return f"{start:%b}", f"{start:%B %Y}"
    return f"{start.day} {start:%b}", f"{start:%a} {start.day} {start:%b %Y}"


def site_facts(site: Site) -> list[tuple[str, str]]:
    """Return the labels and values of a site's settings, without empty ones."""
    return [(label, value) for label, value in _declared(site) if value]


def _declared(site: Site) -> Iterator[tuple[str, str]]:
    yield "Time zone", site.zone
    yield "Privacy profile", f"{site.profile}, locked" if site.profile_locked else site.profile
    yield "Controller", site.controller
    yield "Retention", _retention(site)
    yield "Additional hostnames", ", ".join(site.hostnames)
    yield "Own pages", ", ".join(site.own_paths)
    yield "Path templates", ", ".join(site.templates)
    yield "Path rules", ", ".join(_path_rules(site))
    yield "Search parameter", site.search_parameter and f"?{site.search_parameter}="
    yield "Goals", ", ".join(map(_goal, site.goals))
    yield "Excluded", ", ".join((*site.excluded_paths, *site.excluded_countries))
    yield "Spam referrers", ", ".join(site.spam_referrers)


def _retention(site: Site) -> str:
    return (
        f"{site.total_days} days; hourly numbers {site.hour_days} days, "
        f"pairs of dimensions {site.pair_days} days"
    )


def _path_rules(site: Site) -> Iterator[str]:
    if site.keep_trailing_slash:
        yield "trailing slashes kept"
    if site.keep_index:
        yield "index pages counted separately"
    if site.public_users:
        yield "user names kept"
    if site.hash_routing:
        yield "hash routing"


def _goal(goal: Goal) -> str:
    return f"{goal.name} ({goal.path or goal.event})"


def _within_country(value: str) -> str:
    code, dash, part = value.partition("-")
    if not dash:
        return country_name(code)
    inner = "Other" if part == OTHER else part
    return f"{inner}, {country_name(code)}"
