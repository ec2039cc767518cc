"""The privacy notice is what is in force: fields, purposes, thresholds, retention, choice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.cells.thresholds import profile_of, threshold
from collector.cells.views import DIMENSIONS, VIEWS
from collector.settings import SecretsSettings, Settings
from collector.visitors.notice import Notice, field_words, notice_of, view_words
from collector.visitors.notice_pages import as_json, as_markdown
from collector.visitors.translations import LANGUAGES, words_of
from tests.builders import a_site


def a_notice(language: str = "en", settings: Settings | None = None, **site: Any) -> Notice:
    """Write the notice of a site."""
    return notice_of(a_site(**site), settings or Settings(), language)


def text_of(notice: Notice) -> str:
    """Give all that people read of a notice."""
    return as_markdown(notice)


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_fields_are_the_views_that_are_kept(language: str) -> None:
    """The set of fields in the notice is the set of views kept: for machines and for people."""
    notice, words = a_notice(language), words_of(language)

    assert {view.id for view in VIEWS} == {kept.id for kept in notice.kept}
    sections = {section.id: section for section in notice.sections}
    rows = [row[0] for row in sections["kept"].rows]
    assert [view_words(view, words) for view in VIEWS if len(view.dimensions) < 2] == rows
    pairs = [view_words(view, words) for view in VIEWS if len(view.dimensions) == 2]
    assert pairs == list(sections["pairs"].items)


def test_what_no_number_shows_is_not_called_kept() -> None:
    """The strict profile keeps no city, and its notice lists none."""
    strict = {kept.name for kept in a_notice(profile="strict").kept}

    assert {view.name for view in VIEWS} - strict == {"city"}


@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_its_thresholds_are_those_of_the_code(profile: str) -> None:
    """From how many visitors a value is listed is read off the table that folding uses."""
    notice = a_notice(profile=profile)

    by_id = {view.id: view for view in VIEWS}
    assert [kept.least_visitors for kept in notice.kept] == [
        threshold(profile_of(profile), by_id[kept.id]) for kept in notice.kept
    ]


def test_english_is_what_the_views_say() -> None:
    """In English the words of a field are those declared beside the view."""
    words = words_of("en")

    texts = {name: field_words(name, words) for name in DIMENSIONS}

    assert {name: (one.label, one.notice) for name, one in DIMENSIONS.items()} == texts


def test_secrets_on_a_disk_are_stated() -> None:
    """With day secrets on a disk the notice says so, and what it means."""
    assert "On a disk of the machine" in text_of(
        a_notice(settings=Settings(secrets=SecretsSettings(store="disk")))
    )
    assert "not in a file on a disk" in text_of(a_notice())


def test_it_promises_72_hours_and_names_who_answers() -> None:
    """The breach promise and the controller are there; without one, the owner is."""
    named = a_notice(controller="Example Ltd")

    assert "within 72 hours" in text_of(named)
    assert "Example Ltd is responsible" in text_of(named)
    assert "The owner of example.org is responsible" in text_of(a_notice())


def test_the_place_looked_up_is_the_one_that_can_be() -> None:
    """Without a database only the country is looked up; strictly, never the city."""
    database = Settings(geo_database="cities.mmdb")

    assert "look up the country," in text_of(a_notice())
    assert "look up the country, region and city," in text_of(a_notice(settings=database))
    assert "look up the country and region," in text_of(
        a_notice(settings=database, profile="strict")
    )


def test_the_json_form_is_complete() -> None:
    """The JSON holds the views, the signals, the choice and the promise."""
    notice = json.loads(as_json(a_notice("de", Settings(public_url="https://stats.example.org"))))

    assert (["opt_out", "gpc", "dnt"], 72, "runtime") == (
        notice["signals"],
        notice["breach_hours"],
        notice["secrets_store"],
    )
    assert notice["opt_out"] == "https://stats.example.org/opt-out?language=de"
    assert notice["kept"][0] == {
        "id": 1,
        "name": "total",
        "dimensions": [],
        "grains": ["day", "hour", "minute"],
        "days": 760,
        "hour_days": 760,
        "least_visitors": 0,
    }


def test_hours_and_pairs_have_their_own_days() -> None:
    """Each view says how long its days and its hours stay."""
    kept = {one.name: one for one in a_notice(total_days=90, hour_days=7, pair_days=30).kept}

    assert (90, 7) == (kept["path"].days, kept["path"].hour_days)
    assert (90, 0) == (kept["hostname"].days, kept["hostname"].hour_days)
    assert (30, 0) == (kept["path*source"].days, kept["path*source"].hour_days)
    assert (90, 90) == (kept["total"].days, kept["total"].hour_days)


def test_an_owners_words_are_no_markup() -> None:
    """What an owner writes as their name stays text in Markdown."""
    notice = a_notice(controller="[x](javascript:1) | <b>*me*</b>")

    assert r"\[x\](javascript:1) \| \<b\>\*me\*\</b\> is responsible" in text_of(notice)


def test_a_table_has_as_many_cells_as_heads() -> None:
    """Every row of the Markdown's table is whole."""
    rows = [line for line in text_of(a_notice()).splitlines() if line.startswith("|")]

    assert len(rows) > 20
    assert {row.count(" | ") for row in rows} == {3}
