"""Change the spool's tables: frames, batches, counts.

Knows the SQL of the spool and nothing of files, threads or keys: every
function is handed `run`, inside a transaction of the journal's. Format 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from collector.counters import Counted
from collector.spool.encryption import Batch
from collector.spool.quarantine import WHOLE

FORMAT = 1
FRAMES_AT_ONCE = 20_000
BATCHES_AT_ONCE = 16
IDS_OF_A_LIFE = 1_000_000
COUNTS_KEPT_DAYS = 3

Run = Callable[..., list[Any]]
"""Executes one statement with its values and returns its rows."""

CREATE = """
CREATE TABLE frame (id INTEGER PRIMARY KEY AUTOINCREMENT, closes_at INTEGER NOT NULL,
    hits INTEGER NOT NULL, bytes INTEGER NOT NULL, at REAL NOT NULL, part TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX frame_closes_at ON frame (closes_at);
CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, closes_at INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE, hits INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE member (frame INTEGER PRIMARY KEY, batch INTEGER NOT NULL);
CREATE INDEX member_batch ON member (batch);
CREATE TABLE counted (day INTEGER NOT NULL, reason TEXT NOT NULL, site INTEGER NOT NULL,
    count INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, reason, site)) WITHOUT ROWID;
CREATE TABLE doubt (closes_at INTEGER PRIMARY KEY);
CREATE TABLE handover (closes_at INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE epoch (name TEXT NOT NULL)
"""


_OPEN = "NOT EXISTS (SELECT 1 FROM member WHERE member.frame = frame.id)"

PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 0",
    "temp_store = MEMORY",
)


class Frame(NamedTuple):
    """One group commit's hits of one day, encrypted.

    Attributes:
        hits: how many.
        at: when it was written, in seconds since 1970.
        part: the token of the batch it was made for; empty, but for parts of a rejected batch.
    """

    closes_at: int
    hits: int
    at: float
    body: bytes
    part: str = ""


class Size(NamedTuple):
    """How many hits, and bytes of frames."""

    hits: int
    bytes: int


def add_frame(run: Run, frame: Frame) -> int:
    """Write a frame and return its id; ids are never reused."""
    rows = run(
        "INSERT INTO frame (closes_at, hits, bytes, at, part, body) VALUES (?, ?, ?, ?, ?, ?) "
        "RETURNING id",
        *(frame.closes_at, frame.hits, len(frame.body), frame.at, frame.part, frame.body),
    )
    return int(rows[0][0])


def start_session(run: Run) -> None:
    """Begin a process: ids go on far from any used, and what is open is in doubt.

    If the end of the log was damaged, or an older copy put back, frames that the
    store has look open, and ids look unused that are part of tokens.
    """
    skip_ids(run, 0)
    run("INSERT OR IGNORE INTO doubt SELECT DISTINCT closes_at FROM frame")


def skip_ids(run: Run, beyond: int) -> None:
    """Let the next frame's id lie far beyond the last one's, and beyond `beyond`."""
    run(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'frame', 0 WHERE NOT EXISTS "
        "(SELECT 1 FROM sqlite_sequence WHERE name = 'frame')"
    )
    run(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) + ? WHERE name = 'frame'",
        *(beyond, IDS_OF_A_LIFE),
    )


def last_id(run: Run) -> int:
    """Tell the highest id that any frame may have; 0 if there never was one."""
    rows = run("SELECT seq FROM sqlite_sequence WHERE name = 'frame'")
    return int(rows[0][0]) if rows else 0


def drop_after(run: Run, last: int) -> None:
    """Delete the frames above an id, but for the parts of a rejected batch: their hits are old."""
    run("DELETE FROM frame WHERE id > ? AND part = ''", last)


def unconfirmed_days(run: Run) -> list[tuple[int, int]]:
    """Return each day whose open frames the store may have, and the first of them."""
    rows = run(
        f"SELECT closes_at, min(id) FROM frame WHERE {_OPEN} "
        "AND closes_at IN (SELECT closes_at FROM doubt) GROUP BY closes_at"
    )
    return [(closes_at, first) for closes_at, first in rows]


def confirm(run: Run, closes_at: int, tokens: Iterable[str]) -> tuple[Size, int]:
    """Delete a day's open frames that the store has, as the receipts there tell.

    Args:
        tokens: the receipts' values, of this spool and day.

    Returns:
        What was deleted, and how many of its hits may be lost: of batches that were
        rejected and taken apart it cannot be told which hits the store has.
    """
    gone, lost = Size(0, 0), 0
    for token in tokens:
        _, _, frames, *parts = token.split(".")
        first, _, last = frames.partition("-")
        mine = f"closes_at = ? AND id BETWEEN ? AND ? AND part = '' AND {_OPEN}"
        where = (closes_at, int(first), int(last))
        hits, size_bytes = run(
            f"SELECT coalesce(sum(hits), 0), coalesce(sum(bytes), 0) FROM frame WHERE {mine}",
            *where,
        )[0]
        run(f"DELETE FROM frame WHERE {mine}", *where)
        gone = Size(gone.hits + hits, gone.bytes + size_bytes)
        lost += hits if parts and parts[0].isdecimal() else 0
    run("DELETE FROM doubt WHERE closes_at = ?", closes_at)
    return gone, lost


def size(run: Run) -> Size:
    """Measure all frames; reads every row, so at the start only."""
    hits, size_bytes = run("SELECT coalesce(sum(hits), 0), coalesce(sum(bytes), 0) FROM frame")[0]
    return Size(hits, size_bytes)


def oldest(run: Run) -> float | None:
    """Tell when the oldest frame was written; None if there is none."""
    rows = run("SELECT at FROM frame ORDER BY id LIMIT 1")
    return float(rows[0][0]) if rows else None


def holds(run: Run, closes_at: int) -> bool:
    """Tell whether there is any frame of a day."""
    return bool(run("SELECT 1 FROM frame WHERE closes_at = ? LIMIT 1", closes_at))


def batches(run: Run) -> list[Batch]:
    """Return the batches, oldest first."""
    rows = run("SELECT id, closes_at, token, hits, state FROM batch ORDER BY id")
    return [Batch(*row) for row in rows]


def close_open_frames(run: Run, epoch: str, max_hits: int) -> list[Batch]:
    """Put open frames, oldest first, into batches of one day each, of at most about `max_hits`."""
    rows = run(
        f"SELECT id, closes_at, hits FROM frame WHERE {_OPEN} ORDER BY closes_at, id LIMIT ?",
        FRAMES_AT_ONCE,
    )
    closed = _close_parts(run)
    for closes_at, frames, hits in islice(_portions(rows, max_hits), BATCHES_AT_ONCE):
        token = f"{epoch}.{closes_at}.{frames[0]}-{frames[-1]}"
        closed.append(add_batch(run, token, closes_at, frames, hits))
    return closed


def _close_parts(run: Run) -> list[Batch]:
    rows = run(f"SELECT id, closes_at, hits, part FROM frame WHERE part != '' AND {_OPEN}")
    return [add_batch(run, part, closes_at, [id_], hits) for id_, closes_at, hits, part in rows]


def add_batch(run: Run, token: str, closes_at: int, frames: Sequence[int], hits: int) -> Batch:
    """Write a batch of these frames, all of one day, which hold so many hits."""
    rows = run(
        "INSERT INTO batch (closes_at, token, hits, state) VALUES (?, ?, ?, ?) "
        "RETURNING id, closes_at, token, hits, state",
        *(closes_at, token, hits, WHOLE),
    )
    batch = Batch(*rows[0])
    for frame in frames:
        run("INSERT INTO member (frame, batch) VALUES (?, ?)", frame, batch.id)
    return batch


def change_state(run: Run, batch: Batch, state: str) -> bool:
    """Change what of a batch is sent, and so its token; False if it is not in that state."""
    return bool(
        run(
            "UPDATE batch SET state = ?, token = ? WHERE id = ? AND state = ? RETURNING id",
            *(state, f"{batch.token}.{state}", batch.id, batch.state),
        )
    )


def bodies(run: Run, batch: Batch) -> list[bytes]:
    """Return the frames of a batch, in the order they were written."""
    rows = run(
        "SELECT body FROM member JOIN frame ON frame.id = member.frame "
        "WHERE member.batch = ? ORDER BY member.frame",
        batch.id,
    )
    return [body for (body,) in rows]


def drop_batch(run: Run, batch: Batch) -> Size | None:
    """Delete a batch and its frames; return what they were, None if it is gone already."""
    if not run("SELECT 1 FROM batch WHERE id = ?", batch.id):
        return None
    mine = "(SELECT frame FROM member WHERE batch = ?)"
    hits, size_bytes = run(
        f"SELECT coalesce(sum(hits), 0), coalesce(sum(bytes), 0) FROM frame WHERE id IN {mine}",
        batch.id,
    )[0]
    run(f"DELETE FROM frame WHERE id IN {mine}", batch.id)
    run("DELETE FROM member WHERE batch = ?", batch.id)
    run("DELETE FROM batch WHERE id = ?", batch.id)
    return Size(hits, size_bytes)


def add_counts(run: Run, counts: Mapping[Counted, int]) -> None:
    """Add to the cumulative counts."""
    for (day, reason, site), count in counts.items():
        run(
            "INSERT INTO counted (day, reason, site, count) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
            *(day, reason, site, count),
        )


def changed_counts(run: Run) -> dict[Counted, int]:
    """Return the cumulative counts that the store does not have yet."""
    rows = run("SELECT day, reason, site, count FROM counted WHERE count > delivered")
    return {(day, reason, site): count for day, reason, site, count in rows}


def note_delivered(run: Run, counts: Mapping[Counted, int], today: int) -> None:
    """Note what the store has, and forget what is delivered of days long past."""
    for (day, reason, site), count in counts.items():
        run(
            "UPDATE counted SET delivered = ? WHERE day = ? AND reason = ? AND site = ?",
            *(count, day, reason, site),
        )
    run("DELETE FROM counted WHERE count = delivered AND day < ?", today - COUNTS_KEPT_DAYS)


def _portions(
    rows: Iterable[tuple[int, int, int]], max_hits: int
) -> Iterator[tuple[int, list[int], int]]:
    day, frames, total = 0, list[int](), 0
    for frame, closes_at, hits in rows:
        if frames and (closes_at != day or total + hits > max_hits):
            yield day, frames, total
            frames, total = [], 0
        day = closes_at
        frames.append(frame)
        total += hits
    if frames:
        yield day, frames, total
