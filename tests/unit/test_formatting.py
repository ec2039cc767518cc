"""Numbers, values, dates, caveats and settings are formatted for people."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cells.views import DIMENSIONS
from collector.registry.sites import Goal
from collector.stats.query import Period
from dashboards import formatting
from dashboards.url_params import PANELS, PERIODS
from tests.builders import a_site


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (99_950, "100k"),
        (123_456, "123k"),
        (1_000_000, "1M"),
        (2_340_000, "2.3M"),
        (7_100_000_000, "7.1B"),
    ],
)
def test_large_counts_are_shortened(value: float | None, expected: str) -> None:
    """A count takes little room and keeps three digits."""
    assert expected == formatting.short_number(value)


@given(st.integers(0, 10**12))
def test_a_short_count_is_short(value: int) -> None:
    """No count is longer than six characters."""
    assert len(formatting.short_number(value)) <= 6


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "–"), (0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (134, "2m 14s"), (3725, "1h 02m")],
)
def test_durations_use_two_units(seconds: float | None, expected: str) -> None:
    """A duration has its two largest units."""
    assert expected == formatting.duration(seconds)


@pytest.mark.parametrize(
    ("value", "unit", "short", "expected"),
    [
        (None, "percent", True, "–"),
        (41.6, "percent", True, "42%"),
        (2.345, "ratio", True, "2.3"),
        (250.4, "ratio", True, "250"),
        (75, "seconds", True, "1m 15s"),
        (12_345, "count", True, "12.3k"),
        (12_345, "count", False, "12,345"),
    ],
)
def test_amounts_carry_their_unit(
    value: float | None, unit: str, *, short: bool, expected: str
) -> None:
    """Every unit has its own way of being written."""
    assert expected == formatting.amount(value, unit, short=short)


@pytest.mark.parametrize(
    ("metric", "now", "earlier", "text", "direction", "mood"),
    [
        ("visitors", 110, 100, "10%", "up", "good"),
        ("visitors", 90, 100, "10%", "down", "bad"),
        ("visitors", 100, 100, "0%", "same", "neutral"),
        ("visitors", 100, 0, "", "same", "neutral"),
        ("visitors", 100, None, "", "same", "neutral"),
        ("visitors", None, 100, "", "same", "neutral"),
        ("visitors", 100_000, 1, "999+%", "up", "good"),
        ("bounce_rate", 45, 40, "5 pts", "up", "bad"),
        ("bounce_rate", 38, 40, "2 pts", "down", "good"),
    ],
)
def test_changes_say_which_way_and_whether_that_is_good(
    metric: str, now: float | None, earlier: float | None, text: str, direction: str, mood: str
) -> None:
    """More visitors is good, more bounces is not; shares differ in points."""
    change = formatting.change(metric, now, earlier)

    assert (text, direction, mood) == (change.text, change.direction, change.mood)


def test_a_change_can_be_heard() -> None:
    """The arrow is spoken too."""
    assert formatting.change("visitors", 90, 100).spoken == "down by 10%"


@pytest.mark.parametrize(
    ("value", "whole", "expected"),
    [(None, 10, ""), (1, 0, ""), (1, None, ""), (1, 1000, "<1%"), (0, 10, "0%"), (12, 10, "100%")],
)
def test_shares_are_percentages(value: float | None, whole: float | None, expected: str) -> None:
    """A share above zero is never shown as zero, and none exceeds 100%."""
    assert expected == formatting.part(value, whole)


@pytest.mark.parametrize(
    ("dimension", "value", "expected"),
    [
        ("country", "DE", "Germany"),
        ("country", "ZZ", "ZZ"),
        ("country", "(none)", "Unknown"),
        ("country", "(other)", "Other"),
        ("region", "DE-BE", "BE, Germany"),
        ("city", "DE-(other)", "Other, Germany"),
        ("city", "DE", "Germany"),
        ("source", "(direct)", "Direct"),
        ("referrer", "(none)", "No referrer"),
        ("city", "(unknown)", "Unknown"),
        ("device", "Mobile", "Mobile"),
        ("path", "/a/(other)", "/a/(other)"),
        ("browser", "Firefox", "Firefox"),
        ("property", "plan=(other)", "plan=Other"),
        ("property", "plan=pro", "plan=pro"),
    ],
)
def test_values_have_names_for_people(dimension: str, value: str, expected: str) -> None:
    """Codes and marks are put into words; everything else stays as it is."""
    assert expected == formatting.label(dimension, value)


@given(st.sampled_from(sorted(DIMENSIONS)), st.text())
def test_any_value_can_be_named(dimension: str, value: str) -> None:
    """No value of any dimension breaks a page."""
    assert isinstance(formatting.label(dimension, value), str)
    assert isinstance(formatting.flag(value), str)


def test_a_folded_row_is_known_by_its_mark() -> None:
    """Folded values are distinguished from a path that looks alike."""
    values = ("(other)", "DE-(other)", "Firefox (other)", "plan=(other)", "/(other)")

    assert [True, True, True, True, False] == [formatting.is_other(value) for value in values]


def test_reservations_call_folded_values_as_the_page_does() -> None:
    """A sentence about "(other)" names the row that readers see."""
    assert formatting.caveat('Visitors of "(other)" are few.') == "Visitors of “Other” are few."


def test_every_country_has_a_flag() -> None:
    """A flag is two regional indicators, those of the code."""
    assert formatting.flag("DE") == "\U0001f1e9\U0001f1ea"
    assert all(len(formatting.flag(code)) == 2 for code in formatting.countries())


def test_what_is_no_country_has_no_flag() -> None:
    """Nothing is drawn for an unset or unknown code."""
    assert [formatting.flag(code) for code in ("", "(none)", "ZZ", "de")] == ["", "", "", ""]


def test_the_table_of_countries_is_whole() -> None:
    """All 249 countries of ISO 3166-1 are there, and Kosovo."""
    assert len(formatting.countries()) == 250
    assert all(len(code) == 2 and code.isupper() for code in formatting.countries())


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), "Monday, 23 November 2026"),
        (date(2026, 11, 17), date(2026, 11, 23), "17–23 November 2026"),
        (date(2026, 10, 25), date(2026, 11, 23), "25 October – 23 November 2026"),
        (date(2025, 12, 1), date(2026, 11, 23), "1 December 2025 – 23 November 2026"),
    ],
)
def test_periods_leave_no_doubt(first: date, last: date, expected: str) -> None:
    """What both ends have in common is written once."""
    assert expected == formatting.period_words(Period(first, last))


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        ("hour", ("09:00", "Thu 5 Nov, 09:00")),
        ("day", ("5 Nov", "Thu 5 Nov 2026")),
        ("month", ("Nov", "November 2026")),
    ],
)
def test_buckets_are_named_briefly_and_in_full(bucket: str, expected: tuple[str, str]) -> None:
    """The axis has little room, the title has enough."""
    assert expected == formatting.bucket_words(bucket, datetime(2026, 11, 5, 9))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "values with too few visitors to show"),
        (1, "1 value with too few visitors to show"),
        (1234, "1,234 values with too few visitors to show"),
    ],
)
def test_a_folded_row_explains_itself(count: int, expected: str) -> None:
    """The number of folded values is shown if it is known."""
    assert expected == formatting.folded_words(count)


@pytest.mark.parametrize(
    ("profile", "words"),
    [("standard", "below 3 visitors, and so are cities below 5"), ("strict", "below 10 visitors")],
)
def test_folding_is_explained_with_the_profile_s_thresholds(profile: str, words: str) -> None:
    """The sentence follows the thresholds of the site's profile."""
    assert words in formatting.folding(profile)


