"""Audit the live system: prove or refute what is promised about what is kept.

Knows the checks and how to tell their outcome; refuses to change anything or
to quote a value that looks like a person's. Called by `footfall audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from collector.cells.client import Store
from collector.clock import Clock
from collector.errors import CollectorError
from collector.privacy import audit_machine, audit_store
from collector.privacy.audit_machine import Secret
from collector.registry.sites import Sites

SHOWN = 5
"""How many violations of one check are told; the rest are counted."""


class Secrets(Protocol):
    """What the audit asks of the day secrets."""

    def open(self) -> Sequence[Secret]:
        """List the secrets that exist."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to.

    Attributes:
        check: its name.
        promise: the sentence that it proves or refutes.
        violations: what speaks against it; none proves it.
    """

    check: str
    promise: str
    violations: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the promise holds."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Audited:
    """What is audited.

    Attributes:
        secrets_dir: where day secrets are files; None if they are in memory only.
        secrets_store: `runtime`, `memory` or `disk`.
        temporary: the folders in which nothing may be left.
        holds: whether the spool still holds hits of a closing instant.
    """

    store: Store
    secrets: Secrets
    sites: Callable[[], Sites]
    clock: Clock
    secrets_dir: Path | None
    secrets_store: str
    temporary: tuple[Path, ...]
    holds: Callable[[int], bool]


Check = Callable[[Audited], Iterable[str]]

CHECKS: Mapping[str, tuple[str, Check]] = {
    "tables": (
        "Only the declared tables and columns exist; no row describes a hit, visit or visitor.",
        lambda it: audit_store.undeclared(it.store),
    ),
    "strings": (
        "No text in the store looks like an address, an e-mail, a UUID or a token.",
        lambda it: audit_store.personal_strings(it.store),
    ),
    "thresholds": (
        "No sealed cell is smaller than its threshold.",
        lambda it: audit_store.too_small(it.store),
    ),
    "partitions": (
        "Sketches exist for open days only.",
        lambda it: audit_store.overdue(it.store, it.clock.now(), it.holds),
    ),
    "logs": (
        "ClickHouse's own logs hold no data.",
        lambda it: audit_store.logged(it.store),
    ),
    "secrets": (
        "Day secrets exist for open days only, and lie where they should.",
        lambda it: audit_machine.misplaced_secrets(
            it.secrets.open(), it.secrets_dir, it.secrets_store, it.clock.now()
        ),
    ),
    "temporary": (
        "Temporary folders hold no data.",
        lambda it: audit_machine.leftovers(it.temporary, it.sites()),
    ),
    "signals": (
        "Opt-out, GPC and DNT are honoured, and a normal hit is counted.",
        lambda _: audit_machine.unheeded_signals(),
    ),
}


def audit(audited: Audited) -> list[Finding]:
    """Run every check; one that cannot be run is a violation, for it proves nothing."""
    return [
        Finding(name, promise, tuple(_violations(check, audited)))
        for name, (promise, check) in CHECKS.items()
    ]


def report(findings: Iterable[Finding]) -> str:
    """Write findings for people, a line or a few for each."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'FAIL'} {finding.check}: {finding.promise}")
        lines += [f"       {violation}" for violation in finding.violations[:SHOWN]]
        if len(finding.violations) > SHOWN:
            lines.append(f"       and {len(finding.violations) - SHOWN} more")
    return "\n".join(lines)


def _violations(check: Check, audited: Audited) -> Iterable[str]:
    try:
        yield from check(audited)
    except (CollectorError, OSError) as failed:
        yield f"could not be checked: {failed}"
