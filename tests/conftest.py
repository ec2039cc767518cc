"""Skip the tests whose programs or rights this machine lacks; with FOOTFALL_TEST_ALL=1, fail them.

A test names what it needs: `@pytest.mark.needs_system("nginx", "root")`. FOOTFALL_TEST_WITHOUT
lists what may be missing even then, separated by spaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import pytest

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "headless chromium": (
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
    ),
    "firefox": ("firefox-esr", "firefox"),
}


def program(name: str) -> str | None:
    """Find a program: the one that FOOTFALL_CHROMIUM or FOOTFALL_FIREFOX names, or the system's."""
    named = os.environ.get(f"FOOTFALL_{name.rsplit(maxsplit=1)[-1].upper()}")
    found = (shutil.which(each) for each in NAMES.get(name, (name,)))
    return named or next(filter(None, found), None)


def _can_mount_as_user() -> bool:
    tried = ["unshare", "-rm", "true"]
    return bool(shutil.which("unshare")) and not subprocess.call(tried, stderr=subprocess.DEVNULL)


RIGHTS: Final[Mapping[str, Callable[[], bool]]] = {
    "root": lambda: os.geteuid() == 0,
    "user namespaces": _can_mount_as_user,
}


@cache
def is_there(needed: str) -> bool:
    """Say whether this machine has a program or a right."""
    return RIGHTS[needed]() if needed in RIGHTS else program(needed) is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test before its fixtures are made."""
    needed = [name for mark in item.iter_markers("needs_system") for name in mark.args]
    missing = [name for name in dict.fromkeys(needed) if not is_there(name)]
    if not missing:
        return
    reason = f"needs {', '.join(missing)}"
    excused = os.environ.get("FOOTFALL_TEST_WITHOUT", "").split()
    if os.environ.get("FOOTFALL_TEST_ALL") == "1" and not {*missing} <= {*excused}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
