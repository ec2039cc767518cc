"""Choose the language of visitor pages, and provide its texts, dates, numbers and plurals.

The texts are in `texts/*.toml`, with the same keys in every language (tests compare them).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

Words = Mapping[str, Any]

LANGUAGES: Final = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
}
"""Names of the languages in themselves; the first is the default."""

RIGHT_TO_LEFT: Final = frozenset({"ar"})
MAX_CHOICES: Final = 20


def direction_of(language: str) -> str:
    """Return the direction of a language: `ltr` or `rtl`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def language_for(requested: str, accepted: str = "") -> str:
    """Choose the language of an answer.

    Args:
        requested: the tag named in the URL; wins if it is supported.
        accepted: the header Accept-Language, or empty.

    Returns:
        a key of `LANGUAGES`.

    Source: RFC 9110, section 12.5.4; regions are left out.
    """
    if _base(requested) in LANGUAGES:
        return _base(requested)
    best, weight = next(iter(LANGUAGES)), 0.0
    for choice in accepted.split(",")[:MAX_CHOICES]:
        tag, _, parameter = choice.partition(";")
        if _base(tag) in LANGUAGES and _quality(parameter) > weight:
            best, weight = _base(tag), _quality(parameter)
    return best


@cache
def words_of(language: str) -> Words:
    """Return all texts of a language, by group and name."""
    text = files("collector.visitors").joinpath("texts", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def date_in(language: str, day: date) -> str:
    """Format a date."""
    t = words_of(language)["dates"]
    return str(t["date"].format(day=day.day, month=t["months"][day.month - 1], year=day.year))


def number_in(language: str, number: int) -> str:
    """Format a whole number; thousands are separated from five digits on."""
    mark: str = words_of(language)["dates"]["thousands"] if abs(number) >= 10_000 else ""
    return f"{number:,}".replace(",", mark)


def counted_in(language: str, name: str, number: int) -> str:
    """Format a count with its noun: `1 day`, `2 days`.

    Args:
        name: a key of the group `plurals`.
        number: at least 1.
    """
    forms: list[str] = words_of(language)["plurals"][name]
    return forms[plural_of(language, number)].format(n=number_in(language, number))


def plural_of(language: str, number: int) -> int:
    """Return the index of the plural form for a number.

    Arabic has one, two, few, many and other; the other languages one and other.

    Source: Unicode CLDR, language plural rules; whole numbers from 1 to 999,999.
    """
    if language != "ar":
        return int(number != 1)
    if number < 3:
        return number - 1
    rest = number % 100
    return 4 if rest < 3 else 2 if rest < 11 else 3


def _base(tag: str) -> str:
    return tag.strip().partition("-")[0].lower()


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if name.strip() == "q" and 0 <= quality <= 1 else 0.0
