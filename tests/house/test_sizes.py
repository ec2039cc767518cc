"""Modules and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.house.source import modules

FILE_LINES = 400
# A file of tests is a list that one looks things up in; it may be longer.
TEST_FILE_LINES = 800
FUNCTION_LINES = 60


def test_files_are_small() -> None:
    """No file of the service has more than 400 lines, no file of tests more than 800."""
    long = [
        f"{module.place}: {lines}"
        for module in modules("collector", "dashboards", "tests")
        if (lines := len(module.text.splitlines()))
        > (TEST_FILE_LINES if module.place.startswith("tests/") else FILE_LINES)
    ]

    assert long == []


def test_functions_are_small() -> None:
    """No function has more than 60 lines, its docstring included."""
    long = [
        f"{module.place}: {node.name} has {lines}"
        for module in modules("collector", "dashboards", "tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]

    assert long == []
