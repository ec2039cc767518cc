"""Look for what must not be on the machine: old or misplaced secrets, leftovers of data.

Knows where secrets should lie and what a refusal looks like; refuses to read a
secret. Called by `privacy.audit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from collector.hit import Refusal
from collector.privacy.consent import Admitted, decide
from collector.privacy.secrets import lies_in_memory
from collector.registry.sites import Sites

GRACE_S = 600
"""Day secrets are destroyed five minutes after the day's end; as much again is allowed for."""

SEARCHED_BYTES = 64 * 1024 * 1024
_OWNER_ONLY = 0o077
_SIGNALS: dict[str, tuple[tuple[bytes, bytes], Refusal | None]] = {
    "the opt-out cookie": ((b"cookie", b"__Host-optout=1"), Refusal.OPT_OUT),
    "the partitioned opt-out cookie": ((b"cookie", b"__Host-optout_p=1"), Refusal.OPT_OUT),
    "Sec-GPC: 1": ((b"sec-gpc", b"1"), Refusal.GPC),
    "DNT: 1": ((b"dnt", b"1"), Refusal.DNT),
    "a normal hit": ((b"user-agent", b"Mozilla/5.0"), None),
}


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


def leftovers(folders: Iterable[Path], sites: Sites) -> Iterator[str]:
    """Name files in temporary folders in which the name of a site occurs."""
    marks = [site.domain.encode() for site in sites]
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if _holds_any(path, marks):
                yield f"the temporary file {path.name} holds data of a site"


def unheeded_signals() -> Iterator[str]:
    """Name signals that do not lead to the refusal they should, or refuse a normal hit."""
    for name, (header, expected) in _SIGNALS.items():
        decided = decide({"type": "http", "headers": [header]}, _never)
        refused = None if isinstance(decided, Admitted) else decided
        if refused != expected:
            yield f"{name} is answered by {refused or 'counting'}"


def _holds_any(path: Path, marks: Sequence[bytes]) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > SEARCHED_BYTES:
            return False
        content = path.read_bytes()
    except OSError:
        # Another user's file, or one that was gone meanwhile: neither is ours.
        return False
    return any(mark in content for mark in marks)


async def _never() -> Any:
    raise AssertionError("nothing is read to decide")
