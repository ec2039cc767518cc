"""Commit hits in groups from one thread that owns the spool's disk.

Knows order: the hits that wait become one group, handed over once the event loop
has read all that arrived; what arrives while one is on its way to the disk is the
next group (natural batching); and after a failure everything that rested on it is
undone on the event loop before anything else is taken. Refuses to know what a hit
or a table is. Called by the journal only.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NoReturn, Protocol, TypeVar

from collector.errors import SpoolError, SpoolFull

Undo = Callable[[], None]
Result = TypeVar("Result")

IDLE_SECONDS = 1.0
MEND_SECONDS = 0.25
JOB_TIMEOUT_SECONDS = 60.0
GROUP_BYTES = 32 * 1024
"""Hits that suffice for a group though more arrive: about 150."""
WAITING_MAX_BYTES = 64 * 1024 * 1024
REFUSED = (SpoolError, OverflowError, ValueError, TypeError)
"""What may arise when a hit is encoded and appended."""

_log = logging.getLogger(__name__)


class DiskError(SpoolError):
    """Raised if the spool's disk failed: hits are refused until it is mended."""


class Disk(Protocol):
    """What the writer asks of the journal; every method in the writer's thread."""

    def commit(self, hits: Mapping[int, list[bytes]]) -> None:
        """Make encoded hits, by `closes_at`, durable; all of them or none."""
        ...

    def reopen(self) -> None:
        """After a failure: open the disk anew, without anything that was not acknowledged."""
        ...

    def after_commit(self) -> None:
        """Do what must come soon after a commit, but not before its acknowledgement."""
        ...

    def idle(self) -> None:
        """Do what can wait."""
        ...


