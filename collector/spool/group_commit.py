"""Commit hits in groups, from one thread that owns the spool's disk.

The hits that wait become one group, which is handed to the thread once the event loop has read
all that arrived; what arrives while it is being committed is the next group (natural batching).
After a failure everything that rested on it is undone on the event loop before anything else is
taken.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NoReturn, TypeVar

from collector.errors import SpoolError, SpoolFull
from collector.hit import Hit
from collector.spool.encryption import encode_hit

Undo = Callable[[], None]
Result = TypeVar("Result")

IDLE_SECONDS = 1.0
REOPEN_SECONDS = 0.25
JOB_TIMEOUT_SECONDS = 60.0
GROUP_BYTES = 32 * 1024
"""Hits that suffice for a group though more arrive: about 150."""
WAITING_MAX_BYTES = 64 * 1024 * 1024

_REFUSED = (SpoolError, OverflowError, ValueError, TypeError)
"""What may be raised when a hit is encoded and added."""

_log = logging.getLogger(__name__)


class DiskError(SpoolError):
    """Raised if the spool's disk failed: hits are refused until it works again."""


class _Acknowledgement(asyncio.Future[None]):
    """The one future that every hit of a group waits for."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - asyncio's signature
        """Refuse: a request that is cancelled must not cancel its whole group."""
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
    """The thread that owns the disk, and the group of hits that it commits next.

    Args:
        commit: makes encoded hits, by `closes_at`, durable: all of them or none.
        after_commit: does what must follow a commit soon, but may not delay its acknowledgement.
        idle: does what can wait.
        reopen: opens the disk anew after a failure, without anything that was not acknowledged.
        wait_s: how long a group waits for further hits before it is committed.

    All four are called in the thread.

    Attributes:
        room: how many bytes of hits the disk may still take; kept up to date by the caller.
    """

    def __init__(
        self,
        commit: Callable[[Mapping[int, list[bytes]]], None],
        after_commit: Callable[[], None],
        idle: Callable[[], None],
        reopen: Callable[[], None],
        wait_s: float,
    ) -> None:
        self.room = 0
        self._commit = commit
        self._after_commit = after_commit
        self._idle = idle
        self._reopen = reopen
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._next: _Group | None = None
        self._failure: SpoolError | None = None
        self._undos_due = 0
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def failure(self) -> SpoolError | None:
        """Why hits are refused at present; None if they are not."""
        return self._failure

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._stopping.set()
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        else:
            self.commit_pending()
        self._closed = True
        self._failure = self._failure or SpoolError("the spool is closed")

    def append(self, hit: Hit, undo: Undo | None = None) -> asyncio.Future[None]:
        """Add a hit to the next group; on the event loop only.

        Args:
            undo: takes back what the hit did to its visit; called on the event loop,
                newest first, if the hit does not become durable, also when this raises.

        Returns:
            Done once the hit is durable; raises `SpoolError` if it cannot be made so.

        Raises:
            SpoolFull: if there is no room.
            SpoolError: if the disk failed or the hit cannot be encoded.
        """
        try:
            encoded = encode_hit(hit)
            with self._lock:
                group = self._group_with_room(len(encoded))
                group.hits[hit.closes_at].append(encoded)
                if undo is not None:
                    group.undos.append(undo)
                return group.done
        except _REFUSED as refused:
            if undo is not None:
                undo()
            _raise_as_spool_error(refused)

    def append_all(self, hits: Sequence[tuple[Hit, Undo]]) -> asyncio.Future[None]:
        """Add hits that were sent together to one group: all become durable, or none.

        Args:
            hits: each with its undo, called as by `append`.

        Returns, Raises: as `append`.
        """

        def undo_all() -> None:
            for _, undo in reversed(hits):
                undo()

        try:
            encoded = [(hit.closes_at, encode_hit(hit)) for hit, _ in hits]
            with self._lock:
                group = self._group_with_room(sum(len(each) for _, each in encoded))
                for closes_at, each in encoded:
                    group.hits[closes_at].append(each)
                group.undos.append(undo_all)
                return group.done
        except _REFUSED as refused:
            undo_all()
            _raise_as_spool_error(refused)

    def run_on_thread(self, job: Callable[[], Result]) -> Result:
        """Run a job in the thread and wait for it.

        Raises:
            SpoolError: if the disk failed, or the job had to wait for too long.
        """
        if self._thread is None or threading.current_thread() is self._thread:
            return self._attempt(job)
        outcome: Future[Result] = Future()

        def run() -> None:
            try:
                outcome.set_result(self._attempt(job))
            except BaseException as failed:  # noqa: BLE001 - raised in the thread that waits
                outcome.set_exception(failed)

        self._jobs.put(run)
        try:
            return outcome.result(JOB_TIMEOUT_SECONDS)
        except TimeoutError as slow:
            raise SpoolError("the spool's disk does not answer") from slow

    def commit_pending(self) -> None:
        """Commit the group that waits; after a failure, reopen the disk first."""
        if self._failure is not None and not self._reopened():
            return
        if self._wait_s and self._next is not None:
            self._stopping.wait(self._wait_s)
        with self._lock:
            group, self._next = self._next, None
        if group is None:
            return
        try:
            self._commit(group.hits)
        except Exception as failed:  # noqa: BLE001 - whatever it is, the hits are not durable
            self._fail(group, _as_spool_error(failed))
        else:
            _call_on_loop(group.loop, _acknowledge, group)
            self._do_chore(self._after_commit)

    def _group_with_room(self, size: int) -> _Group:
        group = self._next
        if self._failure is not None:
            raise SpoolError(str(self._failure))
        if group is None:
            if size > self.room:
                raise SpoolFull("the spool is full")
            loop = asyncio.get_running_loop()
            group = self._next = _Group(loop)
            loop.call_soon(self._hand_over, group, 0)
        elif group.bytes + size > self.room:
            raise SpoolFull("the spool is full")
        elif group.bytes > WAITING_MAX_BYTES:
            raise SpoolFull("the spool's disk does not keep up")
        group.bytes += size
        return group

    def _hand_over(self, group: _Group, bytes_before: int) -> None:
        """Wake the thread once an iteration of the loop brought nothing more to the group."""
        # A commit costs as much for two hits as for sixty, and its thread and the loop are in
        # each other's way.
        if bytes_before < group.bytes < GROUP_BYTES:
            group.loop.call_soon(self._hand_over, group, group.bytes)
        else:
            self._jobs.put(None)

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=REOPEN_SECONDS if self._failure else IDLE_SECONDS)
            except queue.Empty:
                job = self._when_idle
            if job is not None:
                job()
            self.commit_pending()
            if self._stopping.is_set() and self._jobs.empty():
                return

    def _when_idle(self) -> None:
        if self._failure is None:
            self._do_chore(self._idle)

    def _do_chore(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except Exception as failed:  # noqa: BLE001 - an unexpected error must not end the thread
            self._fail(None, _as_spool_error(failed))

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
            later, self._next = self._next, None
        # Newest first: what came later rests on what came before.
        groups = [each for each in (later, group) if each is not None]
        self._undos_due += len(groups)
        for each in groups:
            if not _call_on_loop(each.loop, self._undo, each, failed):
                self._undos_due -= 1

    def _undo(self, group: _Group, failed: SpoolError) -> None:
        for undo in reversed(group.undos):
            undo()
        if not group.done.done():
            group.done.set_exception(SpoolError(str(failed)))
            # Marks it as retrieved: if every sender has gone, asyncio would log it.
            group.done.exception()
        with self._lock:
            self._undos_due -= 1

    def _reopened(self) -> bool:
        with self._lock:
            if self._undos_due or self._closed:
                return False
        try:
            self._reopen()
        except Exception as failed:  # noqa: BLE001 - an unexpected error must not end the thread
            self._failure = _as_spool_error(failed)
            return False
        with self._lock:
            self._failure = None
        _log.warning("the spool takes hits again")
        return True


def _raise_as_spool_error(refused: Exception) -> NoReturn:
    if isinstance(refused, SpoolError):
        raise refused
    raise SpoolError("the hit cannot be encoded") from refused


def _as_spool_error(failed: Exception) -> SpoolError:
    return failed if isinstance(failed, SpoolError) else SpoolError(f"the spool failed: {failed!r}")


def _acknowledge(group: _Group) -> None:
    if not group.done.done():
        group.done.set_result(None)


def _call_on_loop(
    loop: asyncio.AbstractEventLoop, call: Callable[..., None], *what: object
) -> bool:
    try:
        loop.call_soon_threadsafe(call, *what)
    except RuntimeError:
        # The loop has ended: no sender waits any more, and no visit is left to undo.
        return False
    return True
