"""What the documents say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector.registry.sites import Site
from collector.settings import Settings, environment_name, setting_names
from tests.house.source import ROOT

SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")


def default_of(setting: str) -> object:
    """Find the default of a dotted setting."""
    value: object = Settings()
    for part in setting.split("."):
        value = getattr(value, part)
    return value


def written(value: object) -> str:
    """Write a default as docs/settings.md does."""
    if value in ("", ()):
        return "empty"
    return f"`{value}`"


@pytest.mark.parametrize("setting", list(setting_names()))
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    """docs/settings.md has a row for each setting: its name, its variable, its default."""
    row = f"| `{setting}` | `{environment_name(setting)}` | {written(default_of(setting))} |"

    assert row in SETTINGS


def test_no_setting_is_documented_that_is_none() -> None:
    """docs/settings.md names no setting that the service does not know."""
    documented = re.findall(r"^\| `([a-z_.]+)` \| `FOOTFALL_", SETTINGS, re.MULTILINE)

    assert sorted(documented) == sorted(setting_names())


@pytest.mark.parametrize("field", sorted({*Site.__struct_fields__} - {"id", "domain"}))
def test_every_setting_of_a_site_is_documented(field: str) -> None:
    """docs/settings.md has a row for each field that an owner declares."""
    assert f"| `{field}` | `--" in SETTINGS


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of the documents names a file that exists."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]

    assert broken == []


def anchors_of(document: Path) -> set[str]:
    """List the anchors of a document's headings, as the repository's host makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_links_to_headings_lead_somewhere() -> None:
    """Every link with an anchor names a heading of the document that it leads to."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    broken = [
        f"{document.name}: {target}#{anchor}"
        for document in documents
        for target, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text("utf-8")
        )
        if anchor not in anchors_of(document.parent / target if target else document)
    ]

    assert broken == []