def test_the_strict_profile_keeps_no_city() -> None:
    """The sentence says that cities are never shown."""
    assert "all cities" in formatting.folding("strict")


def test_periods_shorten_for_a_phone() -> None:
    """Every named period has a distinct short form."""
    brief = [formatting.brief_period(words) for words in PERIODS.values()]

    assert brief == ["Today", "Yesterday", "7d", "30d", "12mo"]


def test_every_tab_has_a_name() -> None:
    """All panels and their dimensions are named, and no panel names two tabs alike."""
    for panel, dimensions in PANELS.items():
        labels = [formatting.tab_label(dimension) for dimension in dimensions]

        assert formatting.PANEL_WORDS[panel]
        assert len(set(labels)) == len(labels)


def test_a_plain_site_lists_its_defaults() -> None:
    """Empty settings are not listed."""
    assert formatting.site_facts(a_site()) == [
        ("Time zone", "UTC"),
        ("Privacy profile", "standard"),
        ("Retention", "760 days; hourly numbers 35 days, pairs of dimensions 760 days"),
    ]


def test_every_setting_of_a_site_has_a_line() -> None:
    """Each setting that is not empty is listed with its label."""
    site = a_site(
        profile="strict",
        profile_locked=True,
        controller="Ann, ann@example.org",
        hostnames=("shop.example",),
        own_paths=("/blog/*",),
        templates=("/users/:id",),
        keep_trailing_slash=True,
        keep_index=True,
        public_users=True,
        hash_routing=True,
        search_parameter="q",
        goals=(Goal("Signup", event="signup"), Goal("Thanks", path="/thanks")),
        excluded_paths=("/intern/*",),
        excluded_countries=("DE",),
        spam_referrers=("spam.example",),
    )

    facts = dict(formatting.site_facts(site))

    assert facts["Privacy profile"] == "strict, locked"
    assert facts["Controller"] == "Ann, ann@example.org"
    assert facts["Additional hostnames"] == "shop.example"
    assert facts["Own pages"] == "/blog/*"
    assert facts["Path templates"] == "/users/:id"
    assert facts["Path rules"] == (
        "trailing slashes kept, index pages counted separately, user names kept, hash routing"
    )
    assert facts["Spam referrers"] == "spam.example"
    assert facts["Search parameter"] == "?q="
    assert facts["Goals"] == "Signup (signup), Thanks (/thanks)"
    assert facts["Excluded"] == "/intern/*, DE"
