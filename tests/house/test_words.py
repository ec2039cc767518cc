"""One word for one thing, and nothing left lying about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import get_args

from collector.counters import LATE, MADE_ANEW, SHED
from collector.errors import PayloadCode
from collector.hit import Drop, Refusal
from tests.house.source import ROOT, Module, modules, names_of_tests

# Words that the vocabulary of the design replaces, as parts of names; `session` is left out,
# for people who log in have one.
BANNED = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "manager",
    "misc",
    "website",
    "pathname",
    "salt",
    "rotate",
    "rotated",
}
# Keys of other people's formats keep their names.
FOREIGN = {"collector/ingest/formats/umami.py": {"website"}}
SKIPS = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|unittest\.mock|MagicMock")


def names(module: Module) -> Iterator[str]:
    """Go through every name that a module gives to something."""
    yield module.path.stem
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words(name: str) -> set[str]:
    """Split a name in snake or camel case."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}


def test_names_are_those_of_the_vocabulary() -> None:
    """No name holds a word that has another word in its place."""
    found = [
        f"{module.place}: {name}"
        for module in modules("collector", "dashboards")
        for name in names(module)
        if words(name) & BANNED and name not in FOREIGN.get(module.place, ())
    ]

    assert found == []


def test_no_test_is_skipped_or_mocked() -> None:
    """Every test runs, against the real thing; only the root conftest skips, by `needs_system`."""
    found = [
        module.place
        for module in modules("tests")
        if SKIPS.search(module.text)
        and module.place not in {"tests/conftest.py", "tests/house/test_words.py"}
    ]

    assert found == []


def test_every_reason_has_a_test_of_its_name() -> None:
    """Each drop, refusal, payload error and outcome is shown by a test whose name holds it."""
    reasons = [*map(str, Drop), *map(str, Refusal), *get_args(PayloadCode), LATE, SHED, MADE_ANEW]
    named = "".join(f"{name}_" for name in names_of_tests())

    assert [reason for reason in reasons if f"_{reason}_" not in named] == []


def test_no_page_or_style_asks_another_server() -> None:
    """Templates, styles and scripts of the dashboards load nothing from elsewhere."""
    found = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("templates/**/*.html", "static/**/*.css", "static/**/*.js")
        for path in (ROOT / "dashboards").glob(pattern)
        if re.search(
            r"""(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import""",
            path.read_text(encoding="utf-8"),
        )
    ]

    assert found == []
