"""Audit the live system: check each privacy promise, without changing or quoting data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector.audit import host_checks, store_checks
from collector.audit.host_checks import Header, SignalEffect
from collector.cells.client import Store
from collector.clock import Clock
from collector.errors import CollectorError
from collector.registry.sites import Sites

if TYPE_CHECKING:
    from collector.privacy.day_secrets import DaySecrets

SHOWN = 5
"""How many violations of one check are printed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: its name.
        promise: the promise it checks.
        looked_at: what was examined, so that a reader can judge the result.
        violations: what breaks the promise; empty if it holds.
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
    """The system to audit.

    Attributes:
        secrets_dir: where day secrets are files; None if they are in memory only.
        secrets_store: `runtime`, `memory` or `disk`.
        temporary: temporary folders, each with a pattern of the files that could be ours.
        holds: whether the spool still holds hits of a closing instant.
        effect: sends a test pageview with a header, and returns what it would add.
    """

    store: Store
    secrets: DaySecrets
    sites: Callable[[], Sites]
    clock: Clock
    secrets_dir: Path | None
    secrets_store: str
    temporary: tuple[tuple[Path, str], ...]
    holds: Callable[[int], bool]
    effect: Callable[[Header], SignalEffect]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and how to check it.

    Attributes:
        promise: the promise, a sentence.
        find: yields violations.
        look: returns what was examined.
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
        "Day secrets exist for open days only, and are stored where they should be.",
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
        lambda _: f"pageviews sent to the real handler: {', '.join(host_checks.SIGNALS)}",
    ),
}


def audit(audited: AuditContext) -> list[Finding]:
    """Run every check; a check that cannot be run counts as a violation."""
    return [
        Finding(name, check.promise, _looked_at(check, audited), tuple(_violations(check, audited)))
        for name, check in CHECKS.items()
    ]


def report(findings: Sequence[Finding]) -> str:
    """Format findings as text."""
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
        return "nothing: it could not be reached"


def _violations(check: Check, audited: AuditContext) -> Iterable[str]:
    try:
        yield from check.find(audited)
    except (CollectorError, OSError) as failed:
        yield f"could not be checked: {failed}"
