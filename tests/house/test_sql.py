"""docs/sql shows the statements as the code generates them now."""

from __future__ import annotations

import re

import pytest

from tests.house.sql_files import FOLDER, files, lay_out

GENERATED = files()


@pytest.mark.parametrize("name", GENERATED)
def test_a_sql_file_is_up_to_date(name: str) -> None:
    """Each file equals what is generated; `make sql` writes them."""
    assert (FOLDER / name).read_text(encoding="utf-8") == GENERATED[name]


def test_the_readme_lists_every_sql_file_and_no_other() -> None:
    """A reader finds each file in the table, and each file of the table exists."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`([a-z0-9_]+\.sql)`\]", readme, re.MULTILINE)

    assert sorted(GENERATED) == sorted(listed)
    assert sorted(GENERATED) == sorted(path.name for path in FOLDER.glob("*.sql"))


def test_the_layout_changes_nothing_but_white_space() -> None:
    """Brackets, quotes and clauses inside of strings survive, and long lines are broken."""
    sql = "SELECT a, 'FROM (x, y', if(" + " AND ".join(["b"] * 40) + ", f(c, [1, 2]), d) FROM t"

    lines = lay_out(sql)

    assert max(map(len, lines)) <= 100
    assert re.sub(r"\s", "", "".join(lines)) == sql.replace(" ", "")
