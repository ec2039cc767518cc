"""Choose the language that a visitor is answered in, and give its words, dates and numbers.

Knows the languages that `texts/` holds. Refuses to translate: every wording
is written by hand, and a word that one language lacks is missing for all, for
the tests say so. Called by everything that visitors look at.
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
"""What each language calls itself; the first is spoken when none fits."""

RIGHT_TO_LEFT: Final = frozenset({"ar"})
MAX_CHOICES: Final = 20


def direction_of(language: str) -> str:
    """Tell in which direction a language is written: `ltr` or `rtl`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def language_for(asked: str, accepted: str = "") -> str:
    """Choose the language of an answer.

    Args:
        asked: the tag that was asked for by name; counts if we speak it.
        accepted: the header Accept-Language, or empty.

    Returns:
        a key of `LANGUAGES`.

    Source: RFC 9110, section 12.5.4; regions are left out.
    """
    if _base(asked) in LANGUAGES:
        return _base(asked)
    best, weight = next(iter(LANGUAGES)), 0.0
    for choice in accepted.split(",")[:MAX_CHOICES]:
        tag, _, parameter = choice.partition(";")
        if _base(tag) in LANGUAGES and _quality(parameter) > weight:
            best, weight = _base(tag), _quality(parameter)
    return best


@cache
def words_of(language: str) -> Words:
    """Give all words of a language, by group and name."""
    text = files("collector.visitors").joinpath("texts", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def date_in(language: str, day: date) -> str:
    """Write a date as people of a language do."""
    t = words_of(language)["dates"]
    return str(t["date"].format(day=day.day, month=t["months"][day.month - 1], year=day.year))


def number_in(language: str, number: int) -> str:
    """Write a whole number, its thousands apart from five digits on."""
    mark: str = words_of(language)["dates"]["thousands"] if abs(number) >= 10_000 else ""
    return f"{number:,}".replace(",", mark)


def counted_in(language: str, name: str, number: int) -> str:
    """Write a number of things: `1 day`, `2 days`.

    Args:
        name: a key of the group `plurals`.
        number: at least 1.
    """
    forms: list[str] = words_of(language)["plurals"][name]
    return forms[plural_of(language, number)].format(n=number_in(language, number))


def plural_of(language: str, number: int) -> int:
    """Choose the form of a plural, counted from the first.

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
