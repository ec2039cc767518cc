"""Read recipes out of docs/tracker.md, so that what runs here is what stands there."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "tracker.md"


def recipe(title: str, language: str) -> str:
    """Give the first block of code in a language below a heading."""
    section = re.split(rf"^#+ {re.escape(title)}\n", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, f"{title} has no {language}"
    return found[1]
