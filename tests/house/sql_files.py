"""Write the generated SQL statements to docs/sql, laid out for reading.

Run by `make reference`; `test_sql.py` compares the files with what the code generates.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import date
from textwrap import wrap
from types import ModuleType

from collector.cells import fan_out, folding, schema
from collector.cells.views import Grain
from collector.registry.sites import Site
from collector.stats import planner
from collector.stats.query import Filter, Period, Query
from tests.house.source import ROOT

FOLDER = ROOT / "docs" / "sql"
WIDTH = 100
STEP = "    "
CLAUSES = re.compile(
    r"(?:INSERT INTO|SELECT|FROM|ARRAY JOIN|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|UNION ALL|SETTINGS"
    r"|WITH(?! ROLLUP)|ENGINE =|PARTITION BY|ROWS|COMMENT)\b"
)
SIMPLE = re.compile(r"[\w.]+|'[^']*'")
SITE = Site(id=1, domain="example.org", zone="UTC")
PERIOD = Period(date(2026, 11, 1), date(2026, 11, 30))
NOW = 1_795_305_600.0


def files() -> dict[str, str]:
    """Return the content of every file, by name."""
    return {name: content.rstrip() + "\n" for name, content in _contents().items()}


def _contents() -> dict[str, str]:
    country = (Filter("country", ("FR",)),)
    strict = Site(id=1, domain="example.org", zone="UTC", profile="strict")
    return {
        "tables.sql": "".join(_entry("", sql) for sql in schema.tables().values()),
        "fan_out.sql": _generated(fan_out, "statement"),
        "seal_1_gather.sql": _generated(folding, "declare_known", "declare_matching", "gather"),
        "seal_2_fold.sql": _generated(folding, "fold_lists", "fold_tables", "complement_tables"),
        "seal_3_suppress.sql": _generated(
            folding, "suppress_small", "suppress_lists", "suppress_tables", "pick_averaged"
        ),
        "seal_4_write.sql": _generated(
            folding,
            "write_listed",
            "write_averaged",
            "write_others",
            "write_folded_counts",
            "learn_own_paths",
        ),
        "query_paths.sql": _answered("The pages of a site", SITE, dimension="path"),
        "query_paths_of_country.sql": _answered(
            "The pages seen from one country", SITE, dimension="path", filters=country
        ),
        "query_regions.sql": _answered("The regions of a site", SITE, dimension="region"),
        "query_hours.sql": _answered("The hours of a site", SITE, grain=Grain.HOUR),
        "query_hours_strict.sql": _answered(
            "The hours of a page, strict profile",
            strict,
            grain=Grain.HOUR,
            filters=(Filter("path", ("/",)),),
        ),
    }


def _generated(module: ModuleType, *names: str) -> str:
    """Lay out what functions return, each under the first line of its docstring."""
    return "".join(_of_function(getattr(module, name)) for name in names)


def _of_function(function: Callable[[], str | tuple[str, ...]]) -> str:
    found = function()
    statements = (found,) if isinstance(found, str) else found
    title = (inspect.getdoc(function) or "").partition("\n")[0]
    place = f"{function.__module__}.{function.__name__}".removeprefix("collector.")
    first, *others = statements
    return _entry(f"{place}: {title}", first) + "".join(_entry("", sql) for sql in others)


def _answered(
    title: str,
    site: Site,
    *,
    dimension: str = "",
    grain: Grain | None = None,
    filters: tuple[Filter, ...] = (),
) -> str:
    query = Query(
        site, ("visitors", "pageviews"), PERIOD, dimension=dimension, grain=grain, filters=filters
    )
    plan = planner.plan_query(query, NOW)
    return _entry(f"{title}, open days", plan.open_sql) + _entry(
        f"{title}, sealed days", plan.sealed_sql
    )


def _entry(title: str, sql: str) -> str:
    comment = wrap(title, WIDTH, initial_indent="-- ", subsequent_indent="-- ")
    return "\n".join([*comment, *lay_out(sql)]) + ";\n\n"


def lay_out(sql: str, indent: str = "") -> list[str]:
    """Break a statement into lines: a line per clause, long clauses and brackets indented."""
    places = [0, *(place for place in _places(sql, CLAUSES) if place)]
    lines: list[str] = []
    for start, end in zip(places, [*places[1:], len(sql)], strict=True):
        lines += _clause(sql[start:end].strip(), indent)
    return lines


def _clause(text: str, indent: str) -> list[str]:
    keyword = CLAUSES.match(text)
    if len(indent + text) <= WIDTH or not keyword or keyword[0] in ("INSERT INTO", "COMMENT"):
        return _item(text, indent)
    head, body = keyword[0], text[keyword.end() :].strip()
    if head == "FROM" and body.startswith("("):
        return _item(text, indent)
    return [indent + head, *_items(body, indent + STEP)]


def _items(text: str, indent: str, grouped: int = 1) -> list[str]:
    """Lay out items that are separated by commas; simple ones share lines."""
    single = _split(text, re.compile(", "))
    items = [", ".join(single[n : n + grouped]) for n in range(0, len(single), grouped)]
    lines: list[str] = []
    for number, item in enumerate(items):
        some = _item(item + ("," if number + 1 < len(items) else ""), indent)
        if (
            number
            and SIMPLE.fullmatch(item)
            and SIMPLE.fullmatch(items[number - 1])
            and len(lines[-1]) + len(some[0].strip()) < WIDTH
        ):
            lines[-1] += " " + some[0].strip()
        else:
            lines += some
    return lines


def _item(text: str, indent: str) -> list[str]:
    """Lay out an expression: break it at its operators, else in its longest bracket."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    for operator in (r" (?=OR )", r" (?=AND )", r" (?=[-+<] )"):
        parts = _split(text, re.compile(operator))
        if len(parts) > 1:
            return [line for part in parts for line in _item(part, indent)]
    start, end = _longest_bracket(text)
    if start == end:
        return [indent + text]
    inner = text[start + 1 : end].strip()
    if inner.startswith(("SELECT", "WITH", "PARTITION BY")):
        lines = lay_out(inner, indent + STEP)
    else:
        # The arguments of multiIf are pairs of a condition and a value.
        lines = _items(inner, indent + STEP, 2 if text[:start].endswith("multiIf") else 1)
    return [indent + text[: start + 1], *lines, *_item(text[end:], indent)]


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    parts, begin = [], 0
    for place in _places(text, separator):
        if "BETWEEN" not in text[begin:place].rpartition(" AND ")[2]:
            parts.append(text[begin:place])
            begin = place + 1 + (text[place] == ",")
    return [*parts, text[begin:]]


def _places(text: str, pattern: re.Pattern[str]) -> list[int]:
    """Find where a pattern occurs outside of brackets and quotes."""
    return [
        place
        for place, depth in _depths(text)
        if depth == 0
        and pattern.match(text, place)
        and not (place and text[place].isalpha() and text[place - 1] != " ")
    ]


def _longest_bracket(text: str) -> tuple[int, int]:
    opened, longest = 0, (0, 0)
    before = 0
    for place, depth in _depths(text):
        if depth == 1 and before == 0 and text[place] in "([":
            opened = place
        if depth == 0 and before == 1 and place - opened > longest[1] - longest[0]:
            longest = opened, place
        before = depth
    return longest


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Go through the characters outside of quotes, with the depth of brackets after each."""
    depth, place = 0, 0
    while place < len(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[place], 0)
        yield place, depth
        if text[place] == "'":
            place += 1
            while text[place] != "'":
                place += 1 + (text[place] == "\\")
        place += 1


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
