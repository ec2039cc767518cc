"""Visitors are answered in their language, and every language says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from collector.cells.views import DIMENSIONS
from collector.visitors.translations import (
    LANGUAGES,
    counted_in,
    date_in,
    direction_of,
    language_for,
    words_of,
)

OTHERS = [language for language in LANGUAGES if language != "en"]
OF_ITS_OWN = {"fields", "plurals"}
# What a language's typography forbids: a straight quote, a hyphen for a dash, and its own.
UNTIDY = {
    "en": r"['\"]| - ",
    "de": r"['\"”]| - ",
    "fr": r"['\"“„]| - |(?<![\u00a0\u202f])[;?!:»](?=[ \u202f]|$)|«(?!\u00a0)",
    "es": r"['\"“„]| - | [;?!:]|^[^¿]*\?|^[^¡]*!",
    "ar": r"['\"“„]| - |[?;]|(?<!\d),(?!\d)|[٠-٩]",
}


def wordings(words: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, list[str]]]:
    """Go through all wordings of a language: their place, and the blanks in them."""
    for name, value in words.items():
        if isinstance(value, Mapping):
            yield from wordings(value, f"{above}{name}.")
        else:
            for number, text in enumerate(value if isinstance(value, list) else [value]):
                yield f"{above}{name}.{number}", sorted(re.findall(r"\{\w+\}", text))


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        ("", "", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "sv, ar;q=0.4, fr;q=0.7", "fr"),
        ("", "en;q=0.3, es", "es"),
        ("", "fr;q=0, nl", "en"),
        ("", "fr;q=many, de;q=0.1", "de"),
        ("", "fr;v=1, de;q=2", "en"),
        ("ar", "de", "ar"),
        ("DE-ch", "fr", "de"),
        ("tlh", "fr", "fr"),
        ("../../etc", "", "en"),
        ("", ",".join(["xx"] * 500 + ["de"]), "en"),
    ],
)
def test_a_visitor_is_answered_in_their_language(asked: str, accepted: str, expected: str) -> None:
    """What was asked for by name counts, then what the browser prefers, then English."""
    assert expected == language_for(asked, accepted)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_says_the_same(language: str) -> None:
    """No wording is missing in a language, and each has the same blanks to fill in."""
    english = dict(wordings(words_of("en")))

    other = dict(wordings(words_of(language)))

    assert shared(english) == shared(other)


def shared(found: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the groups that each language has of its own."""
    return {place: it for place, it in found.items() if place.partition(".")[0] not in OF_ITS_OWN}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_set_as_its_readers_expect(language: str) -> None:
    """Quotes, spaces and punctuation are those of the language: no line begins with a colon."""
    words = {name: group for name, group in words_of(language).items() if name != "dates"}

    untidy = [text for text in texts(words) if re.search(UNTIDY[language], text)]

    assert untidy == []


def texts(words: Any) -> Iterator[str]:
    """Yield all texts of a language."""
    if isinstance(words, str):
        yield words
    else:
        for value in words.values() if isinstance(words, Mapping) else words:
            yield from texts(value)


@pytest.mark.parametrize(
    ("language", "number", "expected"),
    [
        ("en", 1, "1 day"),
        ("en", 36_500, "36,500 days"),
        ("de", 1, "1 Tag"),
        ("fr", 36_500, "36\u202f500 jours"),
        ("es", 36_500, "36\u00a0500 días"),
        ("es", 1, "1 día"),
        ("ar", 1, "يوم واحد"),
        ("ar", 2, "يومان"),
        ("ar", 7, "7 أيام"),
        ("ar", 35, "35 يومًا"),
        ("ar", 400, "400 يوم"),
        ("ar", 402, "402 يوم"),
        ("ar", 705, "705 أيام"),
        ("ar", 760, "760 يومًا"),
    ],
)
def test_numbers_take_their_plural(language: str, number: int, expected: str) -> None:
    """One day, two days: each language by its own rules, with its own mark of thousands."""
    assert expected == counted_in(language, "day", number)


def test_dates_are_written_as_people_do() -> None:
    """A day, a month by its name, a year."""
    dates = [date_in(language, date(2026, 3, 8)) for language in LANGUAGES]

    assert dates == [
        "8 March 2026",
        "8. März 2026",
        "8 mars 2026",
        "8 de marzo de 2026",
        "8 مارس 2026",
    ]


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_names_every_dimension(language: str) -> None:
    """What is kept is named in all languages, dimension by dimension, and nothing else is."""
    fields = words_of(language)["fields"]

    assert list(DIMENSIONS) == list(fields)
    assert all(label and what for label, what in fields.values())


def test_only_arabic_is_written_from_the_right() -> None:
    """Pages turn round for languages that are written so."""
    directions = {language: direction_of(language) for language in LANGUAGES}

    assert {"en": "ltr", "de": "ltr", "fr": "ltr", "es": "ltr", "ar": "rtl"} == directions
