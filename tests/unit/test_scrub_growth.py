"""Scrubbing takes time in proportion to what is sent, whatever is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from time import process_time
from timeit import Timer

import pytest

from collector.privacy import personal_data
from collector.privacy.personal_data import is_personal

# For each pattern what nearly fits it, over and over: where it fails last, or fits most often.
WORST: dict[str, tuple[str, ...]] = {
    "_ASSIGNED": ("keykeykey", "token", "code_", "a="),
    "_CHANGE": ("aB3", "ABa", "A"),
    "_DATE": ("20240", "2024-01-", "20"),
    "_DIGITS": ("1 ", "+(", "1() ", "1"),
    "_EMAIL": ("a", "a@", "a(at)", "a @ 1", "a@a", "a "),
    "_EMAIL_NUMERIC_HOST": ("a", "a@1", "a@1.", "1(at)"),
    "_HANDLE": ("~a", "@", "a"),
    "_HEX": ("1", "a1", "deadbeef", "1a-", "0" * 40 + "a"),
    "_IBAN": ("DE12", "DE12 ", "DE12A-", "DE12AAAABBBB-"),
    "_IP4": ("1.1.1.", "255.", "ip-1-", "1.1.1.1.1"),
    "_IP6": (":", "::", "1:", "a:b:c:d:e:f:", "0a0b:", "::g"),
    "_JWT": ("eyJ", "eyJ-eyJ", " eyJaaaaaa", "eyJaaaaa.a ", "eyJ."),
    "_MAC": ("00:", "0a-", "00:00:00:00:00:0"),
    "_NINO": ("aa11", "aa 11 11 11 ", "a"),
    "_NUMBER": ("1", "1234 "),
    "_RUN": ("a", "aA1_-~+/=", "a" * 15 + " "),
    "_SSN": ("1", "111-11-", "111-11-111 "),
    "_STILL_ENCODED": ("%", "%4", "%%4g"),
    "_UNBROKEN": ("a", "a1", "a" * 19 + " "),
    "_UUID": ("de305d54-75b4-", "0", "00000000-"),
    "_VENDOR_KEY": ("AKIA", "ghp_", "sk_live_", "xoxb-", "SG.", "-----BEGIN", "AIza-"),
    "_WORD": ("a", "_a"),
}
LENGTH = 250
MUCH_MORE = 16
MOST_GROWTH = 64.0
"""Times as long for sixteen times the text: 16 is linear, 256 quadratic; noise doubles."""


def growth_of(call: Callable[[str], object], unit: str) -> float:
    """Tell how many times as long `MUCH_MORE` of a text takes; the least of some tries."""
    few, many = (
        Timer(partial(call, (unit * length)[:length]), timer=process_time)
        for length in (LENGTH, MUCH_MORE * LENGTH)
    )
    growth = 0.0
    for _ in range(4):
        growth = min(many.repeat(5, 3)) / max(min(few.repeat(5, 3)), 3e-6)
        if growth < MOST_GROWTH:
            break
    return growth


@pytest.mark.parametrize(
    ("pattern", "unit"), [(name, unit) for name, units in WORST.items() for unit in units]
)
def test_a_pattern_grows_with_its_text(pattern: str, unit: str) -> None:
    """No pattern goes back over what it has read, even where the text nearly fits it."""
    found: re.Pattern[str] = getattr(personal_data, pattern)

    assert growth_of(found.findall, unit) < MOST_GROWTH


@pytest.mark.parametrize("unit", sorted({unit for units in WORST.values() for unit in units}))
def test_all_detectors_together_grow_with_the_text(unit: str) -> None:
    """What is done with what patterns find, sums of digits and pairs of letters, is linear too."""
    assert growth_of(is_personal, unit) < MOST_GROWTH


def test_every_pattern_has_its_worst_texts() -> None:
    """A new pattern cannot be added without the texts that are hardest for it."""
    patterns = {name for name, value in vars(personal_data).items() if type(value) is re.Pattern}

    assert patterns == set(WORST)


def test_a_pattern_that_goes_back_is_noticed() -> None:
    """The measure tells linear from quadratic."""
    assert growth_of(re.compile(r"[a-z]+@").findall, "a") > MOST_GROWTH
