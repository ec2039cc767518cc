"""Own paths, exact and as patterns."""

from __future__ import annotations

import re

import pytest

from collector.registry.sites import NO_PATH
from tests.builders import a_site

SITE = a_site(own_paths=("/", "/blog/*", "/a+b/*/c"), templates=("/users/:id", "/docs/*"))


def test_plain_paths_and_templates_are_taken_literally() -> None:
    """A template is matched exactly, including its star."""
    assert SITE.exact_own_paths == ("/", "/users/:id", "/docs/*")


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/blog/", True),
        ("/blog/2026/11", True),
        ("/a+b/x/c", True),
        ("/blog", False),
        ("/my/blog/x", False),
        ("/aab/x/c", False),
        ("/a+b/x/cd", False),
        ("", False),
    ],
)
def test_a_pattern_fits_whole_paths(path: str, *, own: bool) -> None:
    """Only a star is a wildcard; every other character matches itself."""
    assert bool(re.search(SITE.own_path_pattern, path)) is own


def test_without_stars_the_pattern_fits_no_path() -> None:
    """A site without patterns needs no matching in the store."""
    assert a_site(own_paths=("/about",)).own_path_pattern == NO_PATH
    assert not re.search(NO_PATH, "/")
