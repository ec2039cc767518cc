"""Read the project's own source files for the tests that inspect them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Module(NamedTuple):
    """One Python file.

    Attributes:
        name: dotted, without `.__init__`.
    """

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        """The path from the root, with slashes."""
        return self.path.relative_to(ROOT).as_posix()


def modules(*folders: str) -> list[Module]:
    """Read all Python files below some folders of the root."""
    return [_read(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def names_of_tests() -> list[str]:
    """List the names of all test functions."""
    return [
        node.name
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def imports(module: Module) -> Iterator[str]:
    """Yield what a module imports: `package.module.name` for each name."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, text, ast.parse(text))
