"""Let a process and its children have no more than so much memory: the kernel kills them beyond.

The group is made below this process's own, so every other limit holds too. Where
no group can be made (no root, or a container whose groups are read-only), nothing is
limited, and what a test measures of the process has to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HIERARCHY = Path("/sys/fs/cgroup")


class ControlGroup:
    """A limited group, empty at first.

    Attributes:
        launcher: what a command has to follow to run in it; empty if there is no group.
    """

    def __init__(self, folder: Path | None) -> None:
        """Know the group's folder; None if none could be made."""
        self._folder = folder
        enters = 'echo $$ > "$0" && exec "$@"'
        self.launcher = ("sh", "-c", enters, str(folder / "cgroup.procs")) if folder else ()

    def kills(self) -> int:
        """Count the processes that were killed for want of memory."""
        if self._folder is None:
            return 0
        candidates = [self._folder / name for name in ("memory.oom_control", "memory.events")]
        words = next(one for one in candidates if one.exists()).read_text().split()
        return int(words[words.index("oom_kill") + 1])


@contextmanager
def a_group(name: str, limit_mib: int) -> Iterator[ControlGroup]:
    """Make a group of at most so much memory, swap included."""
    folder = _made(name, limit_mib << 20)
    try:
        yield ControlGroup(folder)
    finally:
        if folder:
            folder.rmdir()


def _made(name: str, limit_bytes: int) -> Path | None:
    own = dict(line.split(":", 2)[1:] for line in _lines("/proc/self/cgroup"))
    limits: tuple[str, ...]
    if "memory" in own:
        folder, limits = HIERARCHY / "memory" / own["memory"][1:] / name, ("memory.limit_in_bytes",)
    else:
        folder, limits = HIERARCHY / own.get("", "/")[1:] / name, ("memory.max", "memory.swap.max")
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        (folder / limits[0]).write_text(str(limit_bytes))
        for swap in limits[1:]:
            (folder / swap).write_text("0")
    except OSError:
        folder.rmdir()
        return None
    return folder


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
