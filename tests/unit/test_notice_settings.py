"""Whatever of a site or the settings says what becomes of visits, the notice says it too."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from collector.registry.sites import Goal, Site
from collector.settings import SecretsSettings, Settings
from collector.visitors.notice import Notice, notice_of
from collector.visitors.notice_pages import as_json, as_markdown, as_schema
from collector.visitors.translations import LANGUAGES
from tests.builders import a_site

days = st.integers(1, 36_500)
TOLD_OF_SITE: dict[str, st.SearchStrategy[Any]] = {
    "domain": st.sampled_from(["example.org", "other.example", "localhost"]),
    "zone": st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Chatham"]),
    "public": st.booleans(),
    "profile": st.sampled_from(["standard", "strict"]),
    "controller": st.sampled_from(["", "Example Ltd", "Beispiel GmbH, Musterstraße 1"]),
    "total_days": days,
    "hour_days": days,
    "pair_days": days,
    "public_users": st.booleans(),
}
TOLD_OF_SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "geo_database": st.sampled_from(["", "places.mmdb"]),
    "public_url": st.sampled_from(["", "https://stats.example.org"]),
    "secrets": st.sampled_from(
        [
            SecretsSettings(store="runtime"),
            SecretsSettings(store="memory"),
            SecretsSettings(store="disk"),
        ]
    ),
}
# What changes which visits are counted, under which of their own names, or how the machine works,
# but neither what is read of a visitor nor what is kept of them, for how long, or who sees it.
EXEMPT_OF_SITE = {
    "id": 2,
    "profile_locked": True,
    "hostnames": ("shop.example",),
    "own_paths": ("/",),
    "templates": ("/blog/:name",),
    "search_parameter": "q",
    "keep_trailing_slash": True,
    "keep_index": True,
    "hash_routing": True,
    "excluded_paths": ("/admin/*",),
    "excluded_countries": ("DE",),
    "spam_referrers": ("spam.example",),
    "goals": (Goal(name="Sale", event="Buy"),),
    "debug": True,
}
EXEMPT_OF_SETTINGS = {
    "data_dir",
    "host",
    "port",
    "clickhouse_dsn",
    "trusted_proxies",
    "client_address_header",
    "excluded_networks",
    "security_contact",
    "spool",
    "seal",
    "delivery",
    "limits",
    "log_level",
}


def forms(site: dict[str, Any], settings: dict[str, Any], language: str) -> tuple[str, bytes]:
    """Give all that people and machines read in the notice of a site."""
    notice = notice_of(a_site(**site), Settings(**settings), language)
    return as_markdown(notice), as_json(notice)


def test_every_setting_is_in_the_notice_or_exempt() -> None:
    """A new setting must be put in the notice, or on the list of those that visitors need not."""
    assert set(Site.__struct_fields__) == TOLD_OF_SITE.keys() | EXEMPT_OF_SITE.keys()
    assert set(Settings.__struct_fields__) == TOLD_OF_SETTINGS.keys() | EXEMPT_OF_SETTINGS


@given(
    site=st.fixed_dictionaries(TOLD_OF_SITE),
    settings=st.fixed_dictionaries(TOLD_OF_SETTINGS),
    language=st.sampled_from(list(LANGUAGES)),
    name=st.sampled_from([*TOLD_OF_SITE, *TOLD_OF_SETTINGS]),
    data=st.data(),
)
def test_a_changed_setting_changes_it(
    site: dict[str, Any],
    settings: dict[str, Any],
    language: str,
    name: str,
    data: st.DataObject,
) -> None:
    """From any starting point, each changed setting changes the notice, in every language (T-1)."""
    group, strategies = (
        (site, TOLD_OF_SITE) if name in TOLD_OF_SITE else (settings, TOLD_OF_SETTINGS)
    )
    changed = data.draw(strategies[name].filter(lambda value: value != group[name]), name)
    if name == "geo_database" and site["profile"] == "strict":
        site["profile"] = "standard"

    before = forms(site, settings, language)
    group[name] = changed
    after = forms(site, settings, language)

    assert before[0] != after[0], name
    assert before[1] != after[1], name


@pytest.mark.parametrize("name", EXEMPT_OF_SITE)
def test_what_visitors_need_not_know_changes_nothing(name: str) -> None:
    """The notice does not vary with a setting that is on the list of exemptions."""
    plain = forms({}, {}, "en")

    changed = forms({name: EXEMPT_OF_SITE[name]}, {}, "en")

    assert plain == changed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_the_json_is_what_its_schema_says(language: str, profile: str) -> None:
    """Each notice is valid by the schema served beside it (T-2), and reads back the same."""
    schema = json.loads(as_schema())
    notice = notice_of(a_site(profile=profile), Settings(), language)
    written = as_json(notice)

    Draft202012Validator.check_schema(schema)
    faults = list(Draft202012Validator(schema).iter_errors(json.loads(written)))

    assert faults == []
    assert notice == msgspec.json.decode(written, type=Notice)


def test_the_schema_finds_what_is_wrong() -> None:
    """A notice that lacks a promise, or says it otherwise, is not valid."""
    validator = Draft202012Validator(json.loads(as_schema()))
    whole = json.loads(as_json(notice_of(a_site(), Settings(), "en")))

    without = {name: value for name, value in whole.items() if name != "kept"}
    otherwise = whole | {"breach_hours": "soon"}

    assert [False, False, True] == [
        validator.is_valid(form) for form in (without, otherwise, whole)
    ]
