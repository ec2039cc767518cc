"""The materialized view that fans hits out into cells."""

from __future__ import annotations

import re

from collector.cells.fan_out import TAG, fingerprint, select, statement
from collector.cells.views import RECEIPT_VIEW, VIEWS


def test_every_view_is_fanned_out() -> None:
    """Adding a view is one line in `views`."""
    numbers = re.findall(r"CAST\(\[([\d, ]+)\], 'Array\(UInt64\)'\)", select())
    fanned = {int(number) >> 48 for some in numbers for number in some.split(", ")}

    assert {RECEIPT_VIEW, *(view.id for view in VIEWS)} == fanned


def test_tags_are_keyed_by_the_pseudonym_and_name_the_whole_cell() -> None:
    """The statement, which is on disk, contains no key; and no two cells share a tag."""
    tag = TAG.format(named=0xFFFFFF00FFFFFFFF)

    assert tag in statement()
    assert 1 == statement().count("sipHash")
    assert tag.startswith("sipHash64Keyed((k0, k1), concat(value, '\\0', other, ")


def test_the_fingerprint_is_in_the_views_comment() -> None:
    """At startup it shows whether the views changed."""
    assert statement().endswith(f"COMMENT '{fingerprint()}'")