class _Acknowledgement(asyncio.Future[None]):
    """The one future that every hit of a group waits for."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - asyncio's signature
        """Refuse: one request that goes away must not take its group along."""
        return False


class _Group:
    __slots__ = ("bytes", "done", "hits", "loop", "undos")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.done = _Acknowledgement(loop=loop)
        self.hits: defaultdict[int, list[bytes]] = defaultdict(list)
        self.undos: list[Undo] = []
        self.bytes = 0


class GroupCommit:
    """The thread that owns the disk, and the queue before it.

    Args:
        disk: what commits.
        room: how many bytes the disk may still take; asked before each hit.
        commit_wait_s: how long a group waits for further hits before it is committed.
    """

    def __init__(self, disk: Disk, room: Callable[[], int], commit_wait_s: float) -> None:
        self._disk = disk
        self._room = room
        self._commit_wait_s = commit_wait_s
        self._lock = threading.Lock()
        self._open: _Group | None = None
        self._failure: SpoolError | None = None
        self._to_undo = 0
        self._wake: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def failure(self) -> SpoolError | None:
        """Why hits are refused at present; None if they are not."""
        return self._failure

    def start(self) -> None:
        """Begin to commit, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._stopping.set()
        self._wake.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        else:
            self.commit_pending()
        self._failure = self._failure or SpoolError("the spool is closed")

    def append(self, closes_at: int, encoded: bytes, undo: Undo | None) -> asyncio.Future[None]:
        """Add a hit to the group that is next; on the event loop only.

        Returns:
            Done when the hit is durable; fails with `SpoolError` after `undo` was called.

        Raises:
            SpoolFull: if there is no room; `undo` is the caller's to call.
            SpoolError: if the disk is in trouble; likewise.
        """
        with self._lock:
            group = self._group_for(len(encoded))
            group.hits[closes_at].append(encoded)
            if undo is not None:
                group.undos.append(undo)
            return group.done

    def append_all(self, hits: Sequence[tuple[int, bytes]], undo: Undo) -> asyncio.Future[None]:
        """Add hits, each with its `closes_at`, to one group: all become durable, or none.

        Returns, Raises: as `append`.
        """
        with self._lock:
            group = self._group_for(sum(len(encoded) for _, encoded in hits))
            for closes_at, encoded in hits:
                group.hits[closes_at].append(encoded)
            group.undos.append(undo)
            return group.done

    def run_on_thread(self, job: Callable[[], Result]) -> Result:
        """Run a job in the writer's thread and wait for it; from any other thread.

        Raises:
            SpoolError: if the disk is in trouble, or the job does not come to its turn.
        """
        if self._thread is None or threading.current_thread() is self._thread:
            return self._attempt(job)
        outcome: Future[Result] = Future()

        def run() -> None:
            try:
                outcome.set_result(self._attempt(job))
            except BaseException as failed:  # noqa: BLE001 - told to the thread that asked
                outcome.set_exception(failed)

        self._wake.put(run)
        try:
            return outcome.result(JOB_TIMEOUT_SECONDS)
        except TimeoutError as slow:
            raise SpoolError("the spool's disk does not answer") from slow

    def commit_pending(self) -> None:
        """Mend if there is trouble, then commit the group that waits; the thread's whole work."""
        if self._failure is not None and not self._reopened():
            return
        if self._commit_wait_s and self._open is not None:
            self._stopping.wait(self._commit_wait_s)
        with self._lock:
            group, self._open = self._open, None
        if group is None:
            return
        try:
            self._disk.commit(group.hits)
        except Exception as failed:  # noqa: BLE001 - whatever it is, the hits are not durable
            self._fail(group, _as_refusal(failed))
        else:
            _tell(group.loop, _acknowledge, group)
            self._guarded(self._disk.after_commit)

    def _group_for(self, size: int) -> _Group:
        group = self._open
        if self._failure is not None:
            raise SpoolError(str(self._failure))
        if group is None:
            if size > self._room():
                raise SpoolFull("the spool is full")
            loop = asyncio.get_running_loop()
            group = self._open = _Group(loop)
            loop.call_soon(self._hand_over, group, 0)
        elif group.bytes + size > self._room():
            raise SpoolFull("the spool is full")
        elif group.bytes > WAITING_MAX_BYTES:
            raise SpoolFull("the spool's disk does not keep up")
        group.bytes += size
        return group

    def _hand_over(self, group: _Group, bytes_before: int) -> None:
        """Wake the thread once a turn of the loop brought nothing more to the group."""
        # A commit costs as much for two hits as for sixty, and its thread and the loop are in
        # each other's way.
        if bytes_before < group.bytes < GROUP_BYTES:
            group.loop.call_soon(self._hand_over, group, group.bytes)
        else:
            self._wake.put(None)

    def _run(self) -> None:
        while True:
            try:
                job = self._wake.get(timeout=MEND_SECONDS if self._failure else IDLE_SECONDS)
            except queue.Empty:
                job = self._idle
            if job is not None:
                job()
            self.commit_pending()
            if self._stopping.is_set() and self._wake.empty():
                return

    def _idle(self) -> None:
        if self._failure is None:
            self._guarded(self._disk.idle)

    def _guarded(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except Exception as failed:  # noqa: BLE001 - the thread outlives what nobody foresaw
            self._fail(None, _as_refusal(failed))

    def _attempt(self, job: Callable[[], Result]) -> Result:
        if self._failure is not None and not self._reopened():
            raise SpoolError(str(self._failure))
        try:
            return job()
        except DiskError as failed:
            self._fail(None, failed)
            raise

    def _fail(self, group: _Group | None, failed: SpoolError) -> None:
        _log.error("the spool refuses hits: %s", failed)
        with self._lock:
            self._failure = failed
            later, self._open = self._open, None
        # Newest first: what came later rests on what came before.
        groups = [each for each in (later, group) if each is not None]
        self._to_undo += len(groups)
        for each in groups:
            if not _tell(each.loop, self._undo, each, failed):
                self._to_undo -= 1

    def _undo(self, group: _Group, failed: SpoolError) -> None:
        for undo in reversed(group.undos):
            undo()
        if not group.done.done():
            group.done.set_exception(SpoolError(str(failed)))
            # Whoever waits hears of it; a sender that has gone is no error.
            group.done.exception()
        with self._lock:
            self._to_undo -= 1

    def _reopened(self) -> bool:
        with self._lock:
            if self._to_undo:
                return False
        try:
            self._disk.reopen()
        except Exception as failed:  # noqa: BLE001 - likewise
            self._failure = _as_refusal(failed)
            return False
        with self._lock:
            self._failure = None
        _log.warning("the spool takes hits again")
        return True


def undo_and_raise(refused: Exception, undo: Undo | None) -> NoReturn:
    """Take back what a hit did that is not taken.

    Raises:
        SpoolError: the refusal itself, or that the hit cannot be encoded.
    """
    if undo is not None:
        undo()
    if isinstance(refused, SpoolError):
        raise refused
    raise SpoolError("the hit cannot be encoded") from refused


def _as_refusal(failed: Exception) -> SpoolError:
    return failed if isinstance(failed, SpoolError) else SpoolError(f"the spool failed: {failed!r}")


def _acknowledge(group: _Group) -> None:
    if not group.done.done():
        group.done.set_result(None)


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *what: object) -> bool:
    try:
        loop.call_soon_threadsafe(call, *what)
    except RuntimeError:
        # The loop has ended: nobody waits any more, and no visit is left to undo.
        return False
    return True
