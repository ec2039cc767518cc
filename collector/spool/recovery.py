"""Read what can be read of a damaged spool.

Knows that tables are trees of pages, any of which may be unreadable; refuses
to guess. Frames are read one by one, by their id. Batches are not taken over:
which frames the store has is for its receipts to say. Called by `file`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from collector.errors import SpoolError
from collector.spool import queries
from collector.spool.queries import Run

FRAMES_AT_ONCE = 64
NEAR = 512
EPOCH_CHARACTERS = 16


class Found(NamedTuple):
    """What was read.

    Attributes:
        epoch: the file's name in tokens; empty if it cannot be read.
        last: the highest id a frame may have had.
        frames: whole rows of the table `frame`.
        counts: whole rows of the table `counted`.
    """

    epoch: str
    last: int
    frames: list[Any]
    counts: list[Any]


def read(run: Run) -> Found:
    """Read all that can be read; without its epoch a spool is nothing."""
    epoch = _rows(run, "SELECT name FROM epoch")
    ends = _rows(run, "SELECT seq FROM sqlite_sequence WHERE name = 'frame'")
    name = epoch[0][0] if epoch and len(str(epoch[0][0])) == EPOCH_CHARACTERS else ""
    last = ends[0][0] if ends else 0
    frames = list(_frames(run, last)) if name else []
    return Found(name, last, frames, _rows(run, "SELECT * FROM counted"))


def write(run: Run, found: Found) -> None:
    """Put what was read into a new file, whose ids go on where the old one's ended."""
    if found.epoch:
        run("UPDATE epoch SET name = ?", found.epoch)
    for frame in found.frames:
        run("INSERT OR IGNORE INTO frame VALUES (?, ?, ?, ?, ?, ?, ?)", *frame)
    for count in found.counts:
        run("INSERT OR IGNORE INTO counted VALUES (?, ?, ?, ?, ?)", *count)
    queries.skip_ids(run, found.last)


def _frames(run: Run, last: int) -> Iterator[Any]:
    at = 0
    while at < last:
        rows = _after(run, at, FRAMES_AT_ONCE)
        if not rows:
            rows = next(filter(None, (_after(run, id_, 1) for id_ in _steps(at, last))), [])
        # A damaged page may claim any id: going back would never end.
        if not rows or rows[-1][0] <= at:
            return
        yield from rows
        at = rows[-1][0]


def _steps(at: int, last: int) -> Iterator[int]:
    """Go on one by one through what may be a damaged page, then in leaps over unused ids."""
    yield from range(at, min(at + NEAR, last))
    step = NEAR
    while at + step < last:
        yield at + step
        step *= 2


def _after(run: Run, at: int, count: int) -> list[Any]:
    return _rows(run, "SELECT * FROM frame WHERE id > ? ORDER BY id LIMIT ?", at, count)


def _rows(run: Run, statement: str, *values: object) -> list[Any]:
    try:
        return run(statement, *values)
    except SpoolError:
        return []
