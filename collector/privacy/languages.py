"""Choose the language that a visitor is answered in, and give its words.

Knows the languages that `texts/` holds. Refuses to translate: every wording
is written by hand, and a word that one language lacks is missing for all, for
the tests say so. Called by everything that visitors look at.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
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
    text = files("collector.privacy").joinpath("texts", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


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
