"""Look for what must not be on the machine: old or misplaced secrets, leftovers of data.

Knows where secrets should lie and what a refusal looks like; refuses to read a
secret. Called by `privacy.audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple, Protocol

from collector.hit import Refusal
from collector.privacy.day_secrets import lies_in_memory
from collector.registry.sites import Sites

GRACE_S = 600
"""Day secrets are destroyed five minutes after the day's end; as much again is allowed for."""

_OWNER_ONLY = 0o077
Header = tuple[bytes, bytes]

SIGNALS: dict[str, tuple[Header, Refusal | None]] = {
    "the opt-out cookie": ((b"cookie", b"__Host-optout=1"), Refusal.OPT_OUT),
    "the partitioned opt-out cookie": ((b"cookie", b"__Host-optout_p=1"), Refusal.OPT_OUT),
    "Sec-GPC: 1": ((b"sec-gpc", b"1"), Refusal.GPC),
    "DNT: 1": ((b"dnt", b"1"), Refusal.DNT),
    "a normal hit": ((b"accept-language", b"en"), None),
}
"""What the self-test sends, and what should come of it; None is a hit that counts."""


class SignalEffect(NamedTuple):
    """What one request added.

    Attributes:
        hits: how many were given to the journal.
        reasons: under which reasons it was counted besides.
        was_read: whether anything of its body was asked for.
    """

    hits: int
    reasons: tuple[str, ...]
    was_read: bool


class Secret(Protocol):
    """What the audit knows of a day secret."""

    @property
    def site(self) -> int:
        """The site's number."""
        ...

    @property
    def closes_at(self) -> int:
        """When the secret's day ends."""
        ...


def misplaced_secrets(
    secrets: Sequence[Secret], folder: Path | None, store: str, now: float
) -> Iterator[str]:
    """Name secrets of closed days, and files that lie where they should not or can be read."""
    for secret in secrets:
        if secret.closes_at + GRACE_S < now:
            yield f"site {secret.site} has a secret of the day that closed at {secret.closes_at}"
    if folder is None or not folder.is_dir():
        return
    if store == "runtime" and not lies_in_memory(folder):
        yield "day secrets are said to be in memory, but their folder is on a disk"
    known = {(secret.closes_at, secret.site) for secret in secrets}
    for path in sorted(folder.glob("*.secret")):
        closes_at, _, site = path.stem.partition("-")
        if not site.isdigit() or (int(closes_at), int(site)) not in known:
            yield f"{path.name} belongs to no secret in use"
        if path.stat().st_mode & _OWNER_ONLY:
            yield f"{path.name} can be read by others"


def secrets_location(secrets: Sequence[Secret], folder: Path | None) -> str:
    """Tell how many day secrets there are and where they lie."""
    if folder is None:
        where = "in the memory of the process and in no file"
    elif lies_in_memory(folder):
        where = "in files that lie in memory (tmpfs), of their owner only"
    else:
        where = "in files ON A DISK, as the setting secrets.store = disk allows"
    return f"secrets: {len(secrets)}, {where}"


def leftovers(temporary: Iterable[tuple[Path, str]], sites: Sites) -> Iterator[str]:
    """Name temporary files in which the name of a site occurs.

    Args:
        temporary: folders, each with a pattern of the files in it that might be ours.
    """
    marks = [site.domain.encode() for site in sites]
    for folder, pattern in temporary:
        for path in sorted(folder.glob(pattern)):
            if _holds_any(path, marks):
                yield f"the temporary file {path.name} holds data of a site"


def ignored_signals(effect: Callable[[Header], SignalEffect]) -> Iterator[str]:
    """Name signals that do not change what they should: a refusal counts as itself, unread.

    Args:
        effect: sends a pageview with a header through the real door, and tells what it added.
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
        # Another user's file, or one that was gone or emptied meanwhile: neither is ours.
        return False
