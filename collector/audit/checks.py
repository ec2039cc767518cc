"""Audit the live system: prove or refute what is promised about what is kept.

Knows the checks and how to tell their outcome; refuses to change anything or
to quote a value that looks like a person's. Called by `footfall audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from collector.audit import host_checks, store_checks
from collector.audit.host_checks import Header, Secret, SignalEffect
from collector.cells.client import Store
from collector.clock import Clock
from collector.errors import CollectorError
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
        looked_at: what was looked at, for a person to judge what the proof is worth.
        violations: what speaks against it; none proves it.
    """

    check: str
    promise: str
    looked_at: str
    violations: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the promise holds."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class AuditContext:
    """What is audited.

    Attributes:
        secrets_dir: where day secrets are files; None if they are in memory only.
        secrets_store: `runtime`, `memory` or `disk`.
        temporary: where nothing may be left: folders, each with a pattern of files in it.
        holds: whether the spool still holds hits of a closing instant.
        effect: sends an invented pageview with a header, and tells what it would add.
    """

    store: Store
    secrets: Secrets
    sites: Callable[[], Sites]
    clock: Clock
    secrets_dir: Path | None
    secrets_store: str
    temporary: tuple[tuple[Path, str], ...]
    holds: Callable[[int], bool]
    effect: Callable[[Header], SignalEffect]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and how to test it.

    Attributes:
        promise: the sentence.
        find: names what speaks against it.
        look: says what was looked at.
    """

    promise: str
    find: Callable[[AuditContext], Iterable[str]]
    look: Callable[[AuditContext], str]


CHECKS: Mapping[str, Check] = {
    "tables": Check(
        "Only the declared tables and columns exist; no row describes a hit, visit or visitor.",
        lambda it: store_checks.undeclared(it.store),
        lambda it: store_checks.inventory(it.store),
    ),
    "strings": Check(
        "No text in the store looks like an address, an e-mail, a UUID or a token.",
        lambda it: store_checks.personal_strings(it.store),
        lambda it: store_checks.texts(it.store),
    ),
    "thresholds": Check(
        "No sealed cell is smaller than its threshold.",
        lambda it: store_checks.too_small(it.store),
        lambda it: store_checks.sealed(it.store),
    ),
    "partitions": Check(
        "Sketches exist for open days only.",
        lambda it: store_checks.overdue(it.store, it.clock.now(), it.holds),
        lambda it: store_checks.open_partitions(it.store),
    ),
    "logs": Check(
        "ClickHouse's own logs hold no data.",
        lambda it: store_checks.logged(it.store),
        lambda it: store_checks.logs(it.store),
    ),
    "secrets": Check(
        "Day secrets exist for open days only, and lie where they should.",
        lambda it: host_checks.misplaced_secrets(
            it.secrets.open(), it.secrets_dir, it.secrets_store, it.clock.now()
        ),
        lambda it: host_checks.secrets_location(it.secrets.open(), it.secrets_dir),
    ),
    "temporary": Check(
        "Temporary folders hold no data.",
        lambda it: host_checks.leftovers(it.temporary, it.sites()),
        lambda it: ", ".join(str(folder / pattern) for folder, pattern in it.temporary),
    ),
    "signals": Check(
        "Opt-out, GPC and DNT are honoured, and a normal hit is counted.",
        lambda it: host_checks.ignored_signals(it.effect),
        lambda _: f"pageviews sent to the real door: {', '.join(host_checks.SIGNALS)}",
    ),
}


def audit(audited: AuditContext) -> list[Finding]:
    """Run every check; one that cannot be run is a violation, for it proves nothing."""
    return [
        Finding(name, check.promise, _looked_at(check, audited), tuple(_violations(check, audited)))
        for name, check in CHECKS.items()
    ]


def report(findings: Sequence[Finding]) -> str:
    """Write findings for people, a line or a few for each."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'FAIL'} {finding.check}: {finding.promise}")
        lines.append(f"       Looked at: {finding.looked_at}.")
        lines += [f"     ! {violation}" for violation in finding.violations[:SHOWN]]
        if len(finding.violations) > SHOWN:
            lines.append(f"     ! and {len(finding.violations) - SHOWN} more")
    return "\n".join([*lines, "", _verdict(findings)])


def _verdict(findings: Sequence[Finding]) -> str:
    broken = [finding.check for finding in findings if not finding.ok]
    if broken:
        return f"{len(broken)} of {len(findings)} promises do not hold: {', '.join(broken)}."
    return f"All {len(findings)} promises hold."


def _looked_at(check: Check, audited: AuditContext) -> str:
    try:
        return check.look(audited)
    except (CollectorError, OSError):
        return "nothing, for it could not be reached"


def _violations(check: Check, audited: AuditContext) -> Iterable[str]:
    try:
        yield from check.find(audited)
    except (CollectorError, OSError) as failed:
        yield f"could not be checked: {failed}"
