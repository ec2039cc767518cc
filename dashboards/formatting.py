"""Put numbers, values and reservations into words for people.

Pure: knows English and the vocabulary, refuses to compute a metric. Called by
`pages` and, as filters, by the templates.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from collector.cells.thresholds import NEVER, profile_of
from collector.cells.views import DIMENSIONS
from collector.hit import NONE, OTHER
from collector.stats.metrics import METRICS
from collector.stats.query import Period

ABSENT = "–"
"""What stands where a number cannot be said."""


FALLING_IS_GOOD = frozenset({"bounce_rate"})
"""Metrics of which less is better."""

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
"""Names of metrics that are too long for the head of a column."""

UNSET_WORDS = {"referrer": "No referrer", "utm_campaign": "No campaign"}
"""What is said of a value that is not set; of every other dimension: Unknown."""

MARK_WORDS = {OTHER: "Other", "(direct)": "Direct", "(unknown)": "Unknown"}


@dataclass(frozen=True, slots=True)
class Change:
    """How a number compares with the one before.

    Attributes:
        text: such as `12%`; empty when there is nothing to compare with.
        direction: `up`, `down` or `same`.
        mood: `good`, `bad` or `neutral`.
        spoken: the whole of it for a screen reader.
    """

    text: str = ""
    direction: str = "same"
    mood: str = "neutral"
    spoken: str = ""


def number(value: float | None) -> str:
    """Write a count in full, with commas."""
    return ABSENT if value is None else f"{round(value):,}"


def short_number(value: float | None) -> str:
    """Write a count in at most five characters, as in 12.3k."""
    if value is None:
        return ABSENT
    for size, sign in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if round(value) >= size * (10 if sign == "k" else 1):
            scaled = value / size
            digits = f"{scaled:.1f}".removesuffix(".0") if scaled < 100 else f"{scaled:.0f}"
            return digits + sign
    return f"{round(value):,}"


def duration(seconds: float | None) -> str:
    """Write a length of time in its two largest units."""
    if seconds is None:
        return ABSENT
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def amount(value: float | None, unit: str, *, short: bool = True) -> str:
    """Write a number in its unit.

    Args:
        value: None if it cannot be said.
        unit: `count`, `ratio`, `percent` or `seconds`.
        short: whether large counts are shortened.
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
    """Compare a number with that of the period before.

    Shares differ in points, everything else in percent; from nothing, no percentage is said.
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
    """Write a value's part of the whole in percent; empty if it cannot be said."""
    if value is None or not whole:
        return ""
    percent = 100 * value / whole
    return "<1%" if 0 < percent < 0.5 else f"{min(round(percent), 100)}%"


@cache
def countries() -> dict[str, str]:
    """Read the table of country names, by ISO 3166-1 alpha-2 code."""
    table = files("dashboards").joinpath("countries.toml").read_text(encoding="utf-8")
    return {code: str(name) for code, name in tomllib.loads(table).items()}


def country_name(code: str) -> str:
    """Name a country; an unknown code is shown as it is."""
    return countries().get(code, code)


def flag(code: str) -> str:
    """Give a country's flag as two regional indicators; empty for what is no country."""
    if code not in countries():
        return ""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)


def label(dimension: str, value: str) -> str:
    """Name a value of a dimension for people."""
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
    """Tell whether a row stands for folded values."""
    return value == OTHER or value.endswith(tuple(f"{mark}{OTHER}" for mark in "- ="))


def reservation(sentence: str) -> str:
    """Word what qualifies a number as the page words it."""
    return sentence.replace(f'"{OTHER}"', "“Other”")


def dimension_label(dimension: str) -> str:
    """Name a dimension for people."""
    return DIMENSIONS[dimension].label


def column_label(metric: str) -> str:
    """Name a metric as briefly as a column needs it."""
    return COLUMN_WORDS.get(metric, METRICS[metric].label)


def tab_label(dimension: str) -> str:
    """Name a dimension as briefly as a tab needs it."""
    return TAB_WORDS.get(dimension, dimension_label(dimension))


def folded_words(count: int) -> str:
    """Explain the row that holds what was folded."""
    if count == 1:
        return "1 value too rare to be told"
    return f"{count:,} values too rare to be told" if count else "values too rare to be told"


def folding(profile: str) -> str:
    """Say which values are folded into "Other", and what never is.

    Args:
        profile: the site's privacy profile.
    """
    kept = profile_of(profile)
    cities = f"cities below {kept.city}" if kept.city < NEVER else "all cities"
    return (
        "Values that very few visitors share on a day are folded into “Other”. This site’s "
        f"{kept.name} thresholds keep known sources, your own pages, countries and devices, and "
        f"fold other pages, referrers and campaigns below {kept.open} visitors, and {cities}. "
        "Totals are never folded. No value is folded alone, so that none is found by subtraction."
    )


def brief_period(words: str) -> str:
    """Shorten a period's name for a narrow screen: 12 months becomes 12mo."""
    count, _, unit = words.partition(" ")
    return f"{count}{'mo' if unit == 'months' else unit[:1]}" if unit else words


def day_words(day: date) -> str:
    """Write a date, as in 5 November 2026."""
    return f"{day.day} {day:%B %Y}"


def period_words(period: Period) -> str:
    """Write a period as briefly as it can be said without doubt."""
    first, last = period.first, period.last
    if first == last:
        return f"{first:%A}, {day_words(first)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_words(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%B} – {day_words(last)}"
    return f"{day_words(first)} – {day_words(last)}"


def bucket_words(bucket: str, start: datetime) -> tuple[str, str]:
    """Name a bucket of time: briefly for the axis, in full for its title."""
    if bucket == "hour":
        return f"{start:%H:%M}", f"{start:%a} {start.day} {start:%b, %H:%M}"
    if bucket == "month":
        return f"{start:%b}", f"{start:%B %Y}"
    return f"{start.day} {start:%b}", f"{start:%a} {start.day} {start:%b %Y}"


def _within_country(value: str) -> str:
    code, dash, part = value.partition("-")
    if not dash:
        return country_name(code)
    inner = "Other" if part == OTHER else part
    return f"{inner}, {country_name(code)}"
