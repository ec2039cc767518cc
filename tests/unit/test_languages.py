"""Visitors are answered in their language, and every language says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from collector.cells.views import DIMENSIONS
from collector.privacy.languages import LANGUAGES, direction_of, language_for, words_of

OTHERS = [language for language in LANGUAGES if language != "en"]


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

    other = dict(wordings({k: v for k, v in words_of(language).items() if k != "fields"}))

    assert english == other


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
