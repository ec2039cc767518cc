"""Record which of our modules and templates are passed while something is done."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
OURS = tuple(f"{ROOT / folder}/" for folder in ("collector", "dashboards"))


class Trace:
    """Records the files of all functions called, in this thread and in those started inside.

    A thread that was started before cannot be traced: start what is to be traced inside.
    """

    def __init__(self) -> None:
        self._files: dict[str, set[str]] = {}

    def __enter__(self) -> Self:
        """Trace this thread, and those that are started from now on."""
        threading.setprofile(self._record)
        sys.setprofile(self._record)
        return self

    def __exit__(self, *_: object) -> None:
        """Trace no more."""
        threading.setprofile(None)
        sys.setprofile(None)

    def clear(self) -> None:
        """Forget what was passed so far."""
        self._files = {}

    @property
    def modules(self) -> list[str]:
        """What was passed, in the order in which it was first: paths below the repository."""
        return [str(Path(name).relative_to(ROOT)) for name in self._files]

    def modules_of(self, thread: str) -> list[str]:
        """List what one thread passed, by the thread's name."""
        return [
            str(Path(name).relative_to(ROOT)) for name, by in self._files.items() if thread in by
        ]

    def _record(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        # The body of a module runs when it is imported, which is no step of the walk.
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(OURS):
            self._files.setdefault(code.co_filename, set()).add(threading.current_thread().name)


def modules_passed(call: Callable[[], object]) -> list[str]:
    """List the modules that are passed by a call, threads that it starts included."""
    with Trace() as trace:
        call()
    return trace.modules


def named_in(title: str) -> set[str]:
    """List the paths that a section of ARCHITECTURE.md names."""
    section = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition(f"## {title}\n")[2]
    return set(re.findall(r"`([\w/]+\.(?:py|html))`", section.partition("\n## ")[0]))
