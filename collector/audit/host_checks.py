"""Check the machine: old or misplaced secrets, data in temporary files, ignored signals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

from collector.hit import Refusal
from collector.privacy.day_secrets import DaySecret, lies_in_memory
from collector.registry.sites import Sites

GRACE_S = 600
"""Day secrets are destroyed five minutes after the day's end; the audit allows twice that."""

_OWNER_ONLY = 0o077
Header = tuple[bytes, bytes]

SIGNALS: dict[str, tuple[Header, Refusal | None]] = {
    "the opt-out cookie": ((b"cookie", b"__Host-optout=1"), Refusal.OPT_OUT),
    "the partitioned opt-out cookie": ((b"cookie", b"__Host-optout_p=1"), Refusal.OPT_OUT),
    "Sec-GPC: 1": ((b"sec-gpc", b"1"), Refusal.GPC),
    "DNT: 1": ((b"dnt", b"1"), Refusal.DNT),
    "a normal hit": ((b"accept-language", b"en"), None),
}
"""Headers the audit sends, and the refusal each must cause; None: the hit counts."""


class SignalEffect(NamedTuple):
    """The effect of one request.

    Attributes:
        hits: how many hits were appended to the spool.
        reasons: the reasons under which it was counted.
        was_read: whether its body was read.
    """

    hits: int
    reasons: tuple[str, ...]
    was_read: bool


def misplaced_secrets(
    secrets: Sequence[DaySecret], folder: Path | None, store: str, now: float
) -> Iterator[str]:
    """Yield secrets of closed days, and secret files that are misplaced or readable by others."""
    for secret in secrets:
        if secret.closes_at + GRACE_S < now:
            yield f"site {secret.site} has a secret of the day that closed at {secret.closes_at}"
    if folder is None or not folder.is_dir():
        return
    if store == "runtime" and not lies_in_memory(folder):
        yield "day secrets should be in memory, but their folder is on a disk"
    known = {(secret.closes_at, secret.site) for secret in secrets}
    for path in sorted(folder.glob("*.secret")):
        closes_at, _, site = path.stem.partition("-")
        if not site.isdigit() or (int(closes_at), int(site)) not in known:
            yield f"{path.name} belongs to no secret in use"
        if path.stat().st_mode & _OWNER_ONLY:
            yield f"{path.name} is readable by other users"


def secrets_location(secrets: Sequence[DaySecret], folder: Path | None) -> str:
    """Return how many day secrets exist, and where they are stored."""
    if folder is None:
        where = "in the memory of the process and in no file"
    elif lies_in_memory(folder):
        where = "in files in memory (tmpfs), readable by their owner only"
    else:
        where = "in files ON A DISK, as the setting secrets.store = disk allows"
    return f"secrets: {len(secrets)}, {where}"


def leftovers(temporary: Iterable[tuple[Path, str]], sites: Sites) -> Iterator[str]:
    """Yield temporary files in which the name of a site occurs.

    Args:
        temporary: folders, each with a pattern of the files that could be ours.
    """
    marks = [site.domain.encode() for site in sites]
    for folder, pattern in temporary:
        for path in sorted(folder.glob(pattern)):
            if _holds_any(path, marks):
                yield f"the temporary file {path.name} holds data of a site"


def ignored_signals(effect: Callable[[Header], SignalEffect]) -> Iterator[str]:
    """Yield signals that are not honoured: a refusal is counted under its reason, unread.

    Args:
        effect: sends a pageview with a header to the real handler, and returns what it added.
    """
    for name, (header, refusal) in SIGNALS.items():
        found = effect(header)
        expected = (
            SignalEffect(0, (str(refusal),), was_read=False)
            if refusal
            else SignalEffect(1, (), True)
        )
        if found != expected:
            read = "read" if found.was_read else "unread"
            yield (
                f"{name} adds {found.hits} hits and is counted under "
                f"{', '.join(found.reasons) or 'no reason'}, its body {read}"
            )


def _holds_any(path: Path, marks: Sequence[bytes]) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            return any(content.find(mark) >= 0 for mark in marks)
    except (OSError, ValueError):
        # The file is another user's, or was deleted or emptied meanwhile.
        return False
